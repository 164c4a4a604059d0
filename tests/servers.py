"""Real servers for tests: ``pserve`` in a process of its own, on a free port, over a folder of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from functools import cache
from pathlib import Path

from conftest import settings_for

from releaseapp import make_app

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@cache
def demo() -> tempfile.TemporaryDirectory:
    """The data of a server that has just made its demo; made once, since hashing the passwords takes half a second."""
    kept = tempfile.TemporaryDirectory()
    make_app(settings_for(Path(kept.name), seed_demo=True)).registry.db.close()
    return kept


class RunningServer:
    """``development.ini`` with the data in ``folder``, the demo at first; may be stopped, killed and started again at
    the same address.
    """

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ini = folder / "server.ini"
        text = (ROOT / "development.ini").read_text()
        self.ini.write_text(
            text.replace("%(here)s/var", str(folder / "var")).replace("port = 6543", f"port = {self.port}")
        )
        self.environ = environ
        self.process: subprocess.Popen | None = None
        self.output = folder / "output.txt"

    def start(self) -> "RunningServer":
        if not (self.folder / "var").exists():
            shutil.copytree(demo().name, self.folder / "var")
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pyramid.scripts.pserve", str(self.ini)],
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environ},
                cwd=self.folder,
            )
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.output.read_text()}")
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=1):
                    return self
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"the server did not answer: {self.output.read_text()}")

    def stop(self) -> int:
        """Asks it to stop, and waits until it has; gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


class Program:
    """A running server as a program of one of the demo accounts asks it."""

    def __init__(self, server: RunningServer, email: str) -> None:
        self.url = server.url
        self._token = None
        self._token = self.send("/auth/login", {"email": email, "password": "password123"})["token"]

    def send(self, path: str, body: object = None, method: str | None = None) -> dict:
        """The JSON that it answers to a GET, or to a body by POST or another method."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers, method=method)) as answer:
            return json.load(answer)
