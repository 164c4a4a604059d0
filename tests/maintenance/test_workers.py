"""Workers rest while maintenance lasts, and go on where they were when it is over."""

import threading
import time

import pytest
from running import Lab, offer, transform, work

from releaseapp.maintenance.service import begin_maintenance, end_maintenance


@pytest.fixture
def lab(tmp_path):
    made = Lab(tmp_path)
    yield made
    made.close()


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def test_no_run_is_taken_up_until_it_is_over(lab):
    begin_maintenance(lab.db, None, "A new disk")
    run = lab.start(lab.workflow(transform("a", 1)))
    assert lab.work() == 0
    assert lab.now(run).status == "queued"
    end_maintenance(lab.db, None)
    assert lab.work() == 1
    assert lab.now(run).status == "succeeded"


def test_a_run_in_hand_rests_at_its_next_step_and_goes_on_afterwards(lab, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slow(_config, _context):
        begun.set()
        assert go_on.wait(20)
        return "done"

    offer(monkeypatch, "test.work", slow)
    run = lab.start(lab.workflow(work("a"), transform("b", 2)))
    lab.worker.start()
    lab.kit.wake(run.id)
    assert begun.wait(20)
    begin_maintenance(lab.db, None, "A new disk")
    # The keeper looks every quarter of a second; what is in hand meanwhile is brought to its end.
    wait_until(lambda: lab.worker._at_rest)
    go_on.set()
    wait_until(lambda: lab.now(run).status == "queued")
    assert lab.steps(run) == {("a", 1): "succeeded"}
    end_maintenance(lab.db, None)
    wait_until(lambda: lab.now(run).status == "succeeded")
    assert lab.told(run).count("step.started a") == 1
