"""Commands for credentials."""

import sys
from pathlib import Path

import click
import msgspec

from releaseapp.cli.ini import INI, open_server, refusals_are_sentences
from releaseapp.credentials.service import Rotation, VaultState, rotate, vault_state
from releaseapp.credentials.vault import open_vault


@click.group()
def credentials() -> None:
    """Credentials: seal them with a new key."""


@credentials.command("rotate")
@INI
@click.option("--json", "as_json", is_flag=True, help="Prints the outcome as JSON, and nothing else.")
@refusals_are_sentences
def rotate_credentials(ini: Path, *, as_json: bool) -> None:
    """Seals every credential anew with CREDENTIALS_SECRET, beside a running server.

    Give the new secret as CREDENTIALS_SECRET and the old one as CREDENTIALS_SECRET_PREVIOUS, start every server and
    worker again, then run this. It may be stopped at any moment and run again; when it ends well, the old secret is no
    longer needed. Exits with 1 when credentials remain that cannot be opened.
    """
    settings, db = open_server(ini)
    vault = open_vault(settings)
    rotation = rotate(db, vault, _silence if as_json else _tell)
    state = vault_state(db, vault)
    if as_json:
        click.echo(msgspec.json.encode(_outcome(rotation, state)))
    else:
        click.echo("\n".join(_summary(rotation, state)))
    db.close()
    sys.exit(1 if _remaining(state) else 0)


def _tell(so_far: Rotation) -> None:
    click.echo(f"{so_far.rotated:,} of {so_far.total:,} sealed anew.", err=True)


def _silence(_so_far: Rotation) -> None:
    pass


def _remaining(state: VaultState) -> int:
    return sum(number for key_id, number in state.counts.items() if key_id != state.key_id)


def _outcome(rotation: Rotation, state: VaultState) -> dict[str, object]:
    return {
        "key": rotation.key_id,
        "rotated": rotation.rotated,
        "remaining": _remaining(state),
        "under": state.counts,
        "skipped": msgspec.to_builtins(list(rotation.skipped)),
    }


def _summary(rotation: Rotation, state: VaultState) -> list[str]:
    here = state.counts.get(rotation.key_id, 0)
    lines = [f"{rotation.rotated:,} sealed anew; {here:,} in all are under the key {rotation.key_id}."]
    lines += [
        f"Not opened, and left as it was: {one.name!r} ({one.id}) in {one.workspace_id}." for one in rotation.skipped
    ]
    if _remaining(state):
        lines.append(f"{_remaining(state):,} remain under another key. {state.sentence}")
    elif rotation.rotated:
        lines.append("CREDENTIALS_SECRET_PREVIOUS is no longer needed: remove it, and start the servers again.")
    return lines
