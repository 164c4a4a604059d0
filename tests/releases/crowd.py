"""Hundreds of live clients in a thread of their own, for whole releases; and what they should have been told."""

import asyncio
import io
import json
import resource
import sqlite3
import tarfile
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from bench.restart_sockets import Listener

_SECONDS = 60


def make_room(sockets):
    """Lets this process have so many files open; skips, or fails in CI, where the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < sockets + 200:
        if hard < sockets + 200:
            pytest.skip(f"only {hard} files may be open here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Crowd(threading.Thread):
    """So many who listen, and come back whenever they lose the connection."""

    def __init__(self, port, token, sockets):
        super().__init__(daemon=True)
        self.listeners = [Listener(port, token) for _ in range(sockets)]
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()

    def run(self):
        async def listen():
            tasks = [asyncio.create_task(one.listen()) for one in self.listeners]
            await self._over.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(listen())
        finally:
            self._loop.close()

    def end(self):
        self._loop.call_soon_threadsafe(self._over.set)
        self.join(30)

    def vanish(self, number):
        """So many lose their connection without a word."""
        for one in self.listeners[:number]:
            self._loop.call_soon_threadsafe(one.vanish)

    def all_listen(self):
        self._wait(lambda one: one.greeted, "not all came back")

    def all_were_reset(self, times):
        self._wait(lambda one: len(one.resets) >= times, "not all were told to read anew")

    def all_heard(self, event):
        self._wait(lambda one: (one.since or 0) >= event, f"not all were told of {event}")

    def _wait(self, holds, fault):
        deadline = time.monotonic() + _SECONDS
        while not all(map(holds, self.listeners)):
            assert time.monotonic() < deadline, f"{fault}: {[one for one in self.listeners if not holds(one)][:2]}"
            time.sleep(0.02)


def missed_by(listener, events):
    """What of ``events`` one was not told although it was told of later ones, or was not told to read anew.

    And how many events a reset stood for: those between the last that was told before it and the reset itself.
    """
    missed, stood_for, begin, cursor = set(), 0, 0, listener.first
    for number, reset in [*listener.resets, (len(listener.heard), None)]:
        told = set(listener.heard[begin:number])
        newest = max(told, default=cursor)
        due = {one for one in events if one > cursor and (reset is None or one <= newest)}
        missed |= due - told
        if reset is not None:
            stood_for += sum(newest < one <= reset for one in events)
        begin, cursor = number, reset
    return missed, stood_for


def events_of(database, workspace):
    """The ids of a workspace's events in a database file."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        asked = "SELECT e.id FROM events e JOIN workspaces w ON w.id = e.workspace_id WHERE w.slug = ?"
        return {row[0] for row in db.execute(asked, [workspace])}


def events_in_newest_snapshot(folder, workspace):
    """The same of the newest snapshot: what was there before the newest restore."""
    newest = max(folder.glob("*.json"), key=lambda path: json.loads(path.read_bytes())["made_at"])
    with tarfile.open(newest.with_suffix(".snapshot")) as tar, tempfile.TemporaryDirectory() as aside:
        database = Path(aside) / "agents.db"
        database.write_bytes(io.BytesIO(tar.extractfile("agents.db").read()).getvalue())
        return events_of(database, workspace)
