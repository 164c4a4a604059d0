"""What was missed is told in order, nothing twice, nothing lost."""

import threading

import pytest

from releaseapp.events.models import EventType
from releaseapp.events.queries import delete_events_before, last_event_id
from releaseapp.permissions import Role
from releaseapp.workspaces import service as workspaces


def test_a_thousand_missed_events_come_in_order_while_writes_go_on(server, world):
    start = last_event_id(world.db)
    with world.db.transaction():
        for number in range(1000):
            world.happen("cobalt", number=number)
    go_on = threading.Event()

    def write():
        for number in range(1000, 1300):
            world.happen("cobalt", number=number)
            if number == 1050:
                go_on.set()

    writer = threading.Thread(target=write)
    writer.start()
    go_on.wait(10)
    with server.hear("vera", f"?since={start}") as vera:
        heard = [vera.event() for _ in range(1300)]
    writer.join()
    assert [event["data"]["number"] for event in heard] == list(range(1300))
    assert [event["id"] for event in heard] == list(range(start + 1, start + 1301))


def test_without_since_everything_after_hello_is_told(server, world):
    world.happen("cobalt", name="before")
    with server.hear("vera") as vera:
        world.happen("cobalt", name="after")
        event = vera.event()
    assert event["data"] == {"name": "after"}
    assert event["id"] == vera.greeting["id"] + 1


def test_a_client_that_missed_nothing_hears_only_what_is_new(server, world):
    newest = last_event_id(world.db)
    with server.hear("vera", f"?since={newest}") as vera:
        world.happen("cobalt", name="new")
        assert vera.event()["id"] == newest + 1


def test_what_was_missed_is_filtered_by_the_present_role(server, world):
    start = last_event_id(world.db)
    world.happen("cobalt", EventType.MEMORY_CREATED, key="k")
    world.happen("aurora", name="of aurora")
    world.happen("cobalt", name="of cobalt")
    owner = world.identity("olga")
    workspaces.change_role(world.db, world.workspaces["cobalt"], world.people["adam"].id, Role.VIEWER, owner)
    with server.hear("adam", f"?since={start}") as adam:
        assert adam.event()["data"] == {"name": "of cobalt"}
        assert adam.event()["type"] == "member.updated"


def test_a_cursor_older_than_what_is_kept_is_reset(server, world):
    for name in ("one", "two", "three"):
        world.happen("cobalt", name=name)
    newest = last_event_id(world.db)
    with world.db.transaction() as tx:
        delete_events_before(tx, "9999", limit=newest - 2)
    with server.hear("vera", "?since=1") as vera:
        assert vera.next() == {"type": "reset", "id": newest}
        world.happen("cobalt", name="after")
        assert vera.event()["id"] == newest + 1


def test_the_oldest_cursor_that_misses_nothing_is_not_reset(server, world):
    for name in ("one", "two", "three"):
        world.happen("cobalt", name=name)
    newest = last_event_id(world.db)
    with world.db.transaction() as tx:
        delete_events_before(tx, "9999", limit=newest - 2)
    with server.hear("vera", f"?since={newest - 2}") as vera:
        assert [vera.event()["data"]["name"] for _ in range(2)] == ["two", "three"]


def test_a_cursor_beyond_the_newest_event_is_reset(server, world):
    newest = last_event_id(world.db)
    with server.hear("vera", f"?since={newest + 50}") as vera:
        assert vera.next() == {"type": "reset", "id": newest}
        world.happen("cobalt", name="after")
        assert vera.event()["id"] == newest + 1


def test_a_restored_database_resets_everybody(server, world):
    for name in ("one", "two", "three"):
        world.happen("cobalt", name=name)
    newest = last_event_id(world.db)
    with server.hear("vera") as vera, server.hear("vera", f"?since={newest - 1}") as other:
        assert other.event()["data"] == {"name": "three"}
        with world.db.transaction() as tx:
            tx.run("DELETE FROM events WHERE id > :id", id=newest - 2)
            tx.run("UPDATE sqlite_sequence SET seq = :id WHERE name = 'events'", id=newest - 2)
        for client in (vera, other):
            assert client.next() == {"type": "reset", "id": newest - 2, "restored": True}
        world.happen("cobalt", name="another two")
        for client in (vera, other):
            event = client.event()
            assert (event["id"], event["data"]) == (newest - 1, {"name": "another two"})


def test_another_log_of_the_same_length_is_noticed(server, world):
    newest = last_event_id(world.db)
    with server.hear("vera") as vera:
        world.happen("cobalt", name="mine")
        assert vera.event()["id"] == newest + 1
        with world.db.transaction() as tx:
            tx.run('UPDATE events SET data = \'{"name":"theirs"}\' WHERE id = :id', id=newest + 1)
        assert vera.next() == {"type": "reset", "id": newest + 1, "restored": True}


@pytest.mark.parametrize("since", ["-1", "x", "", "1.5", "1&since=2", "9" * 30, "%C2%B2"])
def test_a_cursor_that_is_no_id_is_refused(server, world, frames, since):
    with server.raw() as raw:
        raw.send(frames.handshake(world.tokens["vera"], f"/ws?since={since}"))
        assert raw.head().startswith(b"HTTP/1.1 400 ")


def test_a_replay_that_nobody_reads_fills_no_memory_and_stops_nobody(serve, world, frames):
    with world.db.transaction():
        for _ in range(3000):
            world.happen("cobalt", filler="x" * 1000)
    server = serve(live_buffer_frames=50)
    with server.raw(receive_buffer=65536) as lazy:
        lazy.send(frames.handshake(world.tokens["vera"], "/ws?since=0"))
        assert b" 101 " in lazy.head()
        with server.hear("vera") as vera:
            world.happen("cobalt", name="quick")
            assert vera.event()["data"] == {"name": "quick"}
        # Far fewer than 3,000 were written: the rest waits in the database for the reader to read.
        assert server.counters.events_sent < 1000
        assert b'"hello"' in lazy.frame()[1]
        heard = sum(b'"filler"' in lazy.frame()[1] for _ in range(last_event_id(world.db) - 9))
        assert heard == 3000


def test_a_snapshot_put_back_with_ids_that_go_on_resets_who_listens_and_who_comes_later(server, world):
    before = last_event_id(world.db)
    with server.hear("vera") as vera:
        world.happen("cobalt", name="of the server")
        assert vera.event()["data"] == {"name": "of the server"}
        world.happen(None, EventType.SNAPSHOT_RESTORED, name="then")
        newest = last_event_id(world.db)
        assert vera.next() == {"type": "reset", "id": newest, "restored": True}
        world.happen("cobalt", name="after")
        assert vera.event()["id"] == newest + 1
    with server.hear("vera", f"?since={before}") as late:
        assert late.next() == {"type": "reset", "id": newest + 1, "restored": True}
        world.happen("cobalt", name="later")
        assert late.event()["id"] == newest + 2
