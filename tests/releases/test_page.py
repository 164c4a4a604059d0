"""The Release page: what is the state, what comes next, one button for it; and the same over JSON."""

import pytest
from releases.world import BAD, World, ground_of

from releaseapp import __version__
from releaseapp.agents.tasks.service import announce_worker
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.permissions import Permission, Role
from releaseapp.releases.models import HookAnswer, Loss, Verdict
from releaseapp.releases.service import find_open
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.restoring.work import drilling
from releaseapp.snapshots.service import make_snapshot
from releaseapp.workspaces.service import identify, set_permission

AVERY = "avery.owner@example.com"
PLAN = {"version": "0.2.0", "why": "Two fixes."}


@pytest.fixture
def world():
    return World()


@pytest.fixture
def registry(app, world, settings):
    registry = app.app.registry
    registry.release_ground = ground_of(registry.db, settings, world)
    return registry


@pytest.fixture
def finish_work(registry):
    """Waits until no operation is at work any more."""
    import threading

    def wait():
        idle = threading.Event()
        with registry.db.watch(lambda: None if operations.list_at_work(registry.db) else idle.set()):
            if not operations.list_at_work(registry.db):
                return
            assert idle.wait(10)

    return wait


@pytest.fixture
def avery(app, registry):
    return app.as_browser(AVERY)


def act(page, form, wait, **fields):
    """Sends a form of the page, and gives the page as it is once the work is done."""
    filled = page.forms[form]
    for name, value in fields.items():
        filled[name] = value
    answer = filled.submit(status=303)
    wait()
    return answer.follow()


def test_a_release_is_done_with_one_button_after_another(avery, registry, finish_work):
    page = avery.get("/release")
    assert "No release is under way" in page
    page = act(page, "start", finish_work, **PLAN)
    assert "0.1.0 → 0.2.0" in page
    page = act(page, "confirm", finish_work)
    assert "Confirmed by Avery Owner (avery.owner@example.com)" in page
    page = act(page, "promote", finish_work)
    page = act(page, "finish", finish_work, note="All quiet.")
    assert "No release is under way" in page
    assert "All quiet." in page
    told = avery.get(page.html.find("a", string="0.1.0 → 0.2.0")["href"])
    assert "Finished: 0.2.0 is released." in told
    markdown = avery.get(f"{told.request.path}?format=md")
    assert markdown.content_type == "text/markdown"
    assert markdown.text.startswith("# ")
    assert "> All quiet." in markdown.text


def test_a_refusal_stands_on_the_page_with_a_field_for_the_reason(avery, world, finish_work):
    world.findings = [BAD]
    page = act(avery.get("/release"), "start", finish_work, **PLAN)
    assert "2 MB are left. Make room." in page
    page = act(page, "note", finish_work, text="I am looking for room.")
    page = act(page, "start", finish_work, despite="It grows <tonight>.")
    assert "It grows &lt;tonight&gt;." in page
    world.verdict = Verdict("stormy", ["90 closes."], {})
    page = act(page, "promote", finish_work)
    assert "Not promoted. Connections are stormy. 90 closes." in page
    assert "Promote" in act(page, "promote", finish_work, despite="A load test.")


def test_a_plan_that_cannot_be_keeps_what_was_typed(avery, registry):
    form = avery.get("/release").forms["start"]
    form["version"], form["why"] = "no version", "Because."
    page = form.submit(status=400)
    assert "Give a version such as 1.4.0" in page
    assert page.forms["start"]["why"].value.strip() == "Because."
    assert find_open(registry.db) is None


def test_what_a_rollback_loses_is_shown_before_its_button(avery, world, finish_work):
    act(avery.get("/release"), "start", finish_work, **PLAN)
    page = avery.get("/release/rollback")
    assert "2 agents were added since." in page
    page = act(page, "rollback", finish_work, why="Slow.")
    assert "writes waited 0.25 s" in page
    assert "rolled back" in page
    world.loss = Loss(possible=False, sentences=["It is damaged."])
    act(avery.get("/release"), "start", finish_work, **PLAN)
    assert "rollback" not in avery.get("/release/rollback").forms


def test_a_role_matrix_that_differs_is_the_next_thing_to_do(avery, world, finish_work):
    page = act(avery.get("/release"), "start", finish_work, **PLAN)
    world.matrix = {"viewer": ["agents.edit"]}
    page = avery.get("/release")
    assert "promote" not in page.forms
    assert "Viewers may now POST to /agents." in page
    shown = page.forms["confirm-next"]
    world.matrix = {"viewer": ["agents.delete"]}
    page = shown.submit(status=303).follow()
    assert "changed since it was shown to you" in page
    assert "promote" in act(page, "confirm-next", finish_work).forms


def test_the_page_says_what_is_at_work_and_offers_no_button_meanwhile(avery, registry, world):
    import threading

    go, begun = threading.Event(), threading.Event()

    def hold():
        begun.set()
        go.wait(10)

    world.meanwhile = hold
    form = avery.get("/release").forms["start"]
    form["version"], form["why"] = "0.2.0", "Two fixes."
    page = form.submit(status=303).follow()
    assert begun.wait(10)
    page = avery.get("/release")
    assert "At work:" in page
    assert {"start", "promote", "abandon"}.isdisjoint(page.forms)
    fragment = avery.get("/release/operations?fragment=operations&kind=release")
    assert "<progress" in fragment
    assert "<html" not in fragment
    go.set()
    while operations.list_at_work(registry.db):
        threading.Event().wait(0.01)


def test_the_page_tells_what_a_rollback_could_go_back_to(avery, registry):
    page = avery.get("/release")
    assert "There is none yet." in page
    assert "No drill has put one back aside yet." in page
    kept = make_snapshot(registry.snapshots, Reason.ASKED, None)
    page = avery.get("/release?fragment=looks")
    assert f"/release/snapshots/{kept.manifest.name}" in page
    assert "Nobody has looked yet whether it is whole." in page
    operations.perform(registry.db, Kind.DRILL, None, lambda report: drilling(registry.snapshots, report))
    page = avery.get("/release?fragment=looks")
    assert "Found whole" in page
    assert "Last drill:" in page


def test_a_release_over_json(app, registry, world, finish_work):
    avery = app.as_program(AVERY)
    state = avery.get("/release").json
    assert (state["release"], state["next"]["verb"]) == (None, "start")
    begun = avery.post_json("/release/start", {**PLAN, "window_end": "2031-01-01 08:00"}, status=202).json
    finish_work()
    assert begun["release"]["window_ends_at"] == "2031-01-01T08:00:00.000Z"
    state = avery.get("/release").json
    assert (state["release"]["status"], state["next"]["verb"], state["roles"]["changes"]) == ("started", "promote", [])
    refused = avery.post_json("/release/start", {**PLAN, "version": "9"}, status=409).json
    assert "is open" in refused["detail"]
    faults = avery.post_json("/release/start", {**PLAN, "window_start": "soon"}, status=400).json
    assert faults["errors"][0]["pointer"] == "/window_start"
    avery.post_json("/release/confirm", {"seen": "another"}, status=412)
    avery.post_json("/release/note", {"text": "Hello."})
    avery.post_json("/release/promote", {}, status=202)
    finish_work()
    avery.post_json("/release/hook", {}, status=409)
    assert avery.get("/release/rollback").json["possible"] is True
    avery.post_json("/release/abandon", {"why": "No."})
    listed = avery.get("/release/releases?limit=1").json["items"][0]
    assert (listed["status"], "roles" in listed) == ("abandoned", False)
    whole = avery.get(f"/release/releases/{listed['id']}").json
    assert whole["roles"] == world.matrix
    assert whole["entries"][-1]["sentence"] == "Abandoned: No."
    assert avery.get("/release/operations").json["items"][0]["kind"] == "release"
    avery.get("/release/releases/rel_none", status=404)


def test_the_hook_may_be_called_again_from_the_page(avery, registry, world, finish_work, settings):
    from dataclasses import replace

    calling = replace(settings, release_hook_url="https://cdn.example.com/x")
    registry.release_ground = ground_of(registry.db, calling, world)
    registry.app_settings = calling
    page = act(avery.get("/release"), "start", finish_work, **PLAN)
    page = act(page, "promote", finish_work)
    world.answers = [HookAnswer(500, "The hook answered 500.", 0.1), HookAnswer(204, "The hook answered 204.", 0.1)]
    page = act(page, "finish", finish_work)
    assert "The hook answered 500." in page
    page = avery.post("/release/hook", {"csrf_token": page.forms["finish"]["csrf_token"].value}, status=303)
    finish_work()
    assert "The hook answered 204." in page.follow()


def test_the_page_asks_its_own_process_whether_it_is_well(app, seeded):
    health = app.app.registry.release_ground.ask_health("")
    assert (health.reached, health.version) == (True, __version__)
    assert health.faults == ["worker: no worker is alive, so no task is being done."], "none was started here"
    announce_worker(seeded, "wrk_1", "here", 1)
    assert app.app.registry.release_ground.ask_health("").ready


def test_what_the_server_lets_people_do_is_frozen_and_a_difference_told(app, seeded, settings):
    ground = app.app.registry.release_ground
    before = ground.matrix()
    assert ground.difference(before, ground.matrix()) == []
    avery = identify(seeded, settings, app.as_program(AVERY).authorization[1])
    set_permission(seeded, "workspace-aurora", Role.VIEWER, Permission.AGENTS_EDIT, granted=True, actor=avery)
    told = ground.difference(before, ground.matrix())
    assert len(told) == 1
    assert "viewer" in told[0].lower()


def test_the_gate_of_a_server_that_nobody_sampled_is_not_calm(app):
    verdict = app.app.registry.release_ground.connections("2026-01-01T00:00:00.000Z", "2026-01-01T01:00:00.000Z")
    assert verdict.verdict == "busy"
    assert "Too early to say" in verdict.reasons[0]
