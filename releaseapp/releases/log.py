"""The log of a release, as an operator would have written it by hand; every figure comes from its records."""

import shlex
from enum import StrEnum
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.clock import to_the_second as moment
from releaseapp.releases.models import Entry, EntryKind, Release


class Form(StrEnum):
    """How a part of the log is laid out."""

    COMMANDS = "commands"
    FACTS = "facts"
    LINES = "lines"
    QUOTE = "quote"
    TABLE = "table"
    TEXT = "text"


class Block(msgspec.Struct, frozen=True):
    """A part of a section: ``rows`` of one cell for texts, lines, quotes and commands, of two for facts."""

    form: Form
    rows: list[list[str]]
    head: list[str] = []


class Section(msgspec.Struct, frozen=True):
    """A heading with what stands below it."""

    title: str
    blocks: list[Block]


class Log(msgspec.Struct, frozen=True):
    """The whole: a title and its sections."""

    title: str
    facts: Block
    sections: list[Section]


def build_log(release: Release, entries: list[Entry]) -> Log:
    """The log of a release from its records."""
    sections = [
        Section("What happened", [_timeline(entries)]),
        Section("Checks", _found(entries, EntryKind.CHECKED)),
        Section("Probe", _found(entries, EntryKind.PROBED)),
        Section("Snapshot", _snapshot(entries)),
        Section("Role matrix", _roles(release, entries)),
        Section("Connections", _connections(entries)),
        Section("Despite", _despite(entries)),
        Section("Hook", _hook(entries)),
        Section("Notes", _notes(entries)),
        Section("Rollback", _rollback(release, entries)),
    ]
    return Log(
        title=f"{release.started_at[:10]}: release of {release.to_version}",
        facts=Block(Form.FACTS, _facts(release, entries)),
        sections=[one for one in sections if one.blocks],
    )


def _facts(release: Release, entries: list[Entry]) -> list[list[str]]:
    when = moment(release.started_at)
    if release.finished_at:
        took = (clock.parse(release.finished_at) - clock.parse(release.started_at)).total_seconds()
        when += f" to {moment(release.finished_at)} ({_span(took)})"
    return [
        ["Who", release.who],
        ["When", when],
        ["From version", release.from_version],
        ["To version", release.to_version],
        ["Why", release.why],
        ["Planned window", _window(release)],
        ["Outcome", _outcome(release, entries)],
        ["Id", release.id],
    ]


def _outcome(release: Release, entries: list[Entry]) -> str:
    last = next((one for one in reversed(entries) if one.kind.value == release.status.value), None)
    if not release.is_over or last is None:
        return f"Open: {release.status.words}."
    return last.sentence


def _window(release: Release) -> str:
    begin, end = release.window_starts_at, release.window_ends_at
    if not begin and not end:
        return "none"
    planned = " ".join(([f"from {moment(begin)}"] if begin else []) + ([f"until {moment(end)}"] if end else []))
    missed = []
    if begin and release.started_at < begin:
        missed.append(f"began {_span(_between(release.started_at, begin))} early")
    if end and release.started_at > end:
        missed.append(f"began {_span(_between(end, release.started_at))} late")
    elif end and release.finished_at and release.finished_at > end:
        missed.append(f"ended {_span(_between(end, release.finished_at))} late")
    if missed:
        return f"{planned}: not kept, {', '.join(missed)}"
    return f"{planned}: kept" if release.finished_at else planned


def _timeline(entries: list[Entry]) -> Block:
    return Block(Form.TABLE, [[moment(one.at), one.who, one.sentence] for one in entries], ["When", "Who", "What"])


def _found(entries: list[Entry], kind: EntryKind) -> list[Block]:
    blocks = []
    for entry in _of(entries, kind):
        found = entry.data.get("findings", [])
        wrong = [one for one in found if not one["ok"]]
        blocks.append(Block(Form.TEXT, [[f"{moment(entry.at)}: {entry.sentence}"]]))
        if wrong:
            rows = [[one["severity"], one["title"], f"{one['sentence']} {one['cure']}".strip()] for one in wrong]
            blocks.append(Block(Form.TABLE, rows, ["Severity", "Check", "Found"]))
        well = [one["title"] for one in found if one["ok"]]
        if well:
            blocks.append(Block(Form.TEXT, [[f"Well: {', '.join(well)}."]]))
    return blocks


def _snapshot(entries: list[Entry]) -> list[Block]:
    blocks = []
    for entry in _of(entries, EntryKind.SNAPSHOT):
        data = entry.data
        facts = [
            ["Name", data["name"]],
            ["Made", moment(data["made_at"])],
            ["Size", f"{data['bytes']:,} bytes{', encrypted' if data['encrypted'] else ''}"],
            ["Made by version", data["app_version"]],
            ["Kept in", ", ".join(data["places"])],
            ["Rows", ", ".join(f"{name} {number:,}" for name, number in data["counts"].items() if number)],
        ]
        blocks.append(Block(Form.FACTS, [one for one in facts if one[1]]))
    return blocks


def _roles(release: Release, entries: list[Entry]) -> list[Block]:
    frozen = _of(entries, EntryKind.ROLES_FROZEN)
    if not frozen:
        return []
    blocks = [Block(Form.TEXT, [[f"Frozen at {moment(frozen[-1].at)}."]])]
    for entry in _of(entries, EntryKind.ROLES_CONFIRMED):
        changes = entry.data["changes"]
        told = f"Confirmed by {entry.who} at {moment(entry.at)}: "
        blocks.append(Block(Form.TEXT, [[told + ("it differed." if changes else "unchanged.")]]))
        if changes:
            blocks.append(Block(Form.LINES, [[one] for one in changes]))
    if release.roles_confirmed_at is None:
        blocks.append(Block(Form.TEXT, [["Nobody has confirmed it."]]))
    return blocks


def _connections(entries: list[Entry]) -> list[Block]:
    looks = [one.data for one in _of(entries, EntryKind.CONNECTIONS)]
    if not looks:
        return []
    names: dict[str, None] = {}
    for look in looks:
        # What nobody could measure at any of these times is no line of the log.
        known = {name: one for name, one in look["figures"].items() if one is not None}
        names |= {name: None for name, value in known.items() if not isinstance(value, (dict, list))}
    head = ["", *(str(look["phase"]) for look in looks)]
    rows = [["verdict", *(str(look["verdict"]) for look in looks)]]
    rows += [["at", *(moment(one.at) for one in _of(entries, EntryKind.CONNECTIONS))]]
    rows += [[name.replace("_", " "), *(_figure(look["figures"].get(name)) for look in looks)] for name in names]
    reasons = [[f"{look['phase']}: {reason}"] for look in looks for reason in look["reasons"]]
    return [Block(Form.TABLE, rows, head), *([Block(Form.LINES, reasons)] if reasons else [])]


def _despite(entries: list[Entry]) -> list[Block]:
    rows = [[moment(one.at), one.who, one.sentence] for one in _of(entries, EntryKind.DESPITE)]
    return [Block(Form.TABLE, rows, ["When", "Who", "What"])] if rows else []


def _hook(entries: list[Entry]) -> list[Block]:
    rows = [
        [moment(one.at), one.sentence, f"{one.data['seconds']:.2f} s"] for one in _of(entries, EntryKind.HOOK_ANSWERED)
    ]
    return [Block(Form.TABLE, rows, ["When", "Answer", "Took"])] if rows else []


def _notes(entries: list[Entry]) -> list[Block]:
    blocks = []
    for entry in _of(entries, EntryKind.NOTE):
        blocks.append(Block(Form.TEXT, [[f"{entry.who}, {moment(entry.at)}:"]]))
        blocks.append(Block(Form.QUOTE, [[line] for line in entry.sentence.splitlines()]))
    return blocks


def _rollback(release: Release, entries: list[Entry]) -> list[Block]:
    if release.snapshot is None:
        return []
    begun = next(iter(_of(entries, EntryKind.BEGUN)), None)
    ini = shlex.quote(begun.data.get("ini", "INI") if begun else "INI")
    restored = next(iter(reversed(_of(entries, EntryKind.RESTORED))), None)
    if restored is not None:
        data = restored.data
        facts = [
            ["Put back", data["snapshot"]],
            ["What was replaced", data["before"]],
            ["Took", _seconds(data["seconds"])],
            ["Writes waited", _seconds(data["seconds_writes_waited"])],
            ["Runs marked", _figure(data["runs_marked"])],
            ["Version to start", data["app_version"]],
        ]
        undo = [[f"releaseapp snapshot undo {ini}"], [f"pip install releaseapp=={release.to_version}"]]
        how = Block(Form.TEXT, [["To undo the rollback:"]])
        return [Block(Form.FACTS, facts), how, Block(Form.COMMANDS, undo)]
    if release.is_over:
        text = "To go back to the state before the release, though it is over:"
        first = f"releaseapp snapshot restore {ini} {release.snapshot}"
    else:
        text = "The plan:"
        first = f"releaseapp release rollback {ini}"
    commands = [[first], [f"pip install releaseapp=={release.from_version}"], ["# and start the server again"]]
    return [Block(Form.TEXT, [[text]]), Block(Form.COMMANDS, commands)]


def _of(entries: list[Entry], kind: EntryKind) -> list[Entry]:
    return [one for one in entries if one.kind is kind]


def _figure(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _seconds(value: float | None) -> str:
    return "not known, for the process died" if value is None else f"{value:.2f} s"


def _between(earlier: str, later: str) -> float:
    return (clock.parse(later) - clock.parse(earlier)).total_seconds()


def _span(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
