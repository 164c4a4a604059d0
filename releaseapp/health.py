"""Whether the server is well, for load balancers, probes and Prometheus. Composes the domains."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import Metric
from pyramid.response import Response
from pyramid.view import view_config

import releaseapp
from releaseapp.agents.tasks.service import count_unfinished_tasks, worker_is_alive
from releaseapp.auth.hygiene import demo_opens
from releaseapp.credentials.models import VaultStatus
from releaseapp.credentials.service import vault_state
from releaseapp.db.migrate import pending
from releaseapp.events.queries import last_event_id
from releaseapp.runs.service import count_at_work
from releaseapp.tree import Root
from releaseapp.web.answers import json_answer
from releaseapp.web.metrics import counter, gauge
from releaseapp.web.request import Request
from releaseapp.web.views import OPEN

log = logging.getLogger(__name__)

_DEMO_SECONDS = 0.5


@view_config(context=Root, name="healthz", permission=OPEN, request_method="GET")
def healthz(_context: Root, _request: Request) -> Response:
    """The process answers."""
    return json_answer({"status": "ok"})


@view_config(context=Root, name="version", permission=OPEN, request_method="GET")
def version(_context: Root, _request: Request) -> Response:
    """Which version answers."""
    return json_answer({"name": "releaseapp", "version": releaseapp.__version__})


@view_config(context=Root, name="readyz", permission=OPEN, request_method="GET")
def readyz(_context: Root, request: Request) -> Response:
    """Whether the server can do its work: 200, or 503 with the part that cannot."""
    parts = {name: _try(check, request) for name, check in _CHECKS.items()}
    well = all(fault is None for fault in parts.values())
    shown = {name: "ok" if fault is None else fault for name, fault in parts.items()}
    return json_answer({"status": "ok" if well else "failing", "parts": shown}, 200 if well else 503)


@view_config(context=Root, name="metrics", permission=OPEN, request_method="GET")
def metrics(_context: Root, request: Request) -> Response:
    """The figures, in Prometheus' text format."""
    body = generate_latest(request.registry.metrics.registry)
    return Response(body=body, headerlist=[("Content-Type", CONTENT_TYPE_LATEST)])


def _database(request: Request) -> str | None:
    last_event_id(request.db)
    return None


def _migrations(request: Request) -> str | None:
    waiting = pending(request.db)
    return f"waiting: {', '.join(waiting)}" if waiting else None


def _workflow_file(request: Request) -> str | None:
    # The reason names paths, which are nobody's business here; it is in the log.
    reason = request.registry.workflow_file.fault
    if reason is not None:
        log.warning("the workflow file is not well: %s", reason)
    return "the workflow file cannot be used; the log says why" if reason else None


def _vault(request: Request) -> str | None:
    # A server without a key keeps no credentials, and is well; what is kept and cannot be opened is not.
    state = vault_state(request.db, request.registry.vault)
    lost = state.counts and state.status in {VaultStatus.LOCKED, VaultStatus.WITHOUT_KEY}
    return "stored credentials cannot be opened: CREDENTIALS_SECRET is another one; the log says more" if lost else None


def _worker(request: Request) -> str | None:
    alive = worker_is_alive(request.db, request.settings.task_lease_seconds)
    return None if alive else "no worker is alive, so no task is being done"


def _demo(request: Request) -> str | None:
    # Told to strangers too, who need only try it; not whose account it is.
    opens = not request.settings.development and demo_opens(request.db, request.settings, _DEMO_SECONDS)
    return "the demo's password opens accounts; releaseapp check INI --only demo names them" if opens else None


_CHECKS: dict[str, Callable[[Request], str | None]] = {
    "database": _database,
    "demo": _demo,
    "migrations": _migrations,
    "vault": _vault,
    "workflow_file": _workflow_file,
    "worker": _worker,
}


def _try(check: Callable[[Request], str | None], request: Request) -> str | None:
    try:
        return check(request)
    except Exception:
        log.exception("%s failed", check.__name__)
        return "failed; the log says why"


def includeme(config: Any) -> None:
    """Adds the figures that the database and the queue know."""
    registry = config.registry

    def figures() -> Iterable[Metric]:
        yield gauge("releaseapp_queue_depth", "Wake-up calls that wait for a worker.", registry.queue.depth())
        for status, number in count_unfinished_tasks(registry.db).items():
            yield gauge(f"releaseapp_tasks_{status}", f"Tasks that are {status}.", number)
        at_work = count_at_work(registry.db)
        yield gauge("releaseapp_runs_queued", "Runs that wait for their turn.", at_work.queued)
        yield gauge("releaseapp_runs_running", "Runs that a worker has.", at_work.running)
        live = getattr(registry, "live_counters", None)
        if live is not None:
            yield from _live(live)

    registry.metrics.add_source(figures)


def _live(live: Any) -> Iterable[Metric]:
    yield gauge("releaseapp_ws_open", "Live connections that are open.", live.open)
    yield counter("releaseapp_ws_opened", "Live connections that were opened.", "kind", {"all": live.opened})
    codes = {str(code): float(number) for code, number in dict(live.closed).items()}
    yield counter("releaseapp_ws_closed", "Live connections that were closed, by code.", "code", codes)
    yield counter("releaseapp_ws_events_sent", "Events sent to live connections.", "kind", {"all": live.events_sent})
