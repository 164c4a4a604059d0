"""Commands for the secrets of a server: how they stand, and new ones."""

import secrets as random
from pathlib import Path

import click
import msgspec

from releaseapp.cli.ini import INI, open_settings, refusals_are_sentences
from releaseapp.credentials.service import VaultState, vault_state
from releaseapp.credentials.vault import open_vault
from releaseapp.keys import SECRETS, Kept, SecretName, list_secrets
from releaseapp.rolematrix.looking import open_to_look

_BYTES = 48
_AFTERWARDS = {
    "jwt_secret": "sessions of before end with the old one, sooner or later by themselves: remove it then.",
    "credentials_secret": "run: releaseapp credentials rotate INI, and remove it then.",
    "snapshot_secret": "it opens snapshots made with it: keep it as long as you keep those.",
}


@click.group()
def secrets() -> None:
    """Secrets: how they stand, and new ones."""


@secrets.command("status")
@INI
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@refusals_are_sentences
def status(ini: Path, *, as_json: bool) -> None:
    """Which secrets are in use, by fingerprint, since when, and what a rotation still waits for."""
    settings = open_settings(ini)
    db = open_to_look(settings)
    try:
        kept, vault = list_secrets(db, settings), vault_state(db, open_vault(settings))
    finally:
        db.close()
    if as_json:
        click.echo(msgspec.json.encode({"secrets": kept, "credentials": vault}))
        return
    for one in kept:
        click.echo("\n".join(_lines(one)))
    click.echo(_of_the_vault(vault))


@secrets.command("generate")
@click.argument("name", type=click.Choice(SECRETS))
def generate(name: SecretName) -> None:
    """Prints a new secret, and how it takes the place of the old one; writes nothing."""
    variable = name.upper()
    click.echo(f"{variable}={random.token_urlsafe(_BYTES)}")
    click.echo(f"Give the old one as {variable}_PREVIOUS beside it, and start every server and worker again.", err=True)
    click.echo(f"Then {_AFTERWARDS[name]}", err=True)


def _lines(one: Kept) -> list[str]:
    if not one.fingerprint:
        return [f"{one.name:<19} not set" + (": snapshots are not encrypted" if one.name == "snapshot_secret" else "")]
    since = f"since {one.since[:16].replace('T', ' ')} UTC" if one.since else "no server has served with it yet"
    lines = [f"{one.name:<19} {one.fingerprint}  {since}"]
    if one.previous:
        lines.append(f"{'':<19} {one.previous}  is live beside it: {_AFTERWARDS[one.name]}")
    return lines


def _of_the_vault(vault: VaultState) -> str:
    stored = sum(vault.counts.values())
    return f"credentials         {stored:,} stored. {vault.sentence or 'All are under the present key.'}"
