"""``releaseapp check``: whether a server is fit to be released."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from releaseapp.checks.live import visit
from releaseapp.checks.models import Outcome, Severity
from releaseapp.checks.person import Account
from releaseapp.checks.place import Place
from releaseapp.checks.service import CHECKS, LIMIT_SECONDS, run_checks
from releaseapp.cli.asking import password_of
from releaseapp.cli.ini import open_settings, refusals_are_sentences
from releaseapp.cli.probing import probe
from releaseapp.credentials.vault import open_vault
from releaseapp.db import connect
from releaseapp.pair import refuse_without_database
from releaseapp.workflows.file import WorkflowFile

_WARNINGS, _ERRORS = 1, 2


@click.command()
@click.argument("ini", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--only", multiple=True, metavar="NAME", help=f"One of: {', '.join(one.name for one in CHECKS)}.")
@click.option("--limit", default=LIMIT_SECONDS, type=click.FloatRange(1, 86_400), help="Seconds for each check.")
@click.option("--url", help="Visit the live server at this address, too.")
@click.option("--account", "emails", multiple=True, metavar="EMAIL", help="Sign in as this one; may be repeated.")
@click.option("--patience", default=0.0, type=click.FloatRange(0, 3600), help="Seconds for which /ws is held at rest.")
@click.option("--strict", is_flag=True, help="Warnings make the exit code 1.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@refusals_are_sentences
def check(  # noqa: PLR0913 - one for each option
    ini: Path | None,
    only: tuple[str, ...],
    url: str | None,
    emails: tuple[str, ...],
    *,
    limit: float,
    patience: float,
    strict: bool,
    as_json: bool,
) -> None:
    """Looks at everything that a release needs, and changes nothing.

    With --url it visits a live server by its address: the version, certificate, clock, headers and proxy, and for each
    --account the own account, the lists of agents, and an event on /ws. Without INI nothing else is looked at. With
    --account alone this version is started aside, on a copy of the data and without workers, and is visited there.
    The password is read from RELEASEAPP_PASSWORD, or asked for.

    Exit codes: 0 well, 1 warnings with --strict, 2 errors.
    """
    if ini is None and url is None:
        raise click.UsageError("Give the ini file of a server, or --url with the address of one.")
    if ini is None and only:
        raise click.UsageError("--only chooses among the checks of an ini file; at an address all is looked at.")
    accounts = [Account(email, password_of(email)) for email in emails]
    outcomes: list[Outcome] = []
    if ini is not None:
        with _place_of(ini) as place:
            outcomes += run_checks(place, only, limit)
            if url is None and accounts:
                outcomes += probe(place, accounts, patience)
    if url is not None:
        outcomes += visit(url, accounts, patience)
    if as_json:
        click.echo(msgspec.json.encode({"outcomes": outcomes}))
    else:
        click.echo("\n".join(_lines(outcomes)))
    sys.exit(_code(outcomes, strict=strict))


@contextmanager
def _place_of(ini: Path) -> Iterator[Place]:
    settings = open_settings(ini)
    # Of an empty file SQLite would make a database, and a start would no longer see that the data is gone.
    refuse_without_database(settings)
    db = connect(settings.agent_db_path, busy_timeout=settings.busy_timeout_seconds)
    # Asked to end, it clears copies away as it does after Ctrl-C.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield Place(settings, db, WorkflowFile(Path(settings.workflow_store_path)), open_vault(settings))
    finally:
        # Each check closes its own connection; that of one that is overdue may be within a statement, and closing it
        # from here would take it away beneath the engine.
        db.close_thread()
        signal.signal(signal.SIGTERM, before)


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
