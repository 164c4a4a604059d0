"""``database.query``: runs one SQL statement."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, Preset, Result, StepFailed, StepType
from releaseapp.steps.fields import Reference, Text


class DatabaseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Runs one SQL statement with parameters on a database that a credential names."""

    credential: Annotated[Reference, Meta(description="The name of a credential of the type database.")]
    sql: Annotated[
        Text, Meta(description="One statement. Values are parameters, written :name.", extra={"box": "lines"})
    ]
    parameters: Annotated[dict[str, Any], Meta(description="The value of each :name.")] = {}
    write: Annotated[bool, Meta(description="May the statement change data?")] = False
    row_limit: Annotated[int, Meta(ge=1, le=10_000, description="More rows than this are an error.")] = 1000


def run(_config: DatabaseQuery, _context: Context) -> Result:
    """Runs it."""
    raise StepFailed("This server cannot query databases yet.", retryable=False)


TYPE = StepType(
    title="Database query",
    icon="memory",
    config=DatabaseQuery,
    run=run,
    output={"rows": [{"id": 1}], "row_count": 1},
    presets=(
        Preset("Read rows", {"credential": "", "sql": "select * from orders where id = :id", "parameters": {"id": 1}}),
        Preset("Change rows", {"credential": "", "sql": "update orders set done = 1 where id = :id", "write": True}),
    ),
    outside=True,
    has_effects=True,
)
