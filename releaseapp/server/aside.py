"""A server that nobody else knows of: on this machine alone, on any free port, without workers and without a clock."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from releaseapp import make_app
from releaseapp.errors import AppError
from releaseapp.server.options import Options
from releaseapp.server.service import Service
from releaseapp.settings import Settings

_START_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_STOP_SECONDS = 30.0


class NotServed(AppError):
    """The server did not come up."""


@contextmanager
def served_aside(settings: Settings) -> Iterator[str]:
    """Serves what the settings name, and gives the address; it has ended when the context ends.

    No worker is started, so that runs and tasks that are under way in the data are left alone, and nothing is sent.
    Raises SettingsError as any start does, and NotServed.
    """
    app = make_app(settings)
    service = Service(app, Options(port=0, grace_seconds=1), announce=False)
    thread = threading.Thread(target=service.run, name="server aside", daemon=True)
    thread.start()
    try:
        waited = 0.0
        while not service.started.wait(_LOOK_SECONDS):
            waited += _LOOK_SECONDS
            if not thread.is_alive() or waited > _START_SECONDS:
                raise NotServed("The server does not come up; the log says more.")
        host, port = service.address
        yield f"http://{host}:{port}"
    finally:
        service.stop()
        thread.join(_STOP_SECONDS)
