"""Turns our ``:name`` parameters into those of psycopg."""

import re
from functools import lru_cache

_PIECE = re.compile(
    r"""
      '(?:[^']|'')*'                  # a text
    | "(?:[^"]|"")*"                  # a quoted name
    | --[^\n]*                        # a remark to the end of the line
    | /\*.*?\*/                       # a remark within
    | ::                              # a cast
    | :(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | %
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1024)
def for_psycopg(sql: str) -> bytes:
    """``:name`` as ``%(name)s`` wherever it is a parameter, and every other ``%`` doubled."""
    return _PIECE.sub(_replacement, sql).encode()


def _replacement(found: re.Match[str]) -> str:
    name = found["name"]
    return f"%({name})s" if name else found.group().replace("%", "%%")
