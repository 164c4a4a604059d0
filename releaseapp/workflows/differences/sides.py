"""The two versions that are compared: found by what ``against`` says, as far as the person may see them."""

import re
from typing import Any

import msgspec

from releaseapp.db.api import Reader
from releaseapp.errors import Invalid, NotFound
from releaseapp.permissions import Permission
from releaseapp.web.problems import NOT_FOUND
from releaseapp.workflows.differences.meaning import Surroundings, compare, with_surroundings
from releaseapp.workflows.differences.models import Difference
from releaseapp.workflows.models import Version, Workflow
from releaseapp.workflows.names import agent_names
from releaseapp.workflows.service import find_workflow
from releaseapp.workflows.store import Store
from releaseapp.workflows.transfer import export
from releaseapp.workspaces.models import Identity, Membership

_NAMED = re.compile(r"(?:(?P<workflow>[A-Za-z0-9_]{1,64})/)?(?P<number>[0-9]{1,9})", re.ASCII)
_HOW = "a version's number, or the id of another workflow, a slash and the number: wfl_…/2"


class Side(msgspec.Struct, frozen=True):
    """One of the two: a version, its workflow, and the workspace that it is in."""

    place: Membership
    workflow: Workflow
    version: Version

    @property
    def key(self) -> str:
        """How ``against`` and ``to`` name it, wherever one is."""
        return f"{self.workflow.id}/{self.version.number}"

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{' '.join(self.version.name.split())}, version {self.version.number}"


def find_side(store: Store, identity: Identity, here: Side, text: str, field: str = "against") -> Side:
    """The version that a text names: of the same workflow by number, of another one by id and number.

    Raises Invalid at ``field`` for a text that names nothing, NotFound for what
    is not there, which looks like what the person may not see.
    """
    named = _NAMED.fullmatch(text)
    if named is None:
        raise Invalid.at(f"/{field}", f"{field} must be {_HOW}.")
    place, workflow = here.place, here.workflow
    if named["workflow"] and named["workflow"] != workflow.id:
        place, workflow = _find_elsewhere(store, identity, named["workflow"])
    version = workflow.version(int(named["number"]))
    if version is None:
        raise NotFound(NOT_FOUND)
    return Side(place, workflow, version)


def usual_side(here: Side) -> Side | None:
    """What a version is compared with when nothing is said: the published one, else the one before, else another."""
    others = [one for one in here.workflow.versions if one.number != here.version.number]
    published = next((one for one in others if one.number == here.workflow.published_version), None)
    before = [one for one in others if one.number < here.version.number]
    if not others:
        return None
    return Side(here.place, here.workflow, published or (before or others)[-1])


def difference_of(db: Reader, before: Side, after: Side) -> Difference:
    """What is different in meaning; between two workflows also tags, agent and triggers."""
    found = compare(before.version.data(), after.version.data())
    if before.workflow.id == after.workflow.id:
        return found
    return with_surroundings(found, _surroundings(db, before), _surroundings(db, after))


def _find_elsewhere(store: Store, identity: Identity, workflow_id: str) -> tuple[Membership, Workflow]:
    for place in identity.memberships.values():
        if identity.allows(place.workspace_id, Permission.WORKFLOWS_VIEW):
            workflow = find_workflow(store, place.workspace_id, workflow_id)
            if workflow is not None:
                return place, workflow
    raise NotFound(NOT_FOUND)


def _surroundings(db: Reader, side: Side) -> Surroundings:
    """As an export gives them: with names for ids, and without what is secret in a trigger."""

    alone = msgspec.structs.replace(side.workflow, versions=[side.workflow.shown], history=[])
    names = export.Names(author=lambda _account_id: None, agent=agent_names(db, side.place.workspace_id))
    exported: dict[str, Any] = export.all_of([alone], names)["workflows"][0]
    return Surroundings(exported.get("tags", []), exported.get("agent"), exported.get("triggers", []))
