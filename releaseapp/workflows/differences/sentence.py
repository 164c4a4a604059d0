"""A difference in one sentence, which also serves as what one says of a change."""

from collections import Counter
from collections.abc import Iterable, Mapping

from releaseapp.workflows.differences.models import Difference

NO_CHANGE = "No change in meaning"
_STEP_WORDS = ("changed", "moved", "renamed", "added", "removed")
_WORDS = ("changed", "added", "removed")
_MOST_NAMES = 4


def summary(difference: Difference) -> str:
    """What is different, in numbers: ``2 steps changed, 1 moved, 1 input added``."""
    steps: Counter[str] = Counter(word for step in difference.steps for word in step.words)
    told = [
        *_counted("step", _STEP_WORDS, steps),
        *_counted("input", _WORDS, Counter(one.kind for one in difference.inputs if one.name)),
        *_counted("trigger", _WORDS, Counter(one.kind for one in difference.triggers)),
    ]
    if any(not one.name for one in difference.inputs):
        told.append("inputs changed")
    fields = [field for field in (*difference.metadata, *difference.output) if not field.follows_rename]
    names = list(dict.fromkeys(_first_key(field.path) for field in fields))
    told.extend(f"{name} changed" for name in names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        told.append(f"{len(names) - _MOST_NAMES} other fields changed")
    sentence = ", ".join(told)
    return sentence[:1].upper() + sentence[1:] if sentence else NO_CHANGE


def _counted(noun: str, words: Iterable[str], counts: Mapping[str, int]) -> list[str]:
    """The numbers of one kind of thing; only the first says what it is."""
    told: list[str] = []
    for word in words:
        if counts.get(word):
            thing = "" if told else f" {noun}" if counts[word] == 1 else f" {noun}s"
            told.append(f"{counts[word]}{thing} {word}")
    return told


def _first_key(path: str) -> str:
    return path.partition(".")[0].partition("[")[0][:40] or "another field"
