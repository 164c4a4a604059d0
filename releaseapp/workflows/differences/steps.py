"""What is different between two lists of steps: added, removed, renamed, moved, changed."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from releaseapp.workflows.definition import needs_of
from releaseapp.workflows.differences.effort import Effort
from releaseapp.workflows.differences.matching import Step, id_of, match_steps
from releaseapp.workflows.differences.models import FieldChange, Move, StepChange, StepWord
from releaseapp.workflows.differences.moves import moved_steps
from releaseapp.workflows.differences.renames import marked
from releaseapp.workflows.differences.values import Place, canonical, change, compare_values, keys_of

_TOLD_OF_ITSELF = frozenset({"id", "name", "type"})
_NOT_A_STEP = "value"


def compare_steps(before: list[Any], after: list[Any], effort: Effort) -> list[StepChange]:
    """Every step that is not as it was: in their order after, each of those that are gone where it was."""
    mine, theirs = [_as_step(one) for one in before], [_as_step(one) for one in after]
    matched = match_steps(mine, theirs)
    new_ids = {
        id_of(mine[one]): id_of(theirs[other])
        for one, other in matched.pairs
        if id_of(mine[one]) != id_of(theirs[other])
    }
    moves = moved_steps(mine, theirs, matched.pairs, new_ids)
    partner = {other: one for one, other in matched.pairs}
    gone = iter(matched.removed)
    removed = next(gone, None)
    found: list[StepChange] = []
    for place in range(len(theirs)):
        one = partner.get(place)
        while removed is not None and one is not None and removed < one and place not in moves:
            found.append(_alone(mine, removed, "removed", effort))
            removed = next(gone, None)
        if one is None:
            found.append(_alone(theirs, place, "added", effort))
        else:
            told = _kept(mine[one], theirs, place, moves.get(place), _Comparison(new_ids, effort))
            found.extend([told] if told else [])
    rest = [removed, *gone] if removed is not None else []
    return [*found, *(_alone(mine, place, "removed", effort) for place in rest)]


class _Comparison(msgspec.Struct, frozen=True):
    """What comparing two steps needs besides them."""

    new_ids: Mapping[str, str]
    effort: Effort


def _as_step(value: Any) -> Step:
    return value if isinstance(value, dict) else {_NOT_A_STEP: value}


def _alone(steps: list[Step], place: int, word: StepWord, effort: Effort) -> StepChange:
    """A step of one side alone, with its fields one by one."""
    step = steps[place]
    fields = [
        change(value if word == "removed" else UNSET, UNSET if word == "removed" else value, where, effort)
        for where, value in _parts(step)
    ]
    return _told(step, place, [word], needs_of(steps, place), fields)


def _parts(step: Step) -> Iterator[tuple[Place, Any]]:
    for name, value in step.items():
        if name in _TOLD_OF_ITSELF and isinstance(value, str):
            continue
        here = Place().key(name)
        if name == "config" and isinstance(value, dict):
            yield from ((here.key(key), item) for key, item in value.items())
        else:
            yield here, value


def _kept(before: Step, steps: list[Step], place: int, move: Move | None, comparison: _Comparison) -> StepChange | None:
    """A step of both sides; None when it is as it was."""
    after = steps[place]
    fields = list(_fields(before, after, comparison))
    renamed = id_of(before) != id_of(after)
    changed = any(not field.follows_rename for field in fields)
    marks: list[tuple[StepWord, bool]] = [
        ("renamed", renamed),
        ("moved", move is not None),
        ("changed", changed),
        ("follows", bool(fields) and not changed),
    ]
    words = [word for word, is_so in marks if is_so]
    if not words:
        return None
    told = _told(after, place, words, needs_of(steps, place), fields)
    return msgspec.structs.replace(told, renamed_from=id_of(before) if renamed else None, moved=move)


def _told(step: Step, place: int, words: list[StepWord], waits: list[str], fields: list[FieldChange]) -> StepChange:
    name, kind = (step.get(key) if isinstance(step.get(key), str) else "" for key in ("name", "type"))
    return StepChange(id_of(step), name or "", kind or "", place + 1, words, waits, fields=fields)


def _fields(before: Step, after: Step, comparison: _Comparison) -> Iterator[FieldChange]:
    for name in keys_of(before, after):
        value, other = before.get(name, UNSET), after.get(name, UNSET)
        here = Place().key(name)
        if name == "id" and isinstance(value, str) and isinstance(other, str):
            continue
        if name == "needs" and isinstance(value, list) and isinstance(other, list):
            yield from _compare_needs(value, other, here, comparison)
            continue
        for field in compare_values(value, other, here, comparison.effort):
            yield marked(field, comparison.new_ids)


def _compare_needs(before: list[Any], after: list[Any], here: Place, comparison: _Comparison) -> Iterator[FieldChange]:
    """A step waits for all that it needs, so that their order means nothing."""
    if sorted(map(canonical, before)) == sorted(map(canonical, after)):
        return
    field = change(before, after, here, comparison.effort)
    expected = [comparison.new_ids.get(one, one) if isinstance(one, str) else one for one in before]
    follows = sorted(map(canonical, expected)) == sorted(map(canonical, after))
    yield msgspec.structs.replace(field, follows_rename=follows)
