"""The lock that writers of one process wait for."""

import threading

from releaseapp.db.turn import Turn


def waiting(turn, name, order, timeout=30.0):
    def wait():
        order.append((name, turn.acquire(timeout)))

    thread = threading.Thread(target=wait)
    before = len(turn._waiting)
    thread.start()
    while thread.is_alive() and len(turn._waiting) == before:
        pass
    return thread


def test_who_waits_longest_is_next_and_nobody_overtakes():
    turn, order = Turn(), []
    assert turn.acquire(0)
    threads = [waiting(turn, name, order) for name in "abc"]
    for number, thread in enumerate(threads, 1):
        turn.release()
        thread.join(10)
        assert not turn.acquire(0)
        assert order == [(name, True) for name in "abc"[:number]]
    turn.release()
    assert turn.acquire(0)


def test_who_gives_up_is_passed_over():
    turn, order = Turn(), []
    assert turn.acquire(0)
    hasty = waiting(turn, "hasty", order, 0.01)
    patient = waiting(turn, "patient", order)
    hasty.join(10)
    turn.release()
    patient.join(10)
    assert order == [("hasty", False), ("patient", True)]


def test_a_turn_that_comes_in_the_moment_of_giving_up_is_passed_on():
    turn, late = Turn(), threading.Lock()
    assert turn.acquire(0)
    late.acquire()
    turn._waiting.append(late)
    turn.release()
    assert not turn.acquire(0)
    # It was handed over, but its time was up before it could look.
    turn._leave(late)
    assert turn.acquire(0)
