"""Many connections, slow ones, and what is counted of them."""

import json
import threading
import time

from releaseapp.events.queries import last_event_id


def test_a_thousand_connections_and_drops_leave_the_server_well(server, world, frames):
    hello = frames.handshake(world.tokens["vera"])
    for _ in range(10):
        clients = [server.raw() for _ in range(100)]
        for client in clients:
            client.send(hello)
        for client in clients:
            assert b" 101 " in client.head()
            assert b'"hello"' in client.frame()[1]
        assert server.counters.open == 100
        for number, client in enumerate(clients):
            if number % 2:
                client.send(frames.frame(0x8, b"\x03\xe8"))
                assert client.close_code() == 1000
            client.socket.close()
        frames.wait_until(lambda: server.counters.open == 0)
    assert server.counters.opened == 1000
    assert dict(server.counters.closed) == {1006: 500, 1000: 500}
    frames.wait_until(lambda: server.service.connections() == 0)
    assert server.get("/")[0] == 200
    with server.hear("vera") as vera:
        world.happen("cobalt", name="after")
        assert vera.event()["data"] == {"name": "after"}
    assert server.counters.events_sent == 1


def test_two_hundred_listeners_hear_all_while_pages_are_answered(server, world, frames):
    start = last_event_id(world.db)
    clients = [server.upgraded() for _ in range(200)]
    statuses, done = [], threading.Event()

    def browse():
        while not done.is_set():
            statuses.append(server.get("/")[0])

    browser = threading.Thread(target=browse)
    browser.start()
    for burst in range(10):
        for number in range(10):
            world.happen("cobalt", number=10 * burst + number)
        answered = len(statuses)
        frames.wait_until(lambda before=answered: len(statuses) > before, seconds=30)
    for client in clients:
        heard = [json.loads(client.frame()[1])["event"]["id"] for _ in range(100)]
        assert heard == list(range(start + 1, start + 101))
    done.set()
    browser.join()
    assert set(statuses) == {200}
    assert server.counters.events_sent == 20_000
    for client in clients:
        client.socket.close()


def test_a_slow_reader_is_dropped_and_comes_back_where_it_was(serve, world, frames):
    server = serve(live_buffer_frames=20)
    start = last_event_id(world.db)
    filler = "x" * 20_000
    with server.raw(receive_buffer=65536) as slow, server.hear("vera") as quick:
        slow.send(frames.handshake(world.tokens["vera"]))
        assert b" 101 " in slow.head()
        slow.frame()
        for first in range(0, 300, 10):
            with world.db.transaction():
                for number in range(first, first + 10):
                    world.happen("cobalt", number=number, filler=filler)
            assert [quick.event()["data"]["number"] for _ in range(10)] == list(range(first, first + 10))
        heard = []
        while (frame := slow.frame())[0] == 0x81:
            heard.append(json.loads(frame[1])["event"])
        assert frame[0] == 0x88
        assert int.from_bytes(frame[1][:2]) == 1013
    frames.wait_until(lambda: server.counters.dropped_slow == 1)
    assert 0 < len(heard) < 300
    with server.hear("vera", f"?since={heard[-1]['id']}") as again:
        heard += [again.event() for _ in range(300 - len(heard))]
    assert [event["id"] for event in heard] == list(range(start + 1, start + 301))


def test_a_reader_that_never_reads_again_is_cut_off(serve, world, frames, monkeypatch):
    from releaseapp import clock

    server = serve(live_buffer_frames=10)
    with server.raw(receive_buffer=8192) as stuck:
        stuck.send(frames.handshake(world.tokens["vera"]))
        assert b" 101 " in stuck.head()
        stuck.frame()
        with world.db.transaction():
            for _ in range(300):
                world.happen("cobalt", filler="x" * 20_000)
        time.sleep(0.6)  # the events are told, and the goodbye waits behind what was begun
        true_clock = clock.monotonic
        monkeypatch.setattr(clock, "monotonic", lambda: true_clock() + 15)
        frames.wait_until(lambda: server.counters.open == 0)
    assert dict(server.counters.closed) == {1013: 1}
