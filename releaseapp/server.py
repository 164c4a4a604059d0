"""How the product is served: what ``pserve`` finds under ``[server:…]``.

``all_in_one``: pages, REST, the live channel and the worker in one process, on one port.
``live``: the live channel alone.
"""

import gc
import logging
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from gevent import signal_handler
from gevent.event import Event
from gevent.hub import get_hub

from releaseapp.errors import SettingsError
from releaseapp.live.gateway import Gateway
from releaseapp.live.http.answers import Application
from releaseapp.live.http.server import Limits, Server, listen
from releaseapp.live.subjects import Drafts, drafts_of, no_drafts
from releaseapp.live.threads import Threads
from releaseapp.web.limits import largest_body
from releaseapp.workflows.store import Store

log = logging.getLogger(__name__)

Serve = Callable[[Any], None]

_SWITCH_SECONDS = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The lines of a ``[server:…]`` section.

    ``threads`` run the application; ``reuse_port`` lets several processes listen on one port;
    ``trusted_proxy`` is the address of a proxy whose X-Forwarded-For and -Proto are believed;
    ``grace_seconds`` is how long requests and tasks may go on when the server stops.
    """

    host: str = "127.0.0.1"
    port: int = 6543
    threads: int = 4
    reuse_port: bool = False
    trusted_proxy: str = ""
    grace_seconds: int = 10


def read_options(lines: Mapping[str, str]) -> Options:
    """Options from an ini section; raises SettingsError with a sentence for each that is unknown or wrong."""
    kinds: dict[str, Any] = {item.name: item.type for item in fields(Options)}
    faults: list[str] = []
    values: dict[str, Any] = {}
    for name, text in lines.items():
        try:
            values[name] = _convert(kinds[name], text.strip())
            if name == "threads" and values[name] < 1:
                raise ValueError(name)  # noqa: TRY301 - the same sentence for every wrong value
        except KeyError:
            faults.append(f"[server]: there is no option {name}; there are {', '.join(kinds)}.")
        except ValueError:
            faults.append(f"[server]: {name} cannot be {text!r}.")
    if faults:
        raise SettingsError("\n".join(faults))
    return Options(**values)


def all_in_one(_global_config: Mapping[str, str], **lines: str) -> Serve:
    """Everything in one process; the ``paste.server_factory`` that ``make serve`` uses."""
    options = read_options(lines)

    def serve(app: Any) -> None:
        Service(app, options, worker=getattr(app.registry, "worker", None)).run()

    return serve


def live(_global_config: Mapping[str, str], **lines: str) -> Serve:
    """The live channel alone; everything else is 404 here."""
    options = read_options(lines)

    def serve(app: Any) -> None:
        Service(app, options, pages=_nothing_here).run()

    return serve


class Service:
    """A server that runs until it is told to stop, by :meth:`stop` or a signal."""

    def __init__(self, app: Any, options: Options, *, pages: Application | None = None, worker: Any = None) -> None:
        """``app`` has ``db`` and ``app_settings`` on its registry, and gets ``live_counters``.

        ``pages`` answers in place of ``app``; ``worker`` is started, and stopped within the grace time.
        """
        self._app = app
        self._options = options
        self._pages = pages or app
        self._worker = worker
        self._stop: Callable[[], None] = lambda: None
        self._server: Server | None = None
        self.address: tuple[str, int] = (options.host, options.port)
        self.started = threading.Event()
        self.stopped = threading.Event()

    def run(self) -> None:
        """Serves; returns when everything has come to its end. The thread that calls it becomes the hub's."""
        _raise_file_limit()
        # A thread that computes keeps the interpreter this long from the hub, which needs it often and briefly.
        sys.setswitchinterval(_SWITCH_SECONDS)
        registry, options = self._app.registry, self._options
        sock = _listen(options)
        self.address = sock.getsockname()[:2]
        gateway = Gateway(registry.db, registry.app_settings, _drafts(registry))
        registry.live_counters = gateway.counters
        threads = Threads(options.threads, "request", registry.db.close_thread)
        limits = Limits(body_bytes=largest_body(registry))
        server = self._server = Server(sock, self._pages, gateway, limits, threads, trusted_proxy=options.trusted_proxy)
        stopping = self._stop_when_asked()
        gateway.start()
        if self._worker is not None:
            self._worker.start()
        server.start()
        # What was made up to here stays for ever: the collector need not look at it again.
        gc.freeze()
        self._announce(getattr(registry, "demo_lines", ()))
        stopping.wait()
        self._shut_down(server, gateway, threads)

    def stop(self) -> None:
        """Asks the server to stop, from any thread; :attr:`stopped` tells when it has."""
        self._stop()

    def connections(self) -> int:
        """How many clients are connected, whatever they do."""
        return len(self._server.handlers) if self._server else 0

    def _shut_down(self, server: Server, gateway: Gateway, threads: Threads) -> None:
        log.info("stopping")
        grace = self._options.grace_seconds
        server.stop_accepting()
        gateway.stop()
        server.drain(grace)
        threads.stop()
        if self._worker is not None:
            self._worker.stop(grace)
        self._app.registry.db.close()
        self.stopped.set()

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
        sys.stdout.write(f"releaseapp listens at http://{f'[{host}]' if ':' in host else host}:{port}\n")
        sys.stdout.writelines(f"{line}\n" for line in demo_lines)
        sys.stdout.flush()
        self.started.set()


def _listen(options: Options) -> socket.socket:
    try:
        return listen(options.host, options.port, reuse_port=options.reuse_port)
    except OSError as error:
        raise SettingsError(f"[server]: cannot listen at {options.host}:{options.port}: {error.strerror}.") from error


def _drafts(registry: Any) -> Drafts:
    file = getattr(registry, "workflow_file", None)
    return drafts_of(Store(registry.db, file)) if file is not None else no_drafts


def _convert(kind: Any, text: str) -> str | int | bool:
    if kind is bool:
        if text.lower() not in {"true", "false"}:
            raise ValueError(text)
        return text.lower() == "true"
    if kind is int:
        return int(text)
    return text


def _nothing_here(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    body = b'{"type":"about:blank","title":"Not found","status":404,"detail":"Only /ws is served here."}'
    start_response("404 Not Found", [("Content-Type", "application/problem+json")])
    return [body]


def _raise_file_limit() -> None:
    """A connection is a file: the soft limit of 1,024 that many systems set would be met soon."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
