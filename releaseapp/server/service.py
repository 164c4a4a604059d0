"""One server process: its parts put together, started, and brought to their end."""

import gc
import logging
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent import signal_handler
from gevent.event import Event
from gevent.hub import get_hub

from releaseapp import clock
from releaseapp.connections import service as connections
from releaseapp.connections.sampler import Sampler
from releaseapp.keys import note_secrets
from releaseapp.live.gateway import Gateway
from releaseapp.live.http.answers import Application
from releaseapp.live.http.server import Limits, Server
from releaseapp.live.subjects import Drafts, drafts_of, no_drafts
from releaseapp.live.threads import Threads
from releaseapp.operations.service import list_at_work, this_process
from releaseapp.served import note_version
from releaseapp.server.entrance import Entrance, open_entrance
from releaseapp.server.handover import Offer, Successor
from releaseapp.server.options import Options
from releaseapp.server.systemd import notify
from releaseapp.web.limits import largest_body
from releaseapp.workflows.store import Store

log = logging.getLogger(__name__)

_SWITCH_SECONDS = 0.001
_LOOK_SECONDS = 0.1
_REQUEST_SECONDS = 70.0
"""A little more than a body may take to arrive."""
_OPERATION_SECONDS = 900.0
"""After a hand-over nobody waits for this process any more."""


class Service:
    """A server that runs until it is told to stop, by :meth:`stop` or a signal, or another process has taken over."""

    def __init__(
        self,
        app: Any,
        options: Options,
        *,
        pages: Application | None = None,
        worker: Any = None,
        caretaker: Any = None,
        announce: bool = True,
    ) -> None:
        """``app`` has ``db`` and ``app_settings`` on its registry, and gets ``live_counters``.

        ``pages`` answers in place of ``app``; ``worker`` is started, and stopped within the grace time;
        ``caretaker`` is started and stopped with it; ``announce`` tells the terminal and systemd where it listens.
        """
        self._app = app
        self._options = options
        self._pages = pages or app
        self._worker = worker
        self._caretaker = caretaker
        self._announces = announce
        self._stop: Callable[[], None] = lambda: None
        self._server: Server | None = None
        self._successor: Successor | None = None
        self._sampler: Sampler | None = None
        self.address: tuple[str, int] = (options.host, options.port)
        self.started = threading.Event()
        self.stopped = threading.Event()

    def run(self) -> None:
        """Serves; returns when everything has come to its end. The thread that calls it becomes the hub's."""
        _raise_file_limit()
        # A thread that computes keeps the interpreter this long from the hub, which needs it often and briefly.
        sys.setswitchinterval(_SWITCH_SECONDS)
        registry = self._app.registry
        entrance = open_entrance(self._options, registry.app_settings)
        try:
            gateway, threads, server = self._start(entrance)
        except BaseException:
            if entrance.predecessor is not None:
                entrance.predecessor.close()
            raise
        asked = self._stop_when_asked()
        # What was made up to here stays for ever: the collector need not look at it again.
        gc.freeze()
        offer = self._offer(entrance, asked)
        if entrance.predecessor is not None:
            gevent.spawn(entrance.predecessor.take_over, server.adopt)
        if self._announces:
            self._announce(getattr(registry, "demo_lines", ()))
        self.started.set()
        asked.wait()
        if offer is not None:
            offer.close()
        self._shut_down(server, gateway, threads)

    def stop(self) -> None:
        """Asks the server to stop, from any thread; :attr:`stopped` tells when it has."""
        self._stop()

    def connections(self) -> int:
        """How many clients are connected, whatever they do."""
        return len(self._server.handlers) if self._server else 0

    def _start(self, entrance: Entrance) -> tuple[Gateway, Threads, Server]:
        registry, options = self._app.registry, self._options
        self.address = entrance.sock.getsockname()[:2]
        gateway = Gateway(registry.db, registry.app_settings, _drafts(registry))
        registry.live_counters = gateway.counters
        threads = Threads(options.threads, "request", registry.db.close_thread)
        limits = Limits(body_bytes=largest_body(registry))
        server = Server(entrance.sock, self._pages, gateway, limits, threads, trusted_proxy=options.trusted_proxy)
        server.shared = entrance.shared
        self._server = server
        note_secrets(registry.db, registry.app_settings)
        note_version(registry.db)
        gateway.start()
        self._sampler = connections.sample(registry.db, gateway.counters)
        if self._worker is not None:
            self._worker.start()
        if self._caretaker is not None:
            self._caretaker.start()
        server.start()
        return gateway, threads, server

    def _offer(self, entrance: Entrance, asked: Event) -> Offer | None:
        """Lets the next process take over; it is told apart from a stop by who asked."""
        if entrance.path is None:
            return None

        def leave(successor: Successor) -> None:
            self._successor = successor
            asked.set()

        try:
            return Offer(entrance.path, entrance.sock, leave)
        except OSError as error:
            log.warning("no other process will be able to take over, for %s: %s", entrance.path, error.strerror)
            return None

    def _shut_down(self, server: Server, gateway: Gateway, threads: Threads) -> None:
        log.info("stopping")
        if self._announces:
            notify("STOPPING=1")
        grace = self._options.grace_seconds
        server.begin_to_stop(self._successor.take if self._successor else None)
        # Beside the requests: both have the same time of grace.
        resting = threading.Thread(target=self._stop_worker, args=(grace,), name="stopping the worker")
        resting.start()
        gateway.stop()
        if self._sampler is not None:
            self._sampler.finish()
        # Nobody waits for a process that was taken over: a request may last as long as its body may take.
        server.drain(max(grace, _REQUEST_SECONDS) if self._successor else grace)
        threads.stop()
        resting.join()
        if self._sampler is not None:
            self._sampler.join()
        self._let_operations_end(_OPERATION_SECONDS if self._successor else grace)
        self._app.registry.db.close()
        if self._successor is not None:
            self._successor.close()
        self.stopped.set()

    def _let_operations_end(self, seconds: float) -> None:
        """A snapshot that this process is just making is worth waiting for; a supervisor that stops it waits less."""
        end = clock.monotonic() + seconds
        try:
            while self._operates() and clock.monotonic() < end:
                gevent.sleep(_LOOK_SECONDS)
        except Exception:
            # Whatever is wrong with the database must not keep this process from leaving.
            log.exception("operations are not waited for")

    def _operates(self) -> bool:
        return any(one.process == this_process() for one in list_at_work(self._app.registry.db))

    def _stop_worker(self, grace_seconds: float) -> None:
        if self._caretaker is not None:
            self._caretaker.stop()
        if self._worker is not None:
            self._worker.stop(grace_seconds)
        self._app.registry.db.close_thread()

    def _stop_when_asked(self) -> Event:
        asked = Event()
        wake = get_hub().loop.async_()
        wake.start(asked.set)
        self._stop = wake.send
        if threading.current_thread() is threading.main_thread():
            signal_handler(signal.SIGTERM, asked.set)
            signal_handler(signal.SIGINT, asked.set)
        return asked

    def _announce(self, demo_lines: Iterable[str]) -> None:
        host, port = self.address
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        notify("READY=1", f"STATUS=Listens at {address}")
        sys.stdout.write(f"releaseapp listens at {address}\n")
        sys.stdout.writelines(f"{line}\n" for line in demo_lines)
        sys.stdout.flush()


def _drafts(registry: Any) -> Drafts:
    file = getattr(registry, "workflow_file", None)
    return drafts_of(Store(registry.db, file)) if file is not None else no_drafts


def _raise_file_limit() -> None:
    """A connection is a file: the soft limit of 1,024 that many systems set would be met soon."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
