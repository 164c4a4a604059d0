"""PostgreSQL's own programs: where they are, of which version, and how they are told of a database."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from releaseapp.db.postgres import open_connection
from releaseapp.errors import AppError

_VERSION_SECONDS = 30
_LONGEST_COMPLAINT = 400


class ToolFailed(AppError):
    """A program of PostgreSQL is missing, is too old, or said no; the sentence says what helps."""


def find_tool(name: str, folder: str) -> str:
    """The program in ``folder``, or wherever PATH finds it when that is empty; raises ToolFailed."""
    found = shutil.which(name, path=folder or None)
    if found is None:
        where = f"in {folder}" if folder else "on the PATH"
        raise ToolFailed(
            f"There is no {name} {where}. Install PostgreSQL's client tools, or name their folder in postgres_tools."
        )
    return found


def refuse_older(program: str, url: str) -> None:
    """Raises ToolFailed when the program is older than the server: it cannot read what that has."""
    said = _run([program, "--version"], dict(os.environ), _VERSION_SECONDS)
    number = re.search(r"\(PostgreSQL\) (\d+)", said)
    with open_connection(url) as connection:
        major = connection.info.server_version // 10_000
    own = int(number[1]) if number else 0
    if own < major:
        raise ToolFailed(
            f"{Path(program).name} is of version {own}, and the server of version {major}. Install the client tools of"
            f" PostgreSQL {major}, or name their folder in postgres_tools."
        )


def run_tool(words: list[str], url: str, seconds: float) -> None:
    """Runs a program on the database of ``url``, without a shell; raises ToolFailed with what it complained of."""
    # Not in the arguments, which every account of the host can read.
    known = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    password = known.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    _run([*words, "--dbname", make_conninfo("", **known)], environment, seconds)


def _run(words: list[str], environment: dict[str, str], seconds: float) -> str:
    name = Path(words[0]).name
    try:
        done = subprocess.run(  # noqa: S603 - the program is the operator's own setting
            words, capture_output=True, text=True, errors="replace", check=False, timeout=seconds, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(f"{name} was not done within {seconds / 60:,.0f} minutes.") from error
    except OSError as error:
        raise ToolFailed(f"{name} could not be started: {error.strerror or error}.") from error
    if done.returncode:
        raise ToolFailed(f"{name} failed: {done.stderr.strip()[-_LONGEST_COMPLAINT:]}")
    return done.stdout.strip()
