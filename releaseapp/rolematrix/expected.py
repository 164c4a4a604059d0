"""The expected matrix: a YAML file that people keep in git, edit by hand, and hold the server to."""

import re
from difflib import get_close_matches
from typing import Any

from releaseapp.errors import Fault, Invalid, pointer_part
from releaseapp.rolematrix.models import PERMISSIONS, ROLES, WHO, Matrix
from releaseapp.workflows import yaml_text

LARGEST_BYTES = 2_097_152
MOST_VALUES = 100_000
_DEEPEST = 6
_MOST_FAULTS = 20
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_ROUTE = re.compile(r"(GET|POST|PUT|PATCH|DELETE|OPTIONS) /\S*( \((page|JSON|all)\))?")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
_COMMENT = """\
# Who may do what on this server. Kept in git; "releaseapp roles verify INI THIS-FILE" says what differs.
#
# operators   e-mails of those who may release, snapshot and restore
# workspaces  by slug; in each:
#   roles     role to the permissions it has (an owner always has all)
#   people    e-mail to role; accounts that are disabled do not stand here
#   tokens    e-mail to API tokens by name, each with the role it acts with
# routes      method and path to the permission that is asked for; or everybody, signed-in, person, operator, nobody
#
# Edit by hand, or write it anew with "releaseapp roles show INI --yaml". A part that is left out (routes, the tokens
# of a workspace) is not compared. No anchors and aliases.
"""


def as_yaml(matrix: Matrix) -> str:
    """A matrix as the text of such a file, with comments that say how to edit it."""
    return f"{_COMMENT}\n{yaml_text.dump(matrix)}"


def read_expected(text: str) -> Matrix:
    """The matrix that a file expects; raises Invalid with a sentence for each fault that names the line."""
    data, lines = yaml_text.load(text, deepest=_DEEPEST, most_values=MOST_VALUES, largest=LARGEST_BYTES)
    reader = _Reader(lines)
    reader.whole(data)
    if reader.faults:
        raise Invalid(reader.faults[:_MOST_FAULTS])
    matrix: Matrix = data
    return matrix


class _Reader:
    """Looks at the data of a file, and collects what is wrong with it."""

    def __init__(self, lines: dict[str, int]) -> None:
        self._lines = lines
        self.faults: list[Fault] = []

    def whole(self, data: Any) -> None:
        parts = {"operators": self._operators, "workspaces": self._workspaces, "routes": self._routes}
        for name, value, at in self._entries(data, ""):
            if name in parts:
                parts[name](value, at)
            else:
                self._fault(
                    at, f"there is no part {name[:60]!r}{_meant(name, parts)}; the parts are {', '.join(parts)}."
                )
        if isinstance(data, dict) and not data:
            self._fault("", "the file is empty; write it with 'releaseapp roles show INI --yaml'.")

    def _operators(self, value: Any, at: str) -> None:
        if not isinstance(value, list):
            self._fault(at, "operators is a list of e-mails.")
            return
        for number, email in enumerate(value):
            self._email(email, f"{at}/{number}")

    def _workspaces(self, value: Any, at: str) -> None:
        for slug, workspace, below in self._entries(value, at):
            if not _SLUG.fullmatch(slug):
                self._fault(below, f"{slug[:60]!r} is no slug of a workspace: small letters, digits and hyphens.")
            self._workspace(workspace, below)

    def _workspace(self, value: Any, at: str) -> None:
        parts = {"name": self._name, "roles": self._roles, "people": self._people, "tokens": self._tokens}
        for name, part, below in self._entries(value, at):
            if name in parts:
                parts[name](part, below)
            else:
                said = f"a workspace has no part {name[:60]!r}{_meant(name, parts)}; the parts are {', '.join(parts)}."
                self._fault(below, said)

    def _name(self, value: Any, at: str) -> None:
        if not isinstance(value, str):
            self._fault(at, "the name of a workspace is text.")

    def _roles(self, value: Any, at: str) -> None:
        for role, permissions, below in self._entries(value, at):
            self._role(role, below)
            if not isinstance(permissions, list):
                self._fault(below, "a role has a list of permissions.")
                continue
            for number, permission in enumerate(permissions):
                self._one_of(permission, PERMISSIONS, f"{below}/{number}", "permission")

    def _people(self, value: Any, at: str) -> None:
        for email, role, below in self._entries(value, at):
            self._email(email, below)
            self._role(role, below)

    def _tokens(self, value: Any, at: str) -> None:
        for email, tokens, below in self._entries(value, at):
            self._email(email, below)
            for _name, role, place in self._entries(tokens, below):
                self._role(role, place)

    def _routes(self, value: Any, at: str) -> None:
        for route, asked, below in self._entries(value, at):
            if not _ROUTE.fullmatch(route):
                self._fault(below, f"{route[:100]!r} is no route; write a method and a path, as 'GET /agents'.")
            self._one_of(asked, (*PERMISSIONS, *WHO), below, "permission")

    def _entries(self, value: Any, at: str) -> list[tuple[str, Any, str]]:
        if not isinstance(value, dict):
            what = at.rpartition("/")[2] or "the file"
            self._fault(at, f"{what} is a mapping of names, not {_kind(value)}.")
            return []
        return [(name, one, f"{at}/{pointer_part(name)}") for name, one in value.items()]

    def _role(self, value: Any, at: str) -> None:
        self._one_of(value, ROLES, at, "role")

    def _email(self, value: Any, at: str) -> None:
        if not isinstance(value, str) or not _EMAIL.fullmatch(value):
            self._fault(at, f"{str(value)[:100]!r} is not an e-mail address; people stand here by their e-mail.")
        elif value != value.lower():
            self._fault(at, f"{value[:100]} must be in small letters, as accounts are kept.")

    def _one_of(self, value: Any, known: tuple[str, ...], at: str, what: str) -> None:
        if value not in known:
            named = str(value)[:60]
            choices = f"; the {what}s are {', '.join(known)}" if len(known) < len(PERMISSIONS) else ""
            self._fault(at, f"there is no {what} {named!r}{_meant(named, known)}{choices}.")

    def _fault(self, at: str, sentence: str) -> None:
        self.faults.append(Fault(at, f"Line {self._lines.get(at, 1)}, {at or 'the file'}: {sentence}"))


def _meant(word: str, known: Any) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", bool: "true or false", type(None): "nothing"}.get(type(value), "a number")
