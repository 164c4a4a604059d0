"""The states of a release and what leads from one to another, as data."""

from enum import StrEnum

import msgspec

from releaseapp.errors import Conflict
from releaseapp.releases.models import Release, Status


class Verb(StrEnum):
    """What an operator does with a release."""

    START = "start"
    CONFIRM = "confirm"
    PROMOTE = "promote"
    HOOK = "hook"
    FINISH = "finish"
    ROLLBACK = "rollback"
    ABANDON = "abandon"
    NOTE = "note"


class Transition(msgspec.Struct, frozen=True):
    """What a verb does.

    ``sources`` are the states it is possible in; ``through`` the state while it is at work, None when that is the
    former one; ``target`` where it leads, None when the state stays; ``needs`` what must be so, and what ``despite``
    a reason passes; ``writes`` what stands in the database afterwards, one transaction a part.
    """

    sources: frozenset[Status]
    through: Status | None
    target: Status | None
    needs: str
    writes: tuple[str, ...]


_RUNNING = frozenset({Status.STARTED, Status.PROMOTED})
_OPEN = _RUNNING | {Status.STARTING, Status.ROLLING_BACK}

TRANSITIONS: dict[Verb, Transition] = {
    Verb.START: Transition(
        frozenset({Status.STARTING}),
        Status.STARTING,
        Status.STARTED,
        "No other release is open. No check finds an error; `--despite` passes.",
        (
            "the release, with who, why and when",
            "what the checks found",
            "the snapshot's name and figures",
            "the role matrix, the connections before, and that it has started",
        ),
    ),
    Verb.CONFIRM: Transition(
        _RUNNING, None, None, "Nothing.", ("who has looked at the role matrix, when, and how it differed",)
    ),
    Verb.PROMOTE: Transition(
        frozenset({Status.STARTED}),
        None,
        Status.PROMOTED,
        "The new process answers and is ready. It has the version that was announced, accounts that sign in find what "
        "is theirs, a role matrix that differs was confirmed, connections are calm; `--despite` passes.",
        ("what answered", "what accounts found", "the connections since the start", "that it is promoted, or why not"),
    ),
    Verb.HOOK: Transition(
        frozenset({Status.PROMOTED, Status.FINISHED}),
        None,
        None,
        "Connections are calm, and `release_hook_url` is set.",
        ("that the address is called", "what it answered"),
    ),
    Verb.FINISH: Transition(
        frozenset({Status.PROMOTED}),
        None,
        Status.FINISHED,
        "Connections are calm since the promotion and the hook, where there is one, has answered well; "
        "`--despite` passes.",
        ("the connections since the promotion", "the hook's call", "its answer", "that it is finished, or why not"),
    ),
    Verb.ROLLBACK: Transition(
        _RUNNING | {Status.ROLLING_BACK},
        Status.ROLLING_BACK,
        Status.ROLLED_BACK,
        "The release's snapshot is whole and fits.",
        ("that it is being rolled back, and why", "what was put back, and how long writes waited"),
    ),
    Verb.ABANDON: Transition(_OPEN, None, Status.ABANDONED, "A reason.", ("that it is abandoned, and why",)),
    Verb.NOTE: Transition(frozenset(Status), None, None, "Nothing.", ("the note",)),
}


def require(verb: Verb, release: Release, what_happened: str = "") -> None:
    """Raises Conflict, with the sentence of what happened, when the release stands where the verb is impossible."""
    if release.status in TRANSITIONS[verb].sources:
        return
    happened = f" {what_happened}" if what_happened else ""
    raise Conflict(
        f"The release {release.from_version} → {release.to_version} is {release.status.words}, so {verb} is not "
        f"possible.{happened}",
        stands=release.status.value,
        release=release.id,
    )


def verbs_at(status: Status) -> list[Verb]:
    """What can be done in a state."""
    return [verb for verb, transition in TRANSITIONS.items() if status in transition.sources]


def as_markdown() -> str:
    """The machine as the table of the documentation."""
    lines = ["| command | from | to | needs | written, a transaction each |", "| --- | --- | --- | --- | --- |"]
    for verb, one in TRANSITIONS.items():
        sources = "any" if one.sources == frozenset(Status) else ", ".join(s.words for s in Status if s in one.sources)
        if verb is Verb.START:
            sources = f"nothing, {sources}"
        through = f"{one.through.words}, then " if one.through else ""
        target = f"{through}{one.target.words}" if one.target else "the same"
        writes = "; ".join(f"({number}) {part}" for number, part in enumerate(one.writes, 1))
        lines.append(f"| `{verb}` | {sources} | {target} | {one.needs} | {writes} |")
    return "\n".join(lines) + "\n"
