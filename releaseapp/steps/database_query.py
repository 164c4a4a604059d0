"""``database.query``: runs one SQL statement."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, Done, Preset, StepFailed, StepType
from releaseapp.steps.fields import Reference, Text
from releaseapp.steps.sql.rows import Rows, Statement

if TYPE_CHECKING:
    from releaseapp.credentials.models import Secret


class DatabaseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Runs one SQL statement with parameters on a database that a credential names."""

    credential: Annotated[Reference, Meta(description="The name of a credential of the type database.")]
    sql: Annotated[
        Text, Meta(description="One statement. Values are parameters, written :name.", extra={"box": "lines"})
    ]
    parameters: Annotated[dict[str, Any], Meta(description="The value of each :name.")] = {}
    write: Annotated[bool, Meta(description="May the statement change data?")] = False
    row_limit: Annotated[int, Meta(ge=1, le=10_000, description="More rows than this are an error.")] = 1000


def run(config: DatabaseQuery, context: Context) -> Done:
    """Runs it; the output is the rows, and how many they are (or how many a statement without rows changed)."""
    secret = context.credential(config.credential)
    statement = Statement(
        sql=config.sql, parameters=config.parameters, write=config.write, row_limit=config.row_limit, name=secret.name
    )
    rows = _answer(secret, statement, context)
    context.log(f"{rows.count} {'row' if rows.count == 1 else 'rows'}.")
    return Done({"rows": rows.rows, "row_count": rows.count})


def _answer(secret: "Secret", statement: Statement, context: Context) -> Rows:
    if secret.type != "database":
        raise StepFailed(
            f"The credential {secret.name!r} is of the type {secret.type}; a query needs one of the type database.",
            retryable=False,
        )
    # An engine is loaded when it is asked for: the driver of PostgreSQL is an extra.
    url = secret.fields.get("url", "").strip()
    if url.startswith("sqlite:///"):
        from releaseapp.steps.sql import sqlite  # noqa: PLC0415

        return sqlite.query(url, statement, context)
    if url.startswith(("postgresql://", "postgres://")):
        from releaseapp.steps.sql import postgres  # noqa: PLC0415

        return postgres.query(secret, statement, context)
    raise StepFailed(
        f"The url of the credential {secret.name!r} is neither postgresql:// nor sqlite:///; change the credential.",
        retryable=False,
    )


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
