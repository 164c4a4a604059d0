"""Real servers: what they sample of real connections, and a hand-over as the gate sees it."""

import json
import time
from contextlib import ExitStack

from releaseapp import clock
from releaseapp.connections.service import gate, list_samples

START, END = "2000", "2999"


def wait_until(condition):
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_client_that_vanishes_and_comes_back_is_sampled_with_its_time(server, world):
    with server.upgraded():
        wait_until(lambda: server.counters.open == 1)
    wait_until(lambda: server.counters.closed[1006] == 1)
    assert not server.counters.reconnects
    with server.hear("vera", "?since=0"):
        wait_until(lambda: server.counters.reconnects.total() == 1)
    server.stop()
    last = list_samples(world.db, START, END)[-1]
    assert last.left_at is not None
    found = list_samples(world.db, START, END)
    assert sum(sum(one.reconnects.values()) for one in found) == 1
    assert sum(one.opened for one in found) == 2
    assert last.open == 0


def test_a_hand_over_from_one_process_to_the_next_is_calm_and_its_time_is_known(serve, world):
    since = clock.now_text()
    first = serve()
    with ExitStack() as clients:
        for _ in range(5):
            clients.enter_context(first.hear("vera"))
        first.stop()
    second = serve()
    with ExitStack() as clients:
        for _ in range(5):
            clients.enter_context(second.hear("vera", "?since=0"))
        second.stop()
    figures = gate(world.db, since, clock.now_text()).figures
    assert figures["came_back"] == 5, json.dumps(figures)
    assert (figures["told_to_return"], figures["abnormal"]) == (10, 0)
    assert 0 < figures["reconnect_p99"] < 30
