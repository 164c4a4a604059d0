"""``releaseapp release``: what operators read, and what scripts get as exit codes."""

import threading
from importlib import import_module

import msgspec
import pytest
from click.testing import CliRunner
from conftest import write_ini
from releases.world import AVERY, BAD, PLAN, World, ground_of

from releaseapp.cli import main
from releaseapp.cli import release_looking as looking
from releaseapp.releases.models import Loss, Verdict
from releaseapp.releases.service import abandon, find_open, perform, start

commands = import_module("releaseapp.cli.release")
START = ("--version", "0.2.0", "--why", "Two fixes.")


@pytest.fixture
def world():
    return World()


@pytest.fixture
def run(seeded, settings, world, tmp_path, monkeypatch):
    ini = write_ini(tmp_path, "development", "[server:main]", "use = egg:releaseapp", "port = 7001")
    ground = ground_of(seeded, settings, world, ini=str(ini))
    for module in (commands, looking):
        monkeypatch.setattr(module, "open_releases", lambda _ini: ground)

    def invoke(command, *words, **options):
        return CliRunner().invoke(main, ["release", command, str(ini), *words], **options)

    invoke.ground = ground
    return invoke


def test_a_release_from_start_to_finish_and_its_log(run):
    begun = run("start", *START, "--as", "avery.owner@example.com", "--window-end", "2031-01-01 08:00")
    assert begun.exit_code == 0, begun.output
    assert "Took the snapshot 20261124T012001Z-3f9a2c41 (1,234,567 bytes)." in begun.output
    assert "promote it" in run("status").output
    assert run("promote", "--wait", "0").exit_code == 0
    assert run("note", "Quiet so far.").exit_code == 0
    assert run("finish", "--note", "All quiet.").exit_code == 0
    followed = run("status", "--follow")
    assert (followed.exit_code, "Finished: 0.2.0 is released." in followed.output) == (0, True)
    told = run("log").output
    assert "Avery Owner (avery.owner@example.com)" in told
    assert "> Quiet so far." in told
    assert "0.1.0 → 0.2.0" in run("list").output
    assert msgspec.json.decode(run("log", "--json").output)["release"]["status"] == "finished"


def test_a_check_that_says_no_is_exit_code_1_and_a_reason_goes_on(run, world):
    world.findings = [BAD]
    refused = run("start", *START)
    assert (refused.exit_code, "2 MB are left. Make room." in refused.output) == (1, True)
    assert "Start again when it is corrected" in run("status").output
    assert run("start", *START, "--despite", "It grows tonight.").exit_code == 0


def test_what_cannot_be_tried_is_exit_code_2(run):
    assert run("promote").exit_code == 2
    assert "No release is open" in run("finish").output
    assert "0.2.0" in run("start", *START).output
    other = run("start", "--version", "0.3.0", "--why", "Else.")
    assert (other.exit_code, "one is open at a time" in other.output) == (2, True)
    assert run("start", "--version", "no version", "--why", "x").exit_code == 2
    assert "no account" in run("promote", "--as", "nobody@example.com").output
    assert "no operator" in run("promote", "--as", "casey.editor@example.com").output


def test_a_busy_gate_asks_for_a_reason_where_somebody_is_there(run, world, monkeypatch):
    run("start", *START)
    world.verdict = Verdict("busy", ["40 closes."], {})
    refused = run("promote", "--wait", "0")
    assert (refused.exit_code, "40 closes." in refused.output) == (1, True)
    monkeypatch.setattr(commands, "_ask_reason", lambda error: "A load test runs." if "40 closes" in str(error) else "")
    assert run("promote", "--wait", "0").exit_code == 0
    assert "A load test runs." in run("log").output


def test_a_rollback_shows_what_is_lost_asks_and_prints_how_long_writes_waited(run, world):
    run("start", *START)
    kept = run("rollback", input="n\n")
    assert (kept.exit_code, world.put_back) == (1, [])
    assert "2 agents were added since." in kept.output
    done = run("rollback", "--yes", "--why", "Slow.")
    assert done.exit_code == 0, done.output
    assert "writes waited 0.25 s" in done.output
    assert "releaseapp snapshot undo" in done.output
    assert run("status", "--follow").exit_code == 1
    run("start", *START)
    world.loss = Loss(possible=False, sentences=["It is damaged."])
    assert (run("rollback", "--yes").exit_code, world.put_back.__len__()) == (1, 1)


def test_json_beside_text(run, world):
    assert msgspec.json.decode(run("status", "--json").output)["next"]["verb"] == "start"
    begun = msgspec.json.decode(run("start", *START, "--json").output)
    assert (begun["release"]["status"], "roles" in begun["release"]) == ("started", False)
    world.verdict = Verdict("stormy", ["90 closes."], {})
    assert "90 closes." in msgspec.json.decode(run("promote", "--json").output)["refused"]
    assert msgspec.json.decode(run("confirm-roles", "--json").output)["entry"]["kind"] == "roles_confirmed"
    assert run("abandon", "--why", "No.", "--json").exit_code == 0
    lines = run("status", "--follow", "--json")
    assert (lines.exit_code, msgspec.json.decode(lines.output.splitlines()[-1])["kind"]) == (1, "abandoned")
    assert msgspec.json.decode(run("list", "--json").output)["to_version"] == "0.2.0"


def test_status_follows_a_release_that_goes_on_elsewhere(run):
    perform(run.ground, start(run.ground, AVERY, PLAN))
    seen = threading.Event()

    def end():
        abandon(run.ground.db, AVERY, "It was a trial.")
        seen.set()

    threading.Timer(0.3, end).start()
    followed = run("status", "--follow")
    assert seen.wait(5)
    assert (followed.exit_code, "Abandoned: It was a trial." in followed.output) == (1, True)
    assert find_open(run.ground.db) is None


def test_promote_asks_the_server_of_the_ini_unless_another_address_is_given(run, world, monkeypatch):
    asked = []
    answering = msgspec.structs.replace(run.ground, ask_health=lambda url: asked.append(url) or world.health)
    monkeypatch.setattr(commands, "open_releases", lambda _ini: answering)
    run("start", *START)
    run("promote", "--despite", "trying", "--wait", "0")
    run("promote", "--url", "https://work.example.com")
    assert asked == ["http://127.0.0.1:7001"], "what is promoted is not asked again"
