"""What a difference is made of: plain data, the same for pages, programs and the shell."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

PieceKind = Literal["same", "removed", "added"]
Kind = Literal["added", "removed", "changed"]
StepWord = Literal["added", "removed", "renamed", "moved", "changed", "follows"]


class Piece(msgspec.Struct, frozen=True):
    """A part of two texts: same and removed joined are the text before, same and added the text after."""

    kind: PieceKind
    text: str


class FieldChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value that is different.

    ``path`` is for people (``config.headers["X-Id"]``), ``pointer`` (RFC 6901)
    for programs; both begin at what the field belongs to. ``before`` is not
    set for what was added, ``after`` for what was removed. ``words`` are there
    where both are texts. ``follows_rename`` marks what is different only
    because a step has another id.
    """

    path: str
    pointer: str
    kind: Kind
    before: Any = UNSET
    after: Any = UNSET
    words: list[Piece] | UnsetType = UNSET
    follows_rename: bool = False


class InputChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One input, or a property of one (``customer.email``, ``rows[].id``); the name "" is all inputs as a whole.

    ``became`` tells of one that had not to be given before, or has not any
    more; ``required`` whether it has to be given, after, or before it was removed.
    """

    name: str
    kind: Kind
    required: bool = False
    became: Literal["required", "optional"] | None = None
    fields: list[FieldChange] = []


class TriggerChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One trigger. Triggers of two workflows are matched by what they are set to, then by their kind."""

    trigger: str
    kind: Kind
    fields: list[FieldChange] = []


class Move(msgspec.Struct, frozen=True):
    """From which place to which, counted from 1, and what the step waits for at each."""

    before: int
    after: int
    waits_before: list[str]
    waits_after: list[str]


class StepChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step that is not as it was.

    ``words`` says in which ways: added, or removed, or any of renamed, moved,
    changed, follows. ``follows`` means that only the new ids of other steps are
    different in it. ``id``, ``name`` and ``type`` are those after, of a removed
    step those before; ``place`` likewise, counted from 1.
    """

    id: str
    name: str
    type: str
    place: int
    words: list[StepWord]
    waits_for: list[str] = []
    renamed_from: str | None = None
    moved: Move | None = None
    fields: list[FieldChange] = []


class Difference(msgspec.Struct, frozen=True):
    """Everything that is different in meaning; each list is empty where nothing is."""

    metadata: list[FieldChange]
    inputs: list[InputChange]
    triggers: list[TriggerChange]
    output: list[FieldChange]
    steps: list[StepChange]

    @property
    def same(self) -> bool:
        """Whether both mean the same."""
        return not (self.metadata or self.inputs or self.triggers or self.output or self.steps)
