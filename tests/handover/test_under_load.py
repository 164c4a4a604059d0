"""The measurement of ``python -m bench.restart``, smaller: nobody notices anything."""

import os
from concurrent.futures import ThreadPoolExecutor

from bench.restart import Plan, measure


def test_under_load_no_request_fails_and_no_event_is_lost(tmp_path):
    plan = Plan(restarts=2, sockets=40, readers=3, writers=2, rate=20, calm_seconds=1.0)
    # In a thread of its own: in this one a browser's loop may be at work.
    with ThreadPoolExecutor(1) as thread:
        told = thread.submit(measure, plan, tmp_path).result()
    assert (told.failed, told.faults) == (0, [])
    assert told.writes_without_answer == 0
    assert (told.lost, told.twice, told.socket_faults) == (0, 0, [])
    assert told.returns == 80
    assert told.requests > 200
    assert told.events >= told.writes * 40 * 0.9
    assert told.longest_pause < (30 if os.environ.get("CI") else 10)
