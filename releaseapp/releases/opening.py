"""Opens what releases stand on: the rooms below, each behind a function."""

from typing import Any

import msgspec
from pyramid.router import Router

from releaseapp.checks.live import visit_people
from releaseapp.checks.models import Outcome
from releaseapp.checks.person import Account
from releaseapp.checks.place import Place
from releaseapp.checks.service import run_checks
from releaseapp.connections.service import gate
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.operations.service import Report
from releaseapp.releases import outside
from releaseapp.releases.ground import Ground
from releaseapp.releases.models import Finding, Health, Loss, PutBack, Taken, Verdict
from releaseapp.rolematrix.service import difference, matrix_now
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.restoring import service as restoring
from releaseapp.snapshots.restoring.remembered import find_newest_restore
from releaseapp.snapshots.service import Snapshots, make_snapshot
from releaseapp.web.request import Request
from releaseapp.web.view_table import declared_views


def open_ground(registry: Any) -> Ground:
    """What releases stand on in the server of a registry; nothing is looked at before it is asked for."""
    rooms = Rooms(registry)
    settings = registry.app_settings
    return Ground(
        db=registry.db,
        settings=settings,
        check=rooms.check,
        take_snapshot=rooms.take_snapshot,
        preview=rooms.preview,
        put_back=rooms.put_back,
        was_put_back=rooms.was_put_back,
        matrix=rooms.matrix,
        difference=rooms.difference,
        connections=rooms.connections,
        ask_health=lambda url: outside.ask_health(settings, url) if url else rooms.own_health(),
        probe=rooms.probe,
        call_hook=lambda release_id, content: outside.call_hook(settings, release_id, content),
    )


class Rooms:
    """The rooms below, in the words of releases."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self._db = registry.db

    def check(self) -> list[Finding]:
        """Every check, as the log keeps it."""
        r = self._registry
        place = Place(r.app_settings, r.db, r.workflow_file, r.vault)
        return [_finding(one) for one in run_checks(place)]

    def probe(self, url: str, accounts: tuple[Account, ...]) -> list[Finding]:
        """What each account finds at an address: itself, its agents, and an event on the live channel."""
        return [_finding(one) for one in visit_people(url, accounts)]

    def take_snapshot(self, actor: str | None, note: str) -> Taken:
        """A snapshot of the server as it is; it is an operation of its own, alone as such ones are."""
        taken: list[Taken] = []

        def work(report: Report) -> tuple[str, dict[str, Any]]:
            kept = make_snapshot(self._snapshots(), Reason.RELEASE, actor, report, note=note)
            one = kept.manifest
            taken.append(
                Taken(one.name, one.made_at, kept.bytes, one.app_version, one.counts, kept.places, one.encrypted)
            )
            return f"Made the snapshot {one.name}.", {"name": one.name}

        operations.perform(self._db, Kind.SNAPSHOT, actor, work)
        return taken[0]

    def preview(self, name: str) -> Loss:
        """What putting a snapshot back would lose."""
        loss = restoring.preview(self._snapshots(), name)
        sentences = loss.sentences if loss.possible else [loss.sentence, loss.cure]
        return Loss(loss.possible, sentences)

    def put_back(self, name: str, actor: str | None, report: Report) -> PutBack:
        """Puts a snapshot back with the schema it has: the former version of the product is started next."""
        done = restoring.restore(self._snapshots(), name, actor, report, keep_schema=True)
        return msgspec.convert(done, PutBack, from_attributes=True)

    def was_put_back(self, name: str, since: str) -> str | None:
        """What was kept when a snapshot was put back since a moment: the newest such deed is written down with it."""
        newest = find_newest_restore(self._db)
        done = newest is not None and newest["snapshot"] == name and newest["at"] >= since
        return str(newest["before"]) if newest and done else None

    def matrix(self) -> dict[str, Any]:
        """The role matrix now."""
        return matrix_now(self._db, declared_views(self._registry))

    def difference(self, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        """How two role matrices differ, in sentences."""
        return [change.sentence for change in difference(before, after)]

    def connections(self, since: str, until: str) -> Verdict:
        """The gate's verdict on the connections of a time."""
        found = gate(self._db, since, until)
        return Verdict(found.verdict, found.reasons, found.figures)

    def own_health(self) -> Health:
        """Whether this very process is ready, asked as anybody would ask it."""
        ask = Router(self._registry).invoke_subrequest
        ready, version = (ask(Request.blank(f"/{path}"), use_tweens=False) for path in ("readyz", "version"))
        return outside.read_health("", ready.status_code, ready.body, version.body)

    def _snapshots(self) -> Snapshots:
        found: Snapshots = self._registry.snapshots
        return found


def _finding(one: Outcome) -> Finding:
    return Finding(one.name, one.title, one.severity, ok=one.ok, sentence=one.sentence, cure=one.cure)
