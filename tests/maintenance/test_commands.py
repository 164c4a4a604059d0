"""Maintenance from the shell, and the tasks of agents meanwhile."""

import json

import pytest
from click.testing import CliRunner
from conftest import settings_for

from releaseapp.agents.tasks.worker import Worker
from releaseapp.cli import main
from releaseapp.maintenance.service import begin_maintenance, end_maintenance
from releaseapp.storage import open_database
from releaseapp.wakeups import Work, open_wakeups

STRONG = "x7Kq-vT2m+Yp9Zr4Ld8Ws1Nf6Hb3Jc5Ga0Ue"


@pytest.fixture
def ini(tmp_path):
    path = tmp_path / "server.ini"
    path.write_text(
        "[app:main]\nuse = egg:releaseapp\n"
        f"jwt_secret = {STRONG}\nagent_db_path = %(here)s/agents.db\nworkflow_store_path = %(here)s/workflows.json\n"
    )
    open_database(settings_for(tmp_path)).close()
    return path


def run(*words):
    return CliRunner().invoke(main, ["maintenance", *(str(word) for word in words)])


def test_it_is_begun_shown_and_ended_from_the_shell(ini):
    assert "There is no maintenance" in run("show", ini).output
    begun = run("begin", ini, "--why", "A new disk", "--until", "30m")
    assert begun.exit_code == 0
    assert "A new disk. It ends by" in begun.output
    told = json.loads(run("show", ini, "--json").output)["maintenance"]
    assert (told["why"], told["by"]) == ("A new disk", None)
    assert run("end", ini).exit_code == 0
    assert json.loads(run("show", ini, "--json").output) == {"maintenance": None}


def test_what_cannot_be_is_refused_in_a_sentence(ini):
    refused = run("begin", ini, "--why", "A new disk", "--until", "never")
    assert (refused.exit_code, "Until must be a time such as" in refused.output) == (2, True)
    refused = run("end", ini)
    assert (refused.exit_code, refused.output) == (2, "There is no maintenance.\n")


def test_no_task_of_an_agent_is_taken_up_until_it_is_over(app, seeded, settings):
    owner = app.as_program("avery.owner@example.com")
    agent = owner.post_json("/workspaces/aurora/agents", {"name": "Nova"}).json
    tasks = f"/workspaces/aurora/agents/{agent['id']}/tasks"
    task = owner.post_json(tasks, {"title": "Try"}).json
    begin_maintenance(seeded, None, "A new disk")
    worker = Worker(seeded, open_wakeups(settings, Work.TASKS), settings)
    worker._take_up(task["id"])
    assert owner.get(f"{tasks}/{task['id']}").json["status"] == "pending"
    end_maintenance(seeded, None)
    worker._take_up(task["id"])
    assert owner.get(f"{tasks}/{task['id']}").json["status"] in {"completed", "failed"}
