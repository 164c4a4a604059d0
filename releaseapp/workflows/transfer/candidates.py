"""What a file asks for: its workflows, each whole and right in itself, or with everything that is wrong with it."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from releaseapp import clock
from releaseapp.errors import Fault, Invalid
from releaseapp.web.bodies import fit
from releaseapp.workflows.models import VersionStatus
from releaseapp.workflows.transfer.bundle import (
    FORMAT,
    MARK,
    Bundle,
    BundledEntry,
    BundledTrigger,
    BundledVersion,
    BundledWorkflow,
    Kind,
)
from releaseapp.workflows.transfer.checking import Checker
from releaseapp.workflows.transfer.reading import Limits

S = TypeVar("S", bound=msgspec.Struct)

_MOST_FAULTS = 1000
_LATEST = 86_400
"""Clocks of two servers differ; what is said to have been made more than a day from now was made up."""


class Candidate(msgspec.Struct, frozen=True):
    """A workflow as a file has it. ``alone`` is a definition or a single version; with faults the rest may be empty."""

    pointer: str
    name: str
    head: BundledWorkflow
    versions: list[BundledVersion] = []
    triggers: list[BundledTrigger] = []
    history: list[BundledEntry] = []
    faults: list[Fault] = []
    alone: bool = False

    @property
    def counts(self) -> BundledVersion:
        """The version by which the workflow is known: the published one, else the newest draft, else the last."""
        drafts = [one for one in self.versions if one.status is VersionStatus.DRAFT]
        published = [one for one in self.versions if one.number == self.head.published_version]
        return (published or drafts or self.versions)[-1]

    @property
    def to_publish(self) -> int | None:
        """The number of the version that publishing this file publishes, or None."""
        return self.versions[-1].number if self.alone else self.head.published_version


def candidates_of(value: Any, limits: Limits) -> list[Candidate]:
    """The workflows of a file's data; raises Invalid for what is neither an export nor a definition."""
    if not isinstance(value, dict):
        raise Invalid.at("", "The file must hold a definition (a name and steps) or an export of this product.")
    checker = Checker(limits)
    if MARK not in value:
        version = BundledVersion(number=1, definition=value)
        faults = checker.faults_of(version, "")
        return [_alone("", BundledWorkflow(versions=[{}]), version, faults)]
    kind, workflows = _opened(value, limits)
    found: list[Candidate] = []
    faults = []
    for place, one in enumerate(workflows):
        found.append(_candidate(one, f"/workflows/{place}", kind, checker))
        faults += found[-1].faults
        _stop_after_many(faults)
    return found


def _opened(value: dict[str, Any], limits: Limits) -> tuple[Kind, list[dict[str, Any]]]:
    marker = value[MARK]
    given = marker.get("format") if isinstance(marker, dict) else None
    if isinstance(given, int) and not isinstance(given, bool) and given != FORMAT:
        raise Invalid.at(f"/{MARK}/format", f"The file is of format {given}; this server reads format {FORMAT}.")
    bundle = fit(value, Bundle)
    if len(bundle.workflows) > limits.workflows:
        raise Invalid.at(
            "/workflows", f"The file holds {len(bundle.workflows):,} workflows; {limits.workflows:,} are the most."
        )
    return bundle.releaseapp.kind, bundle.workflows


def _candidate(value: dict[str, Any], here: str, kind: Kind, checker: Checker) -> Candidate:
    faults: list[Fault] = []
    head = _read(value, BundledWorkflow, here, faults)
    if head is None:
        return Candidate(pointer=here, name=_name_in(value), head=BundledWorkflow(versions=[{}]), faults=faults)
    versions = _read_all(head.versions, BundledVersion, f"{here}/versions", faults)
    if len(versions) == len(head.versions):
        faults += _faults_of_numbers(head, versions, here)
    for place, version in enumerate(versions):
        faults += checker.faults_of(version, f"{here}/versions/{place}/definition")
        _stop_after_many(faults)
    if kind == "version" and len(head.versions) == 1 and versions:
        return _alone(here, head, versions[0], faults)
    if kind == "version" and len(head.versions) > 1:
        faults.append(Fault(f"{here}/versions", "A file of the kind version holds one version."))
    triggers = _read_all(head.triggers, BundledTrigger, f"{here}/triggers", faults)
    history = _read_all(head.history, BundledEntry, f"{here}/history", faults)
    faults += _faults_of_times(head, versions, history, here)
    made = Candidate(here, "", head, versions, triggers, history, faults)
    if not versions:
        return msgspec.structs.replace(made, name=_name_in(value))
    name = _name_in(made.counts.definition)
    if not faults and head.name and head.name != name:
        sentence = f"The name here is {head.name!r}, in the definition that counts it is {name!r}; change that one."
        faults.append(Fault(f"{here}/name", sentence))
    return msgspec.structs.replace(made, name=name)


def _alone(here: str, head: BundledWorkflow, version: BundledVersion, faults: list[Fault]) -> Candidate:
    faults = [*faults, *_faults_of_times(head, [version], [], here)]
    version = msgspec.structs.replace(version, status=VersionStatus.DRAFT, base=None)
    return Candidate(here, _name_in(version.definition), head, [version], faults=faults, alone=True)


def _read(value: Any, schema: type[S], here: str, faults: list[Fault]) -> S | None:
    try:
        return fit(value, schema)
    except Invalid as error:
        faults.extend(Fault(here + fault.pointer, fault.detail) for fault in error.faults)
        return None


def _read_all(values: Iterable[Any], schema: type[S], here: str, faults: list[Fault]) -> list[S]:
    found = []
    for place, value in enumerate(values):
        one = _read(value, schema, f"{here}/{place}", faults)
        if one is None:
            _stop_after_many(faults)
        else:
            found.append(one)
    return found


def _stop_after_many(faults: list[Fault]) -> None:
    """Nobody reads ten thousand faults: whoever wrote the file learns enough from the first."""
    if len(faults) > _MOST_FAULTS:
        more = Fault("", f"There are more than {_MOST_FAULTS:,} faults; these are the first.")
        raise Invalid([more, *faults[:_MOST_FAULTS]])


def _name_in(definition: dict[str, Any]) -> str:
    name = definition.get("name")
    return name.strip()[:120] if isinstance(name, str) else ""


def _faults_of_numbers(head: BundledWorkflow, versions: list[BundledVersion], here: str) -> list[Fault]:
    faults = []
    seen: set[int] = set()
    last = 0
    for place, version in enumerate(versions):
        at = f"{here}/versions/{place}"
        if version.number <= last:
            faults.append(Fault(f"{at}/number", "The numbers of versions must grow from one to the next."))
        if version.base is not None and version.base not in seen:
            faults.append(Fault(f"{at}/base", f"There is no version {version.base} before this one to be its base."))
        seen.add(version.number)
        last = max(last, version.number)
        if (version.status is VersionStatus.PUBLISHED) is not (version.number == head.published_version):
            sentence = "Exactly the version that published_version names must have the status published."
            faults.append(Fault(f"{at}/status", sentence))
    if head.published_version is not None and head.published_version not in seen:
        sentence = f"There is no version {head.published_version} in the file."
        faults.append(Fault(f"{here}/published_version", sentence))
    return faults


def _faults_of_times(
    head: BundledWorkflow, versions: list[BundledVersion], history: list[BundledEntry], here: str
) -> list[Fault]:
    times = [(f"{here}/{name}", getattr(head, name)) for name in ("created_at", "updated_at")]
    for place, version in enumerate(versions):
        times += [(f"{here}/versions/{place}/{name}", getattr(version, name)) for name in ("created_at", "updated_at")]
    times += [(f"{here}/history/{place}/at", entry.at) for place, entry in enumerate(history)]
    latest = clock.later_text(_LATEST)
    return [Fault(at, told) for at, given in times if given is not None and (told := _told_of_time(given, latest))]


def _told_of_time(given: str, latest: str) -> str:
    try:
        moment = clock.text(clock.parse(given))
    except (ValueError, OverflowError):
        return "A time is written like 2030-01-31T08:00:00.000Z."
    return "This time lies in the future." if moment > latest else ""
