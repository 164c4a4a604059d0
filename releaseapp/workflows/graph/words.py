"""What is said of each step in the picture."""

from typing import Any

import msgspec

from releaseapp.steps import step_types
from releaseapp.workflows.graph.labels import listed, plain
from releaseapp.workflows.graph.links import Link, Links

_LONGEST_NAME = 80


class Words(msgspec.Struct, frozen=True):
    """The words of a step. ``key`` is its own among all: the id, with the place behind it where that is taken."""

    key: str
    label: str
    title: str
    summary: str


def words_of(steps: list[dict[str, Any]], links: Links) -> list[Words]:
    """The words of each step, in the order of the definition."""
    labels = [_label_of(step, place) for place, step in enumerate(steps)]
    needed: list[list[Link]] = [[] for _ in steps]
    for link in links.links:
        needed[link.target].append(link)
    words = []
    for place, (key, step) in enumerate(zip(_keys_of(steps), steps, strict=True)):
        title = _title_of(step)
        waits = _waits(needed[place], links.unknown.get(place, []), labels)
        words.append(Words(key, labels[place], title, ", ".join([labels[place], title, *waits, *_marks(step)])))
    return words


def text_of(value: object) -> str:
    """The value where it is text, else none."""
    return value if isinstance(value, str) else ""


def _label_of(step: dict[str, Any], place: int) -> str:
    return plain(text_of(step.get("name"))) or plain(text_of(step.get("id"))) or f"Step {place + 1}"


def _title_of(step: dict[str, Any]) -> str:
    kind = text_of(step.get("type"))
    return step_types()[kind].title if kind in step_types() else plain(kind) or "No type"


def _keys_of(steps: list[dict[str, Any]]) -> list[str]:
    taken: set[str] = set()
    keys = []
    for place, step in enumerate(steps):
        key = step_id = text_of(step.get("id"))
        if not step_id or step_id in taken:
            key = f"{step_id}-{place + 1}"
        while key in taken:
            key += "-"
        taken.add(key)
        keys.append(key)
    return keys


def _waits(needed: list[Link], unknown: list[str], labels: list[str]) -> list[str]:
    said = []
    if needed:
        said.append(f"after {listed([labels[link.source][:_LONGEST_NAME] for link in needed])}")
    if unknown:
        names = [plain(name)[:_LONGEST_NAME] for name in unknown]
        said.append(f"after {listed(names)}, which {'is' if len(names) == 1 else 'are'} not there")
    if any(link.closes for link in needed):
        said.append("in a circle")
    return said


def _marks(step: dict[str, Any]) -> list[str]:
    marks = ["on a condition"] if step.get("when") else []
    return [*marks, "for each item of a list"] if step.get("for_each") is not None else marks
