"""What is read of one document without evaluating it, within limits for each template and for all together."""

import msgspec

from releaseapp.expressions.budget import (
    EFFORT_OF_A_TEXT,
    MOST_READ_AT_ONCE,
    MOST_READ_IN_ALL,
    MOST_TOKENS,
    ExpressionError,
    too_many,
)
from releaseapp.expressions.cache import compiled
from releaseapp.expressions.faulty import faults_and_paths
from releaseapp.expressions.references import Path


class Facts(msgspec.Struct, frozen=True):
    """What is wrong with a text, which paths its expressions read, and what it took to find out."""

    faults: list[str]
    paths: set[Path]
    effort: int


class Reading:
    """One document: hand the same to each ``check`` and ``references`` of its templates.

    What was read once is remembered, and counts once for the document; a template is rendered as a whole, and all of
    its texts count for it.
    """

    def __init__(self) -> None:
        self._left = MOST_READ_IN_ALL
        self._left_here = MOST_READ_AT_ONCE
        self._known: dict[str, Facts] = {}
        self._told = False

    def begin_template(self) -> None:
        """What follows is another template of the document."""
        self._left_here = MOST_READ_AT_ONCE

    def facts_of(self, text: str) -> Facts:
        """What is known of a text; raises ExpressionError when it is too much for the template or the document."""
        if self._left < 0:
            raise ExpressionError(too_many(MOST_READ_IN_ALL, "document"))
        facts = self._known.get(text)
        if facts is None:
            facts = self._known[text] = _facts_of(text)
            self._left -= facts.effort
        self._left_here -= facts.effort
        if self._left < 0:
            raise ExpressionError(too_many(MOST_READ_IN_ALL, "document"))
        if self._left_here < 0:
            raise ExpressionError(too_many(MOST_READ_AT_ONCE, "template"))
        return facts

    def tell(self) -> bool:
        """Whether it must still be told that there is too much; of a whole document it is told once."""
        told, self._told = self._told, self._left < 0
        return not told


def _facts_of(text: str) -> Facts:
    try:
        found = compiled(text)
    except ExpressionError:
        effort = EFFORT_OF_A_TEXT + min(len(text), MOST_TOKENS)
        return Facts(*faults_and_paths(text), effort)
    return Facts([], found.names, found.effort)
