"""What an import will do, decided before anything is done: made, matched, left as it is, or refused."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum

import msgspec

from releaseapp.errors import Fault
from releaseapp.workflows.models import Version, VersionStatus, Workflow
from releaseapp.workflows.transfer.bundle import BundledVersion
from releaseapp.workflows.transfer.candidates import Candidate
from releaseapp.workflows.transfer.needs import Needs, needs_of


class Outcome(StrEnum):
    """What becomes of a workflow of the file."""

    CREATED = "created"
    MATCHED = "matched"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Planned(msgspec.Struct, frozen=True):
    """One workflow of the file: what becomes of it.

    ``versions`` come in, ``version`` is the number here of the one that counts,
    ``publishes`` the number here of the one that will be published.
    """

    candidate: Candidate
    outcome: Outcome
    here: Workflow | None = None
    versions: int = 0
    version: int | None = None
    publishes: int | None = None
    faults: tuple[Fault, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """All workflows of the file, and what their definitions need that the workspace does not have."""

    items: list[Planned]
    missing: Needs

    @property
    def faults(self) -> list[Fault]:
        """Everything for which the file is refused."""
        return [fault for item in self.items for fault in item.faults]

    def count(self, outcome: Outcome) -> int:
        """How many workflows have that outcome."""
        return sum(item.outcome is outcome for item in self.items)

    def carried(self, changed: Iterable[Workflow]) -> "Plan":
        """The same plan with the workflows that came of it, in the order of the file."""
        made = iter(changed)
        done = {Outcome.CREATED, Outcome.MATCHED}
        items = [msgspec.structs.replace(one, here=next(made)) if one.outcome in done else one for one in self.items]
        return Plan(items, self.missing)

    @property
    def digest(self) -> str:
        """Changes when the plan does: by another file, or because the workspace has changed meanwhile."""
        parts = [
            (item.outcome, item.here.id if item.here else None, item.versions, item.version, item.publishes)
            for item in self.items
        ]
        files = [(item.candidate.head, item.candidate.versions, item.candidate.history) for item in self.items]
        return hashlib.sha256(msgspec.json.encode([parts, files])).hexdigest()


class Surroundings(msgspec.Struct, frozen=True):
    """The workspace into which a file is brought.

    ``accounts`` are its members' ids by e-mail; ``agents`` finds ids by name or
    id; ``credentials`` tells which of some names it has.
    """

    workspace_id: str
    accounts: Mapping[str, str]
    agents: Callable[[AbstractSet[str]], Mapping[str, str]]
    credentials: Callable[[AbstractSet[str]], AbstractSet[str]]


def make_plan(candidates: list[Candidate], workflows: list[Workflow], into: Surroundings, *, publish: bool) -> Plan:
    """The plan for a file, given all workflows that there are."""
    here = [one for one in workflows if one.workspace_id == into.workspace_id]
    by_id = {one.id: one for one in here}
    by_name: dict[str, list[Workflow]] = {}
    for one in here:
        if one.deleted_at is None:
            by_name.setdefault(one.shown.name, []).append(one)
    items: list[Planned] = []
    taken: set[str] = set()
    for candidate in candidates:
        item = _planned(candidate, by_id, by_name, publish=publish)
        if item.here is not None and item.here.id in taken:
            item = _refused(candidate, "/name", f"Another one of the file goes to {item.here.shown.name!r} already.")
        if item.here is not None:
            taken.add(item.here.id)
        items.append(item)
    return Plan(items, _missing(items, set(by_id) | set(by_name), into))


def _planned(
    candidate: Candidate, by_id: Mapping[str, Workflow], by_name: Mapping[str, list[Workflow]], *, publish: bool
) -> Planned:
    if candidate.faults:
        return Planned(candidate, Outcome.REFUSED, faults=tuple(candidate.faults))
    found = by_id.get(candidate.head.id or "")
    if found is not None and found.deleted_at is not None:
        return _refused(candidate, "/id", f"{found.shown.name!r} lies in the bin; restore it first.")
    named = by_name.get(candidate.name, [])
    if found is None and len(named) > 1:
        sentence = f"There are {len(named)} workflows here that are called {candidate.name!r}; give the id of one."
        return _refused(candidate, "/id", sentence)
    found = found or (named[0] if named else None)
    if found is not None:
        return _matched(candidate, found, publish=publish)
    publishes = candidate.to_publish if publish else None
    return Planned(candidate, Outcome.CREATED, None, len(candidate.versions), candidate.counts.number, publishes)


def _matched(candidate: Candidate, here: Workflow, *, publish: bool) -> Planned:
    given = candidate.counts
    publish = publish and candidate.to_publish is not None
    published = here.version(here.published_version) if here.published_version is not None else None
    if published is not None and says_the_same(published, given):
        return Planned(candidate, Outcome.UNCHANGED, here, 0, published.number)
    newest = here.versions[-1]
    if newest.status is VersionStatus.DRAFT and says_the_same(newest, given):
        if not publish:
            return Planned(candidate, Outcome.UNCHANGED, here, 0, newest.number)
        return Planned(candidate, Outcome.MATCHED, here, 0, newest.number, newest.number)
    number = newest.number + 1
    return Planned(candidate, Outcome.MATCHED, here, 1, number, number if publish else None)


def says_the_same(version: Version, given: BundledVersion) -> bool:
    """Whether a version here and one of a file have the same definition; the order of keys says nothing."""
    kept = msgspec.json.encode(version.data(), order="sorted")
    return kept == msgspec.json.encode(given.definition, order="sorted")


def _refused(candidate: Candidate, below: str, sentence: str) -> Planned:
    return Planned(candidate, Outcome.REFUSED, faults=(Fault(candidate.pointer + below, sentence),))


def _missing(items: list[Planned], workflows: AbstractSet[str], into: Surroundings) -> Needs:
    coming = [item for item in items if item.outcome in {Outcome.CREATED, Outcome.MATCHED}]
    known = {*workflows, *(item.candidate.name for item in coming), *(item.candidate.head.id for item in coming)}
    needs = needs_of(
        (item.candidate.name, version.definition)
        for item in coming
        for version in ([item.candidate.counts] if item.outcome is Outcome.MATCHED else item.candidate.versions)
        if version.status is not VersionStatus.ARCHIVED
    )
    for item in coming:
        if item.outcome is Outcome.CREATED and item.candidate.head.agent is not None:
            needs.agents.setdefault(item.candidate.head.agent, []).append(item.candidate.name)
    credentials = into.credentials(needs.credentials.keys())
    agents = into.agents(needs.agents.keys())
    return Needs(
        {name: by for name, by in needs.credentials.items() if name not in credentials},
        {name: by for name, by in needs.agents.items() if name not in agents},
        {name: by for name, by in needs.workflows.items() if name not in known},
    )
