"""Who names a credential: found in the texts of workflows and agents, which stand on floors above."""

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from releaseapp.credentials.contents import name_key
from releaseapp.credentials.models import Credential, Use, User, UserKind
from releaseapp.permissions import Permission
from releaseapp.workspaces.models import Membership

Users = Callable[[str], Iterable[User]]
"""What may name credentials in a workspace; ``storage`` puts it on the registry."""

# A quote within a text of JSON stands behind a backslash, so this finds fields, and nothing that people wrote of them.
# Taking a thousand definitions apart instead costs ten times as much.
_NAMING = re.compile(rb'"credential"\s*:\s*("(?:[^"\\]|\\.)*")')
_PERMISSION: Mapping[UserKind, Permission] = {
    UserKind.AGENT: Permission.AGENTS_VIEW,
    UserKind.WORKFLOW: Permission.WORKFLOWS_VIEW,
}


class Uses(msgspec.Struct, frozen=True):
    """Who names what, in one workspace: by the key of a name or by id."""

    by_text: dict[str, list[User]]

    def of(self, credential: Credential) -> list[Use]:
        """Who names this credential, each once, by kind and name."""
        found: dict[tuple[UserKind, str], Use] = {}
        for key, by_name in ((credential.id, False), (name_key(credential.name), True)):
            for user in self.by_text.get(key, ()):
                found[user.kind, user.id] = Use(user.kind, user.id, user.name, by_name)
        return sorted(found.values(), key=lambda use: (use.kind, use.name.casefold(), use.id))


def find_uses(users: Iterable[User]) -> Uses:
    """Looks through texts for fields called ``credential``; what an expression will make is not known yet."""
    by_text: dict[str, list[User]] = {}
    for user in users:
        for text in set(_NAMING.findall(user.text)):
            name = msgspec.json.decode(text, type=str).strip()
            if "{{" not in name:
                for key in {name, name_key(name)}:
                    by_text.setdefault(key, []).append(user)
    return Uses(by_text)


def visible(uses: Iterable[Use], membership: Membership) -> list[Use]:
    """Those of which the member may know the name."""
    return [use for use in uses if _PERMISSION[use.kind] in membership.permissions]
