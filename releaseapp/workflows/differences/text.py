"""What is different between two definitions as text: YAML, line by line."""

from collections.abc import Iterator
from typing import Any

from releaseapp.workflows import yaml_text
from releaseapp.workflows.differences.effort import Effort, Run
from releaseapp.workflows.differences.lines import LINES, line_runs
from releaseapp.workflows.differences.rows import Row, rows_of
from releaseapp.workflows.differences.words import pieces

_CONTEXT_LINES = 3


def text_rows(before: Any, after: Any) -> list[Row]:
    """Both as YAML: the lines that are different, and in them the words; empty when they say the same."""
    return rows_of(pieces(yaml_text.dump(before), yaml_text.dump(after), Effort()))


def unified(before: Any, after: Any, names: tuple[str, str]) -> str:
    """Both as YAML, as a unified diff under the names of the two; empty when they say the same."""
    lines, others = LINES.findall(yaml_text.dump(before)), LINES.findall(yaml_text.dump(after))
    runs = line_runs(lines, others, Effort())
    if all(run[0] for run in runs):
        return ""
    head = [f"{sign} {' '.join(name.split(' '))}\n" for sign, name in zip(("---", "+++"), names, strict=True)]
    return "".join([*head, *(line for hunk in _hunks(runs) for line in _written(hunk, lines, others))])


def _hunks(runs: list[Run]) -> Iterator[list[Run]]:
    """Changes with the lines around them; those that stand close together are one hunk."""
    hunk: list[Run] = []
    for number, (same, start, end, other, other_end) in enumerate(runs):
        long = end - start > 2 * _CONTEXT_LINES
        if not same or not (long or number in {0, len(runs) - 1}):
            hunk.append((same, start, end, other, other_end))
            continue
        if hunk:
            kept = min(_CONTEXT_LINES, end - start)
            yield [*hunk, (True, start, start + kept, other, other + kept)]
        kept = min(_CONTEXT_LINES, end - start)
        hunk = [(True, end - kept, end, other_end - kept, other_end)]
    if any(not run[0] for run in hunk):
        yield hunk


def _written(hunk: list[Run], before: list[str], after: list[str]) -> Iterator[str]:
    _, start, _, other, _ = hunk[0]
    _, _, end, _, other_end = hunk[-1]
    yield f"@@ -{_range(start, end)} +{_range(other, other_end)} @@\n"
    for same, at, to, other_at, other_to in hunk:
        if same:
            yield from (" " + line for line in before[at:to])
            continue
        yield from ("-" + line for line in before[at:to])
        yield from ("+" + line for line in after[other_at:other_to])


def _range(start: int, end: int) -> str:
    count = end - start
    return f"{start + 1 if count else start}" + ("" if count == 1 else f",{count}")
