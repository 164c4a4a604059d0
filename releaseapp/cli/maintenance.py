"""Commands for maintenance."""

import json
from pathlib import Path

import click
import msgspec

from releaseapp.cli.ini import INI, open_server, refusals_are_sentences
from releaseapp.maintenance.models import Maintenance
from releaseapp.maintenance.service import begin_maintenance, end_maintenance, find_maintenance, sentence_of

AS_JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def maintenance() -> None:
    """Maintenance: for a while everything can be read and nothing can be changed."""


@maintenance.command()
@INI
@click.option("--why", required=True, help="A sentence that everybody reads.")
@click.option(
    "--until", help="When it ends by itself: a span such as 30m or 2h, or a time such as 2026-11-24T18:00:00Z."
)
@AS_JSON
@refusals_are_sentences
def begin(ini: Path, why: str, until: str | None, *, as_json: bool) -> None:
    """Begins it, or says anew why and until when."""
    _, db = open_server(ini)
    begun = begin_maintenance(db, None, why, until)
    db.close()
    _say(begun, as_json=as_json)


@maintenance.command()
@INI
@AS_JSON
@refusals_are_sentences
def end(ini: Path, *, as_json: bool) -> None:
    """Ends it."""
    _, db = open_server(ini)
    end_maintenance(db, None)
    db.close()
    _say(None, as_json=as_json)


@maintenance.command()
@INI
@AS_JSON
@refusals_are_sentences
def show(ini: Path, *, as_json: bool) -> None:
    """Says whether it lasts, why, and until when."""
    _, db = open_server(ini)
    lasting = find_maintenance(db)
    db.close()
    _say(lasting, as_json=as_json)


def _say(lasting: Maintenance | None, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"maintenance": msgspec.to_builtins(lasting) if lasting else None}))
    else:
        click.echo(sentence_of(lasting) if lasting else "There is no maintenance: everything can be read and changed.")
