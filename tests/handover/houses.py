"""A server's folder, and real processes over it that take over from one another."""

import os
import subprocess
import sys
import time
from pathlib import Path

from servers import ROOT, RunningServer

SECONDS = 60


class Process:
    """One ``pserve`` (or a program in its place) over the ini file of a house."""

    def __init__(self, command: list[str], output: Path, environ: dict[str, str], *, close_fds: bool) -> None:
        self.output = output
        with output.open("wb") as file:
            self.popen = subprocess.Popen(command, stdout=file, stderr=file, env=environ, close_fds=close_fds)
        self.pid = self.popen.pid

    def says(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str) -> "Process":
        """Until it has said so; fails when it has ended or says nothing for long."""
        deadline = time.monotonic() + SECONDS
        while words not in self.says():
            assert self.popen.poll() is None or words in self.says(), f"it ended without {words!r}: {self.says()}"
            assert time.monotonic() < deadline, f"it does not say {words!r}: {self.says()}"
            time.sleep(0.01)
        return self

    def ends(self) -> int:
        return self.popen.wait(SECONDS)

    def kill(self) -> None:
        self.popen.kill()
        self.ends()


class House:
    """A folder with an ini file, and the processes that serve it, one after the other or at once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.server = RunningServer(folder)
        self.url = self.server.url
        self.port = self.server.port
        self.folder = folder
        self.environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
        self.processes: list[Process] = []

    @property
    def socket(self) -> Path:
        return self.folder / "var" / f"server-127.0.0.1-{self.port}.sock"

    def start(self) -> Process:
        """Another process of the newest version; returns at once."""
        return self._start([sys.executable, "-m", "pyramid.scripts.pserve", str(self.server.ini)])

    def play(self, program: str) -> Process:
        """A process that does what ``program`` says before it serves as every other."""
        text = (
            f"INI = {str(self.server.ini)!r}\n{program}\nfrom pyramid.scripts.pserve import main\nmain(['pserve', INI])"
        )
        return self._start([sys.executable, "-c", text])

    def serving(self) -> Process:
        """Another process, once it serves."""
        return self.start().wait_for("releaseapp listens at")

    def end(self) -> None:
        for process in self.processes:
            if process.popen.poll() is None:
                process.kill()

    def _start(self, command: list[str], *, close_fds: bool = True) -> Process:
        output = self.folder / f"output-{len(self.processes)}.txt"
        process = Process(command, output, self.environ, close_fds=close_fds)
        self.processes.append(process)
        return process
