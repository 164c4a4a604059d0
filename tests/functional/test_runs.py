"""Runs through the front door: started, looked into, retried and cancelled by programs; and by the command line."""

import json
import subprocess
import sys
from datetime import timedelta
from itertools import count

import pytest
from running import offer, transform, work
from servers import ROOT

from releaseapp import clock
from releaseapp.steps.api import StepFailed

HOME = "/workspaces/aurora"


@pytest.fixture
def avery(app):
    return app.as_program("avery.owner@example.com")


@pytest.fixture
def busy(app):
    """Has the server's worker do whatever there is to do, in this thread."""
    worker = app.app.registry.worker.runs

    def do():
        done = 0
        while True:
            worker.tick()
            worker.sweep()
            worked = worker.work_off()
            done += worked
            if not worked:
                return done

    return do


def publish(caller, *steps, **head):
    definition = {"name": "W", "steps": list(steps), **head}
    made = caller.post_json(f"{HOME}/workflows", {"definition": definition}).json
    caller.post_json(f"{HOME}/workflows/{made['id']}/versions/1/publish", {})
    return f"{HOME}/workflows/{made['id']}"


def test_a_run_is_started_done_and_looked_into(avery, busy):
    workflow = publish(
        avery, transform("a", "{{ inputs.who | upper }}"), transform("b", 2), output="{{ steps.a.output }}"
    )
    answer = avery.post_json(f"{workflow}/run", {"inputs": {"who": "you"}}, status=201)
    address = answer.headers["Location"].removeprefix("http://localhost")
    assert answer.json["status"] == "queued"
    assert answer.json["trigger"] == {
        "type": "api", "by": "avery.owner@example.com", "account": avery.get("/auth/me").json["user"]["id"],
    }  # fmt: skip
    busy()
    run = avery.get(address).json
    assert (run["status"], run["output"], run["steps_done"]) == ("succeeded", "YOU", 2)
    assert [(step["step_id"], step["item"], step["status"]) for step in run["steps"]] == [
        ("a", None, "succeeded"), ("b", None, "succeeded"),
    ]  # fmt: skip
    attempts = avery.get(f"{address}/steps/a").json["attempts"]
    assert [(one["input"], one["output"]) for one in attempts] == [({"value": "YOU"}, "YOU")]
    assert avery.get(f"{address}/definition").json["name"] == "W"
    listed = avery.get(f"{HOME}/runs").json["items"][0]
    assert listed["id"] == run["id"]
    assert "inputs" not in listed


def test_lists_are_narrowed_and_paged(avery, busy):
    good = publish(avery, transform("a", 1))
    bad = publish(avery, {"id": "a", "type": "fail", "config": {"message": "No."}})
    for workflow in (good, bad, good, bad, good):
        avery.post_json(f"{workflow}/run", {})
    busy()
    everything = avery.get(f"{HOME}/runs").json["items"]
    assert len(everything) == 5
    failed = avery.get(f"{HOME}/runs?status=failed").json["items"]
    assert {run["error"] for run in failed} == {"No."}
    assert len(failed) == 2
    of_workflow = avery.get(f"{HOME}/runs?workflow={good.rpartition('/')[2]}").json["items"]
    assert len(of_workflow) == 3
    assert avery.get(f"{HOME}/runs?trigger=cron").json["items"] == []
    middle = everything[2]["created_at"]
    since = {run["id"] for run in avery.get(f"{HOME}/runs?since={middle}").json["items"]}
    until = {run["id"] for run in avery.get(f"{HOME}/runs?until={middle}").json["items"]}
    assert since == {run["id"] for run in everything if run["created_at"] >= middle}
    assert until == {run["id"] for run in everything} - since
    first = avery.get(f"{HOME}/runs?limit=2").json
    second = avery.get(f"{HOME}/runs?limit=2&cursor={first['next']}").json
    assert [run["id"] for run in first["items"] + second["items"]] == [run["id"] for run in everything[:4]]


def test_a_run_is_found_by_its_own_time_though_a_millisecond_ends_while_it_is_started(avery, monkeypatch):
    workflow = publish(avery, transform("a", 1))
    begin, ticks = clock.now(), count()
    monkeypatch.setattr(clock, "now", lambda: begin + timedelta(microseconds=999 * next(ticks)))
    for _ in range(20):
        created_at = avery.post_json(f"{workflow}/run", {}).json["created_at"]
        since = avery.get(f"{HOME}/runs?since={created_at}").json["items"]
        assert [run["created_at"] for run in since] == [created_at]


@pytest.mark.parametrize(
    "query", ["status=lost", "trigger=magic", "since=yesterday", "until=9999999", "limit=0", "cursor=!"]
)
def test_a_list_that_makes_no_sense_is_refused_by_name(avery, query):
    answer = avery.get(f"{HOME}/runs?{query}", status=400)
    assert query.split("=")[0] in answer.json["errors"][0]["pointer"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"inputs": []}, "/inputs"),
        ({"inputs": {"n": "x"}}, "/inputs/n"),
        ({"inputs": {}}, "/inputs/n"),
        ({"inputs": {"n": 1}, "version": "1"}, "/version"),
        ({"inputs": {"n": 1}, "pins": {"a": 1}}, "/pins"),
        ({"inputs": {"n": 1}, "test": True, "version": 1, "pins": {"zz": 1}}, "/pins/zz"),
        ({"inputs": {"n": 1}, "test": True, "version": 1, "only_step": "zz"}, "/only_step"),
        ({"inputs": {"n": 1}, "more": 1}, "/more"),
        ({"inputs": {"n": 1, "text": "x" * 300_000}}, "/inputs"),
    ],
)
def test_a_start_that_makes_no_sense_is_refused_by_name(avery, body, pointer):
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    workflow = publish(avery, transform("a", 1), inputs=schema)
    answer = avery.post_json(f"{workflow}/run", body, status=400)
    assert pointer in [error["pointer"] for error in answer.json["errors"]]
    assert avery.get(f"{HOME}/runs").json["items"] == []


def test_a_version_that_is_not_published_is_tried_and_not_run(avery, busy):
    definition = {"name": "D", "steps": [transform("a", 7)], "output": "{{ steps.a.output }}"}
    made = avery.post_json(f"{HOME}/workflows", {"definition": definition}).json
    address = f"{HOME}/workflows/{made['id']}/run"
    assert "no published version" in avery.post_json(address, {}, status=409).json["detail"]
    avery.post_json(address, {"test": True, "version": 9}, status=404)
    run = avery.post_json(address, {"test": True, "version": 1}, status=201).json
    busy()
    assert (run["is_test"], avery.get(f"{HOME}/runs/{run['id']}").json["output"]) == (True, 7)


def test_the_same_start_twice_is_one_run(avery):
    workflow = publish(avery, transform("a", 1))
    key = {"Idempotency-Key": "once-only-please"}
    first = avery.post_json(f"{workflow}/run", {}, headers=key, status=201).json
    assert avery.post_json(f"{workflow}/run", {}, headers=key, status=201).json["id"] == first["id"]
    assert len(avery.get(f"{HOME}/runs").json["items"]) == 1


def test_what_failed_is_retried_from_where_it_failed_and_all_of_it_at_once(avery, busy, monkeypatch):
    broken, done = [True], []

    def worker(config, _context):
        if config.value == "b" and broken[0]:
            raise StepFailed("Not now.")
        done.append(config.value)

    offer(monkeypatch, "test.work", worker)
    workflow = publish(avery, work("a", "a"), work("b", "b"))
    runs = [avery.post_json(f"{workflow}/run", {}).json["id"] for _ in range(3)]
    busy()
    assert done == ["a"] * 3
    broken[0] = False
    again = avery.post_json(f"{HOME}/runs/{runs[0]}/retry", {}, status=201).json
    assert (again["attempt"], again["retry_of"], again["trigger"]["type"]) == (2, runs[0], "retry")
    rest = avery.post_json(f"{HOME}/runs/retry", {"since": "2020-01-01T00:00:00Z"}).json["items"]
    assert sorted(run["retry_of"] for run in rest) == sorted(runs[1:])
    busy()
    assert done == ["a"] * 3 + ["b"] * 3
    steps = {step["step_id"]: step for step in avery.get(f"{HOME}/runs/{again['id']}").json["steps"]}
    assert (steps["a"]["reused"], steps["b"]["reused"]) == (True, False)
    assert avery.post_json(f"{HOME}/runs/{runs[0]}/retry", {"from_step": "zz"}, status=400).json["errors"]
    avery.post_json(f"{HOME}/runs/retry", {"since": "soon"}, status=400)


def test_a_run_is_cancelled_once(avery, busy):
    workflow = publish(avery, {"id": "a", "type": "delay", "config": {"seconds": 600}})
    run = avery.post_json(f"{workflow}/run", {}).json
    busy()
    address = f"{HOME}/runs/{run['id']}"
    assert avery.get(address).json["status"] == "waiting"
    assert avery.post_json(f"{address}/cancel", {}).json["status"] == "cancelled"
    assert "been cancelled already" in avery.post_json(f"{address}/cancel", {}, status=409).json["detail"]


def test_the_log_is_read_from_a_place_on_whole_or_of_a_step(avery, busy, monkeypatch):
    offer(monkeypatch, "test.work", lambda config, context: context.log(f"{config.value} one\n{config.value} two"))
    workflow = publish(avery, work("a", "a"), work("each", "{{ item }}", for_each=["x", "y"], max_parallel=1))
    run = avery.post_json(f"{workflow}/run", {}).json["id"]
    busy()
    address = f"{HOME}/runs/{run}/log"
    assert [line["text"] for line in avery.get(address).json["items"]] == [
        "a one", "a two", "x one", "x two", "y one", "y two",
    ]  # fmt: skip
    assert [line["seq"] for line in avery.get(f"{address}?after=2&limit=2").json["items"]] == [3, 4]
    assert [line["text"] for line in avery.get(f"{address}?step=each.1").json["items"]] == ["y one", "y two"]
    avery.get(f"{address}?after=-1", status=400)


def test_viewers_see_no_runs_and_strangers_not_even_that_there_are_any(app, avery):
    workflow = publish(avery, transform("a", 1))
    run = avery.post_json(f"{workflow}/run", {}).json["id"]
    avery.post_json(f"{HOME}/members", {"email": "devon.viewer@example.com", "role": "viewer"}, status=201)
    viewer, stranger = app.as_program("devon.viewer@example.com"), app.as_program("emery.owner@example.com")
    for path in ("/runs", f"/runs/{run}", f"/runs/{run}/log", f"/runs/{run}/steps/a"):
        viewer.get(f"{HOME}{path}", status=403)
        stranger.get(f"{HOME}{path}", status=404)
    other = app.as_program("bailey.admin@example.com")
    other.get(f"/workspaces/cobalt/runs/{run}", status=404)


def test_steps_and_items_that_there_are_not_are_not_found(avery, busy):
    workflow = publish(avery, transform("a", 1))
    run = avery.post_json(f"{workflow}/run", {}).json["id"]
    busy()
    for name in ("zz", "a.x", "a.", "a.-1", "a.99999999"):
        avery.get(f"{HOME}/runs/{run}/steps/{name}", status=404)
    assert avery.get(f"{HOME}/runs/{run}/steps/a.5").json["attempts"] == []


def test_the_command_line_starts_waits_lists_shows_and_retries(tmp_path):
    ini = tmp_path / "server.ini"
    text = (ROOT / "development.ini").read_text()
    ini.write_text(text.replace("%(here)s/var", str(tmp_path)))

    def releaseapp(*arguments, code=0, given=None):
        command = [sys.executable, "-m", "releaseapp.cli", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, input=given, timeout=60)
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout + done.stderr

    definition = {
        "name": "Greeting", "inputs": {"type": "object", "required": ["who"], "properties": {"who": {"type": "string"}}},
        "steps": [transform("a", "Hello {{ inputs.who }}"), {"id": "f", "type": "fail", "when": "{{ inputs.boom }}", "config": {"message": "Boom"}}],
        "output": "{{ steps.a.output }}",
    }  # fmt: skip
    file = tmp_path / "w.json"
    file.write_text(json.dumps(definition))
    releaseapp("seed", ini)
    home = ("--workspace", "aurora")
    releaseapp("workflows", "import", ini, *home, file, "--publish")
    refused = releaseapp("runs", "start", ini, *home, "greeting", code=2)
    assert "'who' is a required property" in refused
    worker = subprocess.Popen(
        [sys.executable, "-m", "releaseapp.cli", "worker", str(ini)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert worker.stdout.readline().startswith("At work")
        good = releaseapp("runs", "start", ini, *home, "greeting", "-i", "who=you", "-i", "boom=false", "--wait")
        assert "succeeded" in good
        assert '"Hello you"' in good
        bad = releaseapp("runs", "start", ini, *home, "greeting", "--inputs", "-", "--wait", "--json", code=1,
                         given='{"who": "me", "boom": true}')  # fmt: skip
        failed = json.loads(bad)
        assert (failed["error"], failed["failed_step"]) == ("Boom", "f")
        assert "Boom" in releaseapp("runs", "show", ini, *home, failed["id"], "--log")
        assert failed["id"] in releaseapp("runs", "list", ini, *home, "--status", "failed")
        assert "queued" in releaseapp("runs", "retry", ini, *home, failed["id"], "--whole")
        assert "already" in releaseapp("runs", "cancel", ini, *home, failed["id"], code=2)
        assert "There is no run" in releaseapp("runs", "show", ini, *home, "run_none", code=2)
    finally:
        worker.terminate()
        worker.wait(30)
        worker.stdout.close()
