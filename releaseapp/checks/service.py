"""Every check, in the order in which they are told."""

import logging
import sqlite3
import threading
from collections.abc import Iterable
from concurrent.futures import Future

import msgspec

from releaseapp import clock
from releaseapp.checks import accounts, database, files, operation
from releaseapp.checks.models import Check, Found, Outcome, P, Severity
from releaseapp.checks.place import Place
from releaseapp.errors import AppError, Invalid

log = logging.getLogger(__name__)

_DATABASE = "See what helps where it says whether the database is whole: releaseapp check INI --only database."


CHECKS: tuple[Check[Place], ...] = (
    Check("folder", "Data can be written", Severity.ERROR, files.folder_is_writable),
    Check("disk", "The disk has room", Severity.WARNING, files.disk_has_room),
    Check("volume", "One volume holds all data", Severity.WARNING, files.files_are_on_one_disk),
    Check("database", "The database is whole", Severity.ERROR, database.database_is_whole),
    Check("writes", "The database takes writes", Severity.ERROR, database.database_takes_writes),
    Check("log", "The log of the database is short", Severity.WARNING, database.log_is_short),
    Check("schema", "The schema is this version's", Severity.ERROR, files.schema_is_right),
    Check("migrations", "Pending migrations work", Severity.ERROR, files.migrations_can_be_applied),
    Check("workflow-file", "The workflow file is usable", Severity.ERROR, files.workflow_file_is_usable),
    Check("workflows", "Published workflows are valid", Severity.WARNING, files.workflows_are_valid),
    Check("owners", "Owner agents are there", Severity.WARNING, files.owners_are_there),
    Check("credentials", "Credentials open", Severity.ERROR, files.credentials_open),
    Check("static", "Pages are installed whole", Severity.ERROR, files.static_files_are_there),
    Check("open-files", "Enough files may be open", Severity.INFO, files.open_files_are_enough),
    Check("address", "The address is known", Severity.WARNING, operation.address_is_known),
    Check("demo", "The demo's password opens nothing", Severity.ERROR, accounts.demo_is_closed),
    Check("passwords", "Passwords are good", Severity.WARNING, accounts.passwords_are_good),
    Check("hashes", "Hashes are of the cost that is set", Severity.INFO, accounts.hashes_are_dear),
    Check("snapshot", "A snapshot is fresh", Severity.WARNING, operation.snapshot_is_fresh),
    Check("verified", "The newest snapshot is whole", Severity.INFO, operation.snapshots_are_verified),
    Check("worker", "A worker is alive", Severity.INFO, operation.worker_lives),
)


LIMIT_SECONDS = 120.0
"""How long one check may take, unless somebody says otherwise."""


def run_checks(place: Place, only: Iterable[str] = (), limit: float = LIMIT_SECONDS) -> list[Outcome]:
    """Looks at everything, or at the checks of those names.

    One that breaks, or is not over after ``limit`` seconds, is not well, and stops no other. Raises Invalid for a name
    that there is not.
    """
    wanted = set(only)
    unknown = wanted - {one.name for one in CHECKS}
    if unknown:
        names = ", ".join(one.name for one in CHECKS)
        raise Invalid.at("/only", f"There is no check {', '.join(sorted(unknown))}; there are {names}.")
    return [carry_out(_limited(one, limit), place) for one in CHECKS if not wanted or one.name in wanted]


def carry_out(check: Check[P], place: P) -> Outcome:
    """Does one check; whatever it raises becomes an outcome that is not well."""
    began = clock.monotonic()
    try:
        found = check.look(place)
    except AppError as error:
        found = Found(ok=False, sentence=str(error), cure="Mend what it says, and check again.")
    except sqlite3.Error as error:
        # What cannot be read is a finding, like what is read and is wrong; the check of the database says what helps.
        found = Found(ok=False, sentence=f"The database does not answer: {error}.", cure=_DATABASE)
    except Exception as error:
        log.exception("the check %s broke", check.name)
        found = Found(ok=False, sentence=f"It broke: {type(error).__name__}.", cure="The log says more.")
    seconds = round(clock.monotonic() - began, 3)
    return Outcome(check.name, check.title, check.severity, found.ok, found.sentence, found.cure, seconds)


def _limited(check: Check[Place], seconds: float) -> Check[Place]:
    """The check, in a thread of its own, which is left to itself when it takes too long."""

    def look(place: Place) -> Found:
        found: Future[Found] = Future()

        def go() -> None:
            try:
                found.set_result(check.look(place))
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                found.set_exception(error)
            finally:
                place.db.close_thread()

        threading.Thread(target=go, name=f"check {check.name}", daemon=True).start()
        try:
            return found.result(seconds)
        except TimeoutError:
            return Found(
                ok=False,
                sentence=f"It was not over within {seconds:,.0f} s.",
                cure="Is the disk, or the database, busy or gone? Give it longer with --limit.",
            )

    return msgspec.structs.replace(check, look=look)
