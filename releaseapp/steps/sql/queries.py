"""What the step asks of a database beside the writer's own statement."""

# What only a database of this product has. Neither its data nor its queue is a workflow's business: whoever could
# write there would have every workspace.
_OF_DATA = {"accounts", "memberships", "sign_in_attempts"}
_OF_QUEUE = {"kv", "schedule", "task"}

SQLITE_TABLES = "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
SQLITE_CHANGES = "SELECT changes()"
POSTGRES_TABLES = """
    SELECT c.relname FROM pg_catalog.pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relname IN ('accounts', 'memberships', 'sign_in_attempts')
"""


def is_own(tables: set[str]) -> bool:
    """Whether a database with these tables is one of this product."""
    return tables >= _OF_DATA or tables >= _OF_QUEUE
