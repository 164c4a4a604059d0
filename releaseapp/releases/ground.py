"""What the verbs of a release need of the rooms below, each as a function: so that they can be told apart and tried."""

from collections.abc import Callable
from typing import Any

import msgspec

from releaseapp.checks.person import Account
from releaseapp.db.api import Database
from releaseapp.operations.service import Report
from releaseapp.releases.models import Finding, Health, HookAnswer, Loss, PutBack, Taken, Verdict
from releaseapp.settings import Settings


class Ground(msgspec.Struct, frozen=True):
    """What a release stands on.

    ``check()`` runs every check; ``take_snapshot(actor, note)`` makes one of the server as it is; ``preview(name)``
    says what putting that one back would lose; ``put_back(name, actor, report)`` does so and keeps what was replaced;
    ``was_put_back(name, since)`` names what was kept when that was done since a moment, None when it was not;
    ``matrix()`` is the role matrix now and ``difference(before, after)`` sentences on how two differ;
    ``connections(since, until)`` the gate's verdict; ``ask_health(url)`` what answers there, and
    ``probe(url, accounts)`` what each account finds there, signed in;
    ``call_hook(release_id, content)`` calls the address of ``release_hook_url``, signed. ``ini`` is how commands in
    the log name the server's file.
    """

    db: Database
    settings: Settings
    check: Callable[[], list[Finding]]
    take_snapshot: Callable[[str | None, str], Taken]
    preview: Callable[[str], Loss]
    put_back: Callable[[str, str | None, Report], PutBack]
    was_put_back: Callable[[str, str], str | None]
    matrix: Callable[[], dict[str, Any]]
    difference: Callable[[dict[str, Any], dict[str, Any]], list[str]]
    connections: Callable[[str, str], Verdict]
    ask_health: Callable[[str], Health]
    probe: Callable[[str, tuple[Account, ...]], list[Finding]]
    call_hook: Callable[[str, bytes], HookAnswer]
    ini: str = "INI"
