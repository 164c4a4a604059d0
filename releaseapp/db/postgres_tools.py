"""PostgreSQL's own programs, told of a database without showing its password to the other accounts of the host."""

import os
import subprocess

from psycopg.conninfo import conninfo_to_dict, make_conninfo


def run_tool(words: list[str], url: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Runs a program on the database of ``url``, without a shell; gives how it ended and what it said.

    Raises OSError when it cannot be started, subprocess.TimeoutExpired after so many seconds.
    """
    # Not in the arguments, which every account of the host can read.
    known = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    password = known.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    return subprocess.run(  # noqa: S603 - the program is the operator's own setting
        [*words, "--dbname", make_conninfo("", **known)],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env=environment,
    )
