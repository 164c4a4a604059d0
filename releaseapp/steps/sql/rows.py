"""A statement to run, and its rows as JSON, whatever the engine."""

import base64
import math
from collections.abc import Iterable, Sequence
from datetime import date, time
from typing import Any

import msgspec

from releaseapp.steps.api import StepFailed

# A row limit says nothing of how wide a row is, and all of them are in memory at once.
_MOST_CHARACTERS = 10_000_000


class Statement(msgspec.Struct, frozen=True):
    """What is to be run; ``name`` is that of the credential, for sentences."""

    sql: str
    parameters: dict[str, Any]
    write: bool
    row_limit: int
    name: str

    def too_many(self) -> StepFailed:
        """There are more rows than the limit allows."""
        return StepFailed(
            f"The statement gives more than {self.row_limit:,} rows, which is its row_limit: "
            "select fewer, or raise the limit.",
            retryable=False,
        )

    def not_allowed_to_write(self) -> StepFailed:
        """The engine refused a change."""
        return StepFailed(
            "The statement would change the database, and this step only reads: set write to true if it may.",
            retryable=False,
        )


class Rows(msgspec.Struct, frozen=True):
    """The rows of a statement as JSON; without rows, ``count`` is how many it changed."""

    rows: list[dict[str, Any]]
    count: int


def own_database() -> StepFailed:
    """The database is this product's."""
    return StepFailed(
        "The credential names a database in which this server, or another of its kind, keeps its own data; "
        "workflows have no access to that. Keep your data in a database of its own.",
        retryable=False,
    )


def gather(statement: Statement, columns: Sequence[str], found: Iterable[Sequence[Any]]) -> Rows:
    """Every row by the names of its columns; raises StepFailed over a limit, and when two columns share a name."""
    for name in columns:
        if columns.count(name) > 1:
            raise StepFailed(f"Two columns are called {name!r}; name them apart with AS.", retryable=False)
    rows: list[dict[str, Any]] = []
    room = _MOST_CHARACTERS
    for row in found:
        if len(rows) == statement.row_limit:
            raise statement.too_many()
        values = [as_json(value) for value in row]
        room -= sum(_size(value) for value in values)
        if room < 0:
            raise StepFailed(
                f"The rows are over {_MOST_CHARACTERS // 1_000_000} MB together: select fewer columns or rows.",
                retryable=False,
            )
        rows.append(dict(zip(columns, values, strict=True)))
    return Rows(rows, len(rows))


def as_json(value: Any) -> Any:
    """What a driver gives, as JSON has it; what JSON has no kind for becomes text, and bytes become base 64."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            # JSON has no name for these, and would say null.
            return value if math.isfinite(value) else str(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
        case dict():
            return {str(key): as_json(item) for key, item in value.items()}
        case list() | tuple():
            return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _size(value: Any) -> int:
    """About how many characters it takes."""
    match value:
        case str():
            return len(value)
        case dict():
            return sum(len(key) + _size(item) for key, item in value.items())
        case list():
            return sum(map(_size, value))
    return 8
