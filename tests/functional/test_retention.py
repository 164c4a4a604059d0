"""Pruning from the shell, beside a server that has the database open; and what a raised limit does."""

import json
import os

import pytest
from click.testing import CliRunner
from kept_runs import add_run, add_workspace, kept
from running import HOME, Clock, Lab, offer, transform, work

from releaseapp import clock
from releaseapp.cli import main
from releaseapp.runs.limits import service as limits
from releaseapp.runs.limits.schemas import SettingsChange
from releaseapp.runs.retention import service
from releaseapp.steps.api import Sleep

OTHER = "workspace-other"
DAY = 86_400


@pytest.fixture
def lab(tmp_path, monkeypatch):
    moved = Clock(monkeypatch)
    made = Lab(tmp_path)
    made.clock = moved
    add_workspace(made.db, OTHER)
    yield made
    made.close()


@pytest.fixture
def ini(lab):
    path = lab.folder / "server.ini"
    path.write_text(
        "[app:main]\nuse = egg:releaseapp\nmode = development\nagent_db_path = %(here)s/agents.db\n"
        "workflow_store_path = %(here)s/workflows.json\nrun_keep_days = 5\nrun_keep_megabytes = 1\n"
    )
    return path


def prune(ini, *words):
    done = CliRunner().invoke(main, ["prune", str(ini), *words])
    assert done.exit_code == 0, done.output
    return done


def test_a_run_that_is_over_holds_what_went_in_what_came_out_and_its_steps(lab):
    workflow = lab.workflow(transform("a", "x" * 1000), output="{{ steps.a.output }}")
    run = lab.run(workflow, {"text": "y" * 500})
    held = lab.db.first("SELECT bytes FROM runs WHERE id = :id", id=run.id)["bytes"]
    assert 500 + 3 * 1000 < held < 500 + 3 * 1000 + 200


def test_real_runs_go_by_age_and_the_newest_of_each_workflow_stays(lab, ini):
    often, once = lab.workflow(transform("a", 1), name="Often"), lab.workflow(transform("a", 1), name="Once")
    old = [lab.run(often).id for _ in range(3)]
    only = lab.run(once).id
    lab.clock.pass_time(6 * DAY)
    new = lab.run(often).id
    assert "lab: 3 runs would go (3 by age)" in prune(ini, "--dry-run").output
    assert sorted(kept(lab.db)) == sorted([*old, only, new])
    told = prune(ini).output
    assert "3 runs gone" in told
    assert "other: nothing goes (it keeps 5 days, 10,000 runs, 1.0 MB)." in told
    assert sorted(kept(lab.db)) == sorted([only, new])


def test_the_command_tells_why_and_gives_the_disk_back(lab, ini):
    add_run(lab.db, HOME, days=9, lines=40, size=10_000)
    for days in (4, 3, 2, 1):
        add_run(lab.db, HOME, days=days, lines=40, size=10_000)
    lab.db.first("PRAGMA wal_checkpoint(TRUNCATE)")
    before = os.path.getsize(lab.settings.agent_db_path)
    planned = json.loads(prune(ini, "--dry-run", "--json").stdout)
    assert planned["dry_run"] is True
    [other, lab_] = sorted(planned["workspaces"], key=lambda one: one["workspace"] == "lab")
    assert (other["workspace"], other["gone"]) == ("other", 0)
    assert {reason: share["runs"] for reason, share in lab_["expected"].items()} == {"age": 1, "count": 0, "bytes": 2}
    assert lab_["expected"]["age"]["bytes"] > 400_000
    assert lab_["keep"] == {"days": 5, "runs": 10_000, "bytes": 1_000_000}
    done = json.loads(prune(ini, "--json").stdout)
    assert [one["gone"] for one in done["workspaces"] if one["workspace"] == "lab"] == [3]
    assert done["given_back_bytes"] > 1_200_000
    assert os.path.getsize(lab.settings.agent_db_path) <= before - done["given_back_bytes"] + 100_000


def test_one_workspace_alone_is_pruned_when_it_is_named(lab, ini):
    for home in (HOME, OTHER):
        for days in (9, 1):
            add_run(lab.db, home, f"wf_{home}", days=days)
    prune(ini, "--workspace", "other")
    assert (len(kept(lab.db, HOME)), len(kept(lab.db, OTHER))) == (2, 1)
    refused = CliRunner().invoke(main, ["prune", str(ini), "--workspace", "none"])
    assert refused.exit_code == 2
    assert "There is no workspace 'none'" in refused.output


def test_what_a_workspace_says_holds_before_what_the_server_says(lab, ini):
    for days in (40, 9, 1):
        add_run(lab.db, HOME, days=days)
    change = SettingsChange(keep_days=0, keep_runs=2, keep_megabytes=0)
    limits.change_settings(lab.kit, HOME, change, actor=lab.person.id)
    assert "lab: 1 run would go (1 by count)" in prune(ini, "--dry-run").output


def test_a_pass_is_told_once_a_workspace(lab):
    for days in (90, 80, 1):
        add_run(lab.db, HOME, days=days)
    assert service.prune_some(lab.db, lab.settings, clock.now_text()) == 2
    assert service.prune_some(lab.db, lab.settings, clock.now_text()) == 0
    told = [event for event in lab.events() if event.type == "run.pruned"]
    assert [(event.workspace_id, event.data) for event in told] == [(HOME, {"number": 2})]


def test_runs_that_a_limit_held_back_go_on_as_soon_as_it_is_raised(lab, monkeypatch):
    offer(monkeypatch, "test.work", lambda *_: Sleep(clock.later_text(3600)), outside=False)
    workflow = lab.workflow(work("a"))
    limits.limit_workflow(lab.kit, workflow, 1, actor=None)
    with lab.db.transaction() as tx:
        busy = lab.start(workflow)
        tx.run("UPDATE runs SET status = 'running', turn = NULL WHERE id = :id", id=busy.id)
    held = [lab.start(workflow) for _ in range(3)]
    assert lab.worker.work_off() == 0
    assert {lab.now(run).status.value for run in held} == {"queued"}
    limits.limit_workflow(lab.kit, workflow, None, actor=None)
    assert lab.worker.work_off() == 3
    assert {lab.now(run).status.value for run in held} == {"waiting"}
