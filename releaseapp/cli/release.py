"""Commands for releases: what is done with one. ``release_looking`` has those that only look."""

import getpass
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

import releaseapp
from releaseapp.auth.service import find_account_by_email
from releaseapp.checks.person import Account
from releaseapp.cli.asking import password_of
from releaseapp.cli.ini import INI, open_settings, own_address, refusals_are_sentences
from releaseapp.cli.release_looking import looking, open_releases, print_entry
from releaseapp.db import connect
from releaseapp.db.api import Database
from releaseapp.errors import Conflict, NotAllowed, NotFound
from releaseapp.pair import refuse_without_database
from releaseapp.releases import service
from releaseapp.releases.ground import Ground
from releaseapp.releases.models import Loss, Release, Who, without_roles
from releaseapp.releases.promoting import Wish
from releaseapp.releases.starting import Plan, read_moment
from releaseapp.releases.state import state_of
from releaseapp.releases.working import Begun, Refused
from releaseapp.served import served_version

AS = click.option("--as", "email", metavar="EMAIL", help="The operator who does it. Left out: the user of this shell.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
DESPITE = click.option(
    "--despite", default="", metavar="REASON", help="Go on whatever speaks against it; written down."
)
WAIT = click.option(
    "--wait", default=60.0, type=click.FloatRange(0, 3600), show_default=True, help="Seconds to wait for calm."
)
_LOOK_SECONDS = 0.2
_SAID_NO = 1


@click.group()
def release() -> None:
    """Releases: begun, promoted, watched, finished or rolled back.

    Exit codes: 0 well, 1 it said no (a check, the gate, the hook), 2 it could not be tried or broke.
    """


for _command in looking:
    release.add_command(_command)


@release.command("start")
@INI
@click.option("--version", required=True, help="What is to be released.")
@click.option("--why", required=True, help="A sentence for the log.")
@click.option("--window-start", default="", metavar="TIME", help="Planned from: 2030-01-31 08:00, in UTC, or RFC 3339.")
@click.option("--window-end", default="", metavar="TIME", help="Planned until.")
@DESPITE
@AS
@JSON
@refusals_are_sentences
def start(ini: Path, version: str, why: str, despite: str, email: str | None, **options: Any) -> None:
    """Begins a release: runs the checks, takes a snapshot, freezes the role matrix.

    Run again after it stopped or was killed, it goes on.
    """
    _refuse_another_version(ini)
    ground = open_releases(ini)
    begin = read_moment(options["window_start"], "window_start")
    plan = Plan(version, why, begin, read_moment(options["window_end"], "window_end"), despite)
    who = _who(ground, email)
    _perform(ground, lambda _reason: service.start(ground, who, plan), as_json=options["as_json"])


@release.command("confirm-roles")
@INI
@AS
@JSON
@refusals_are_sentences
def confirm_roles(ini: Path, email: str | None, *, as_json: bool) -> None:
    """Writes down that you have looked at the role matrix as it is now."""
    ground = open_releases(ini)
    release_ = service.confirm_roles(ground, _who(ground, email))
    _print(ground, release_, as_json=as_json)


@release.command("promote")
@INI
@click.option("--url", help="Where the new process answers. Left out: the address of [server:main].")
@click.option("--account", "emails", multiple=True, metavar="EMAIL", help="Sign in there as this one; may be repeated.")
@WAIT
@DESPITE
@AS
@JSON
@refusals_are_sentences
def promote(  # noqa: PLR0913 - one for each option
    ini: Path, url: str | None, emails: tuple[str, ...], wait: float, despite: str, email: str | None, *, as_json: bool
) -> None:
    """Says that the new process is up, after looking: is it ready, is it the version, are connections calm?

    Each --account signs in there, and looks for itself, its agents, and an event on /ws. The password is read from
    RELEASEAPP_PASSWORD, or asked for.
    """
    ground = open_releases(ini)
    who, where = _who(ground, email), url or own_address(ini)
    accounts = tuple(Account(one, password_of(one)) for one in emails)

    def begin(reason: str) -> Begun:
        wish = Wish(url=where, despite=despite or reason, patience=wait, accounts=accounts)
        return service.promote(ground, who, wish)

    _perform(ground, begin, as_json=as_json)


@release.command("finish")
@INI
@click.option("--note", default="", help="A last note for the log.")
@WAIT
@DESPITE
@AS
@JSON
@refusals_are_sentences
def finish(ini: Path, note: str, wait: float, despite: str, email: str | None, *, as_json: bool) -> None:
    """Ends a release well: connections stayed calm, and the hook was answered."""
    ground = open_releases(ini)
    who = _who(ground, email)

    def begin(reason: str) -> Begun:
        return service.finish(ground, who, Wish(despite=despite or reason, patience=wait, note=note))

    _perform(ground, begin, as_json=as_json)


@release.command("hook")
@INI
@AS
@JSON
@refusals_are_sentences
def hook(ini: Path, email: str | None, *, as_json: bool) -> None:
    """Calls the hook of the release that is promoted, or was finished last, once more."""
    ground = open_releases(ini)
    who = _who(ground, email)
    _perform(ground, lambda _reason: service.call_hook_again(ground, who), as_json=as_json)


@release.command("rollback")
@INI
@click.option("--why", default="", help="A sentence for the log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@AS
@JSON
@refusals_are_sentences
def rollback(ini: Path, why: str, email: str | None, *, yes: bool, as_json: bool) -> None:
    """Puts the release's snapshot back while the server runs; shows first what would be lost."""
    ground = open_releases(ini)
    who = _who(ground, email)
    loss = service.what_is_lost(ground)
    _tell_loss(loss)
    if not yes and loss.possible and not click.confirm("Roll back?", err=True):
        sys.exit(_SAID_NO)
    release_ = _perform(ground, lambda _reason: service.roll_back(ground, who, why), as_json=as_json)
    if not as_json:
        click.echo(f"To undo it: releaseapp snapshot undo {ini}")
        click.echo(f"The log: releaseapp release log {ini} {release_.id}")


@release.command("abandon")
@INI
@click.option("--why", required=True, help="A sentence for the log.")
@AS
@JSON
@refusals_are_sentences
def abandon(ini: Path, why: str, email: str | None, *, as_json: bool) -> None:
    """Ends a release where it is, and puts nothing back."""
    ground = open_releases(ini)
    _print(ground, service.abandon(ground.db, _who(ground, email), why), as_json=as_json)


@release.command("note")
@INI
@click.argument("text")
@AS
@JSON
@refusals_are_sentences
def note(ini: Path, text: str, email: str | None, *, as_json: bool) -> None:
    """Writes a note into the log of the newest release."""
    ground = open_releases(ini)
    _print(ground, service.note(ground.db, _who(ground, email), text), as_json=as_json)


def _who(ground: Ground, email: str | None) -> Who:
    if email is None:
        return Who(None, f"{getpass.getuser()} on {socket.gethostname()}")
    account = find_account_by_email(ground.db, email)
    if account is None:
        raise NotFound(f"There is no account {email}.")
    if not account.is_operator or account.is_disabled:
        raise NotAllowed(f"{account.email} is no operator; 'releaseapp user operator' makes one.")
    return Who(account.id, f"{account.name} ({account.email})")


def _perform(ground: Ground, begin: Callable[[str], Begun], *, as_json: bool) -> Release:
    """Does a verb and prints what is written of it; where waiting did not help, asks whoever is there for a reason."""
    reason = ""
    while True:
        begun = begin(reason)
        try:
            with _telling(ground.db, begun.release.id, silent=as_json):
                done = service.perform(ground, begun)
        except Refused as error:
            reason = _ask_reason(error) if error.waits and not as_json else ""
            if reason:
                continue
            click.echo(msgspec.json.encode({"refused": str(error)}) if as_json else str(error), err=not as_json)
            sys.exit(_SAID_NO)
        if as_json:
            _print(ground, done, as_json=True)
        else:
            coming = state_of(ground).next
            click.echo(f"Next: {coming.sentence}\n      {coming.command} {ground.ini}")
        return done


def _ask_reason(error: Refused) -> str:
    if not sys.stdin.isatty():
        return ""
    click.echo(str(error), err=True)
    asked: str = click.prompt(
        "A reason to go on all the same (nothing: stop)", default="", show_default=False, err=True
    )
    return asked.strip()


@contextmanager
def _telling(db: Database, release_id: str, *, silent: bool) -> Iterator[None]:
    """Meanwhile prints each line that is written of a release."""
    entries = service.list_entries(db, release_id)
    last = [entries[-1].id if entries else 0]
    over = threading.Event()

    def tell() -> None:
        for entry in service.list_entries(db, release_id, last[0]):
            last[0] = entry.id
            if not silent:
                print_entry(entry)

    def go() -> None:
        while not over.wait(_LOOK_SECONDS):
            tell()
        db.close_thread()

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        tell()


def _tell_loss(loss: Loss) -> None:
    for sentence in loss.sentences or ["Nothing has changed since the snapshot."]:
        click.echo(sentence, err=True)


def _print(ground: Ground, release_: Release, *, as_json: bool) -> None:
    entry = service.list_entries(ground.db, release_.id)[-1]
    if as_json:
        click.echo(msgspec.json.encode({"release": without_roles(release_), "entry": entry}))
    else:
        print_entry(entry)


def _refuse_another_version(ini: Path) -> None:
    """Raises Conflict when another version serves: opening the data with this one could change the schema first."""
    settings = open_settings(ini)
    refuse_without_database(settings)
    with closing(connect(settings.agent_db_path, busy_timeout=settings.busy_timeout_seconds)) as db:
        served = served_version(db, db.engine)
    if served not in {None, releaseapp.__version__}:
        raise Conflict(
            f"Version {served} serves, and this command is of {releaseapp.__version__}. Begin a release with the"
            f" command of {served}, before another version is started: its snapshot is what one can go back to."
        )
