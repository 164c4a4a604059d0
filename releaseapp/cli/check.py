"""``releaseapp check``: whether a server is fit to be released."""

import sys
from pathlib import Path

import click
import msgspec

from releaseapp.checks.models import Outcome, Severity
from releaseapp.checks.place import Place
from releaseapp.checks.service import CHECKS, run_checks
from releaseapp.cli.ini import INI, open_settings, refusals_are_sentences
from releaseapp.credentials.vault import open_vault
from releaseapp.db import connect
from releaseapp.errors import SettingsError
from releaseapp.workflows.file import WorkflowFile

_WARNINGS, _ERRORS = 1, 2


@click.command()
@INI
@click.option("--only", multiple=True, metavar="NAME", help=f"One of: {', '.join(one.name for one in CHECKS)}.")
@click.option("--strict", is_flag=True, help="Warnings make the exit code 1.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@refusals_are_sentences
def check(ini: Path, only: tuple[str, ...], *, strict: bool, as_json: bool) -> None:
    """Looks at everything that a release needs, and changes nothing.

    Exit codes: 0 well, 1 warnings with --strict, 2 errors.
    """
    settings = open_settings(ini)
    if not settings.on_postgres and not Path(settings.agent_db_path).is_file():
        raise SettingsError(f"There is no database at {settings.agent_db_path} yet; start the server once.")
    db = connect(settings.agent_db_path)
    try:
        place = Place(settings, db, WorkflowFile(Path(settings.workflow_store_path)), open_vault(settings))
        outcomes = run_checks(place, only)
    finally:
        db.close()
    if as_json:
        click.echo(msgspec.json.encode({"outcomes": outcomes}))
    else:
        click.echo("\n".join(_lines(outcomes)))
    sys.exit(_code(outcomes, strict=strict))


def _lines(outcomes: list[Outcome]) -> list[str]:
    lines = []
    for one in outcomes:
        lines.append(f"{'ok' if one.ok else one.severity.value:<8} {one.title}: {one.sentence}")
        if not one.ok and one.cure:
            lines.append(f"         {one.cure}")
    return lines


def _code(outcomes: list[Outcome], *, strict: bool) -> int:
    bad = {one.severity for one in outcomes if not one.ok}
    if Severity.ERROR in bad:
        return _ERRORS
    return _WARNINGS if strict and Severity.WARNING in bad else 0
