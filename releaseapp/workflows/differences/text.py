"""What is different between two definitions as text: YAML, line by line."""

from collections.abc import Iterator

from releaseapp.workflows import yaml_text
from releaseapp.workflows.differences.effort import Effort, Run
from releaseapp.workflows.differences.lines import LINES, line_runs
from releaseapp.workflows.differences.rows import Row, rows_of
from releaseapp.workflows.differences.words import pieces
from releaseapp.workflows.models import Version

_CONTEXT_LINES = 3


def texts_of(before: Version, after: Version) -> tuple[str, str]:
    """Both as YAML: as they were written, comments and all, or both plain where one was not written as YAML."""
    if before.source is not None and after.source is not None:
        return before.source, after.source
    return yaml_text.dump(before.data()), yaml_text.dump(after.data())


def text_rows(before: str, after: str, most: int | None = None) -> list[Row]:
    """The lines that are different, and in them the words; empty when both say the same."""
    return rows_of(pieces(before, after, Effort()), most=most)


def unified(before: str, after: str, names: tuple[str, str]) -> str:
    """A unified diff under the names of the two texts; empty when both say the same."""
    lines, others = LINES.findall(before), LINES.findall(after)
    runs = line_runs(lines, others, Effort())
    if all(run[0] for run in runs):
        return ""
    head = [f"{sign} {name}\n" for sign, name in zip(("---", "+++"), names, strict=True)]
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
            yield from (_ended(" " + line) for line in before[at:to])
            continue
        yield from (_ended("-" + line) for line in before[at:to])
        yield from (_ended("+" + line) for line in after[other_at:other_to])


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _range(start: int, end: int) -> str:
    count = end - start
    return f"{start + 1 if count else start}" + ("" if count == 1 else f",{count}")
