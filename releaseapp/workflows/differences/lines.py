"""Which lines of two texts are the same, quickly also for long texts."""

import re
from collections import Counter
from collections.abc import Iterator

from releaseapp.workflows.differences.effort import Effort, Run
from releaseapp.workflows.differences.order import longest_rising

LINES = re.compile(r"[^\n]*\n|[^\n]+")
"""The end of a line belongs to it; what other software takes for one does not end a line here."""


def line_runs(before: list[str], after: list[str], effort: Effort) -> list[Run]:
    """Stretches of lines that are the same and that are not: ``(same, from, to, from, to)``, covering both.

    Lines that each text has once are the posts between which the others are
    looked for, as in a patience diff: a definition's ids are such lines.
    """
    found: list[Run] = []
    at, other_at = 0, 0
    for place, other in [*_posts(before, after), (len(before), len(after))]:
        between = effort.runs(before[at:place], after[other_at:other])
        if between is None:
            between = [(False, 0, place - at, 0, other - other_at)]
        found.extend((one[0], one[1] + at, one[2] + at, one[3] + other_at, one[4] + other_at) for one in between)
        if place < len(before):
            found.append((True, place, place + 1, other, other + 1))
        at, other_at = place + 1, other + 1
    return list(_joined(found))


def _posts(before: list[str], after: list[str]) -> Iterator[tuple[int, int]]:
    counts, other_counts = Counter(before), Counter(after)
    places = {line: place for place, line in enumerate(before) if counts[line] == 1}
    pairs = [(places[line], other) for other, line in enumerate(after) if other_counts[line] == 1 and line in places]
    return (pairs[number] for number in longest_rising([place for place, _ in pairs]))


def _joined(runs: list[Run]) -> Iterator[Run]:
    waiting: Run | None = None
    for run in runs:
        if waiting is not None and waiting[0] == run[0]:
            waiting = (run[0], waiting[1], run[2], waiting[3], run[4])
            continue
        if waiting is not None:
            yield waiting
        waiting = run
    if waiting is not None:
        yield waiting
