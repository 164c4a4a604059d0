"""A difference as people read it, on a page or in a terminal: sections of entries with their fields."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from releaseapp.workflows import yaml_text
from releaseapp.workflows.differences.effort import Effort
from releaseapp.workflows.differences.models import (
    Difference,
    FieldChange,
    InputChange,
    Kind,
    Piece,
    StepChange,
    TriggerChange,
)
from releaseapp.workflows.differences.rows import Row, rows_of
from releaseapp.workflows.differences.words import pieces

_LONGEST_BESIDE = 240
_MOST_ROWS = 300
_MOST_NAMED = 6


class ShownField(msgspec.Struct, frozen=True):
    """One field: its ``rows``, line by line, when it is long, else ``words``, of what it was and what it is."""

    path: str
    kind: Kind
    words: list[Piece] = []
    rows: list[Row] = []

    @property
    def before(self) -> list[Piece] | None:
        """What it was; None where there was nothing."""
        return None if self.kind == "added" else [piece for piece in self.words if piece.kind != "added"]

    @property
    def after(self) -> list[Piece] | None:
        """What it is; None where there is nothing."""
        return None if self.kind == "removed" else [piece for piece in self.words if piece.kind != "removed"]


class Entry(msgspec.Struct, frozen=True):
    """One thing that is different. ``following`` are the fields that only name another thing by its new name."""

    title: str = ""
    code: str = ""
    tag: str = ""
    words: Sequence[str] = ()
    notes: list[str] = []
    fields: list[ShownField] = []
    following: list[ShownField] = []


ShowField = Callable[[FieldChange], ShownField]


class Section(msgspec.Struct, frozen=True):
    """Things of one kind that are different."""

    title: str
    entries: list[Entry]


def sections_of(difference: Difference) -> list[Section]:
    """The sections in which something is different."""
    effort = Effort()

    def field(one: FieldChange) -> ShownField:
        return _field(one, effort)

    sections = [
        Section("Metadata", _alone(difference.metadata, field)),
        Section("Inputs", [_input(one, field) for one in difference.inputs]),
        Section("Triggers", [_trigger(one, field) for one in difference.triggers]),
        Section("Output", _alone(difference.output, field)),
        Section("Steps", [_step(one, field) for one in difference.steps]),
    ]
    return [section for section in sections if section.entries]


def _alone(fields: list[FieldChange], shown: ShowField) -> list[Entry]:
    if not fields:
        return []
    return [
        Entry(
            fields=[shown(field) for field in fields if not field.follows_rename],
            following=[shown(field) for field in fields if field.follows_rename],
        )
    ]


def _input(one: InputChange, shown: ShowField) -> Entry:
    given = {
        ("added", True): "It must be given.",
        ("added", False): "It may be left out.",
        ("changed", "required"): "It must be given now.",
        ("changed", "optional"): "It may be left out now.",
    }
    note = given.get((one.kind, one.became if one.kind == "changed" else one.required))
    title = one.name or "All inputs"
    return Entry(title, words=[one.kind], notes=[note] if note else [], fields=[shown(field) for field in one.fields])


def _trigger(one: TriggerChange, shown: ShowField) -> Entry:
    return Entry(one.trigger, words=[one.kind], fields=[shown(field) for field in one.fields])


def _step(one: StepChange, shown: ShowField) -> Entry:
    notes = []
    if one.words == ["added"]:
        notes.append(f"It is step {one.place}, {_behind(one.waits_for)}.")
    if one.words == ["removed"]:
        notes.append(f"It was step {one.place}, {_behind(one.waits_for)}.")
    if one.renamed_from is not None:
        notes.append(f"Its id was {one.renamed_from or 'missing'}.")
    if one.moved is not None:
        still = "still" if sorted(one.moved.waits_before) == sorted(one.moved.waits_after) else "now"
        notes.append(f"Moved from {one.moved.before} to {one.moved.after}; {still} {_behind(one.moved.waits_after)}.")
    return Entry(
        title=one.name or one.id or "A step without an id",
        code=one.id,
        tag=one.type,
        words=[word for word in one.words if word != "follows"],
        notes=notes,
        fields=[shown(field) for field in one.fields if not field.follows_rename],
        following=[shown(field) for field in one.fields if field.follows_rename],
    )


def _behind(names: list[str]) -> str:
    if not names:
        return "waiting for no other"
    if len(names) > _MOST_NAMED:
        return f"after {', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
    *most, last = names
    return f"after {', '.join(most)} and {last}" if most else f"after {last}"


def _field(one: FieldChange, effort: Effort) -> ShownField:
    words = one.words if isinstance(one.words, list) else _words_of(one.before, one.after, effort)
    texts = [piece.text for piece in words]
    if one.kind == "changed" and (any("\n" in text for text in texts) or sum(map(len, texts)) > _LONGEST_BESIDE):
        return ShownField(one.path, one.kind, rows=rows_of(words, most=_MOST_ROWS))
    return ShownField(one.path, one.kind, words)


def _words_of(before: Any, after: Any, effort: Effort) -> list[Piece]:
    """What was and what is, where they are not two texts: as they stand in a definition."""
    if before is UNSET:
        return [Piece("added", _alone_as_text(after))]
    if after is UNSET:
        return [Piece("removed", _alone_as_text(before))]
    was, now = _as_yaml(before), _as_yaml(after)
    if _is_plain(before) and _is_plain(after):
        return [Piece("removed", was), Piece("added", now)]
    return pieces(was, now, effort)


def _alone_as_text(value: Any) -> str:
    return value if isinstance(value, str) else _as_yaml(value)


def _as_yaml(value: Any) -> str:
    if isinstance(value, list) and all(map(_is_plain, value)):
        on_one_line = json.dumps(value, ensure_ascii=False)
        if len(on_one_line) <= _LONGEST_BESIDE:
            return on_one_line
    return yaml_text.dump(value).removesuffix("\n").strip(" ")


def _is_plain(value: Any) -> bool:
    return not isinstance(value, (dict, list))
