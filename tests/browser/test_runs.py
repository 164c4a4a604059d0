"""Runs in a real browser: started by a form, watched while they go on, looked into, and followed line by line."""

import pytest
from barriers import barriers_on
from conftest import settings_for
from servers import Program

from releaseapp import clock
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.storage import open_database

pytestmark = pytest.mark.xdist_group("browser")

AVERY = "avery.owner@example.com"
HOME = "/workspaces/aurora"


@pytest.fixture
def avery(server):
    return Program(server, AVERY)


@pytest.fixture
def database(server):
    """The server's own database, opened a second time."""
    opened = open_database(settings_for(server.folder / "var", agent_db_path=str(server.folder / "var" / "agents.db")))
    yield opened
    opened.close()


def step(step_id, kind, config, **more):
    return {"id": step_id, "type": kind, "config": config, **more}


def publish(avery, *steps, **head):
    made = avery.send(f"{HOME}/workflows", {"definition": {"name": "Ship it", "steps": list(steps), **head}})
    avery.send(f"{HOME}/workflows/{made['id']}/versions/1/publish", {})
    return f"{HOME}/workflows/{made['id']}"


def start(avery, workflow, **body):
    return f"{HOME}/runs/{avery.send(f'{workflow}/run', body)['id']}"


def write(database, run, first, last):
    """Adds lines to a run's log, with the event that tells of them, as the step that wrote them would."""
    run_id = run.rpartition("/")[2]
    with database.transaction() as tx:
        tx.run(
            """
            INSERT INTO run_log_lines (run_id, seq, step_id, item, attempt, at, text)
            WITH RECURSIVE c (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM c WHERE n < :last)
            SELECT :id, n, 'ask', -1, 1, :at, 'line ' || n FROM c
            """,
            id=run_id,
            first=first,
            last=last,
            at=clock.now_text(),
        )
        tx.run("UPDATE runs SET log_lines = :last WHERE id = :id", id=run_id, last=last)
        data = {"step_id": "ask", "attempt": 1, "from": first, "to": last}
        append(tx, EventType.STEP_STREAM, run_id, workspace_id="workspace-aurora", actor=None, data=data)


ASK = step("ask", "approval", {"title": "Go on?"})


def test_a_run_is_started_by_hand_and_its_page_follows_it_to_the_end(visit, server, avery):
    schema = {"type": "object", "required": ["who"], "properties": {"who": {"type": "string", "title": "For whom"}}}
    workflow = publish(
        avery, step("wait", "delay", {"seconds": 1.5}), step("greet", "transform", {"value": "Hello {{ inputs.who }}"}),
        inputs=schema, output="{{ steps.greet.output }}",
    )  # fmt: skip
    page = visit(AVERY)
    page.goto(server.url + workflow)
    page.click("main >> text=Run >> nth=0")
    page.fill("text=For whom", "Ada")
    page.click("button >> text=Start")
    page.wait_for_url("**/runs/run_*")
    page.evaluate("window.sameDocument = true")
    page.wait_for_selector("#run-head .pill-succeeded")
    page.wait_for_selector("#run-output >> text=Hello Ada")
    page.wait_for_selector("#row-greet .state-succeeded")
    page.wait_for_selector("#node-greet.state-succeeded")
    assert page.evaluate("window.sameDocument") is True


def test_steps_open_in_place_and_the_way_back_closes_them(visit, server, avery):
    run = start(avery, publish(avery, step("a", "transform", {"value": {"n": 41}}), ASK))
    page = visit(AVERY)
    page.goto(server.url + run)
    page.evaluate("window.sameDocument = true")
    page.click("#row-a a")
    page.wait_for_selector("#step >> text=41")
    assert page.url.endswith("?step=a")
    page.click("#node-ask")
    page.wait_for_selector("#step >> text=a decision")
    page.go_back()
    page.wait_for_selector("#step-output >> text=41")
    page.click("[aria-label='Close the step']")
    page.wait_for_selector("#run-inputs")
    assert page.evaluate("window.sameDocument") is True


def test_without_scripts_everything_is_a_link_or_a_form(visit, server, avery):
    each = step("each", "transform", {"value": "{{ item }}"}, for_each="{{ range(30) | list }}")
    run = start(avery, publish(avery, each, ASK))
    page = visit(AVERY, java_script_enabled=False)
    page.goto(server.url + run)
    page.click("text=30 items")
    page.click("text=and 10 more")
    page.click("#row-each\\.25 a")
    assert "item 26" in page.inner_text("#step")
    page.click("text=Cancel")
    assert "cancelled" in page.inner_text("#run-head")
    page.click("text=Retry whole")
    assert "retry 1" in page.inner_text("#run-head")


def test_a_run_that_somebody_cancels_is_asked_about_first(visit, server, avery):
    run = start(avery, publish(avery, ASK))
    page = visit(AVERY)
    page.goto(server.url + run)
    # The button is in sight wherever one looks, on a phone, too.
    page.set_viewport_size({"width": 390, "height": 600})
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert page.evaluate("scrollY") > 200
    assert 0 <= page.locator("#run-head .danger").bounding_box()["y"] < 200
    page.click("#run-head >> text=Cancel")
    page.click("dialog button >> nth=0")
    assert "pill-cancelled" not in page.inner_html("#run-head")
    page.click("#run-head >> text=Cancel")
    page.click("dialog .danger")
    page.wait_for_selector("#run-head .pill-cancelled")


def test_the_log_follows_the_end_stays_where_one_looks_and_holds_a_bounded_number_of_lines(
    visit, server, avery, database
):
    run = start(avery, publish(avery, ASK))
    write(database, run, 1, 20_000)
    page = visit(AVERY)
    page.goto(server.url + run)
    page.wait_for_selector("run-log li[value='20000']")
    assert page.locator("run-log li").count() == 500
    write(database, run, 20_001, 20_003)
    page.wait_for_selector("run-log li[value='20003']")
    bottom = "(box) => box.scrollHeight - box.scrollTop - box.clientHeight"
    assert page.eval_on_selector("run-log .log", bottom) < 2
    # Up, page by page: older lines come, and what one looks at does not jump.
    for first in (19_003, 18_503, 18_003):
        page.eval_on_selector("run-log .log", "(box) => { box.scrollTop = 0; }")
        page.wait_for_selector(f"run-log li[value='{first + 1}']", state="attached")
    write(database, run, 20_004, 20_100)
    page.eval_on_selector("run-log .log", "(box) => { box.scrollTop = 0; }")
    page.wait_for_selector("run-log li[value='17504']", state="attached")
    values = page.eval_on_selector_all("run-log li", "(lines) => lines.map((line) => line.value)")
    assert len(values) <= 2000
    assert values == list(range(values[0], values[0] + len(values)))
    assert page.is_checked("run-log input") is False
    page.check("run-log input")
    page.wait_for_selector("run-log li[value='20100']")
    assert page.eval_on_selector("run-log .log", bottom) < 2


def test_a_failed_run_comes_into_the_list_that_one_looks_at_and_is_retried_from_there(visit, server, avery):
    workflow = publish(avery, step("a", "fail", {"message": "Out of paper."}))
    page = visit(AVERY)
    page.goto(f"{server.url}{HOME}/runs?span=day")
    start(avery, workflow)
    page.wait_for_selector("tbody .pill-failed")
    page.click("text=Retry it")
    assert "One failed run is retried" in page.inner_text("dialog")
    page.click("dialog .danger")
    page.wait_for_selector("text=1 run is retried.")
    page.wait_for_selector("tbody >> text=retry 1")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_and_nothing_overflows(visit, server, avery, database, scheme, width):
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}, "yes": {"type": "boolean"},
              "kind": {"enum": ["a", "b"]}, "day": {"type": "string", "format": "date"}, "more": {"type": "object"}}}  # fmt: skip
    each = step("each", "transform", {"value": "{{ item }}"}, for_each="{{ range(30) | list }}", name="L" * 60)
    workflow = publish(avery, each, ASK, step("later", "transform", {"value": 1}), inputs=schema)
    waiting = start(avery, workflow, inputs={"n": 1, "text": "x" * 300, "list": [[1], {"a": {"b": 2}}]})
    failed = start(avery, publish(avery, step("a", "fail", {"message": "No" * 200})))
    page = visit(AVERY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    empty = "/workspaces/lumen/runs"
    page.goto(server.url + failed)
    page.wait_for_selector("#run-head .pill-failed")
    page.goto(server.url + waiting)
    page.wait_for_selector("#run-head .pill-waiting")
    write(database, waiting, 1, 50)
    found = []
    for path in (f"{HOME}/runs", f"{HOME}/runs?status=failed&span=hour", f"{HOME}/runs?q=nothing&since=2030-01-01", empty,
                 waiting, f"{waiting}?items=each&step=each.3", f"{waiting}?step=ask", f"{waiting}?step=later", failed, f"{failed}?step=a",
                 f"{workflow}/run", f"{workflow}/run?version=1", HOME, workflow, f"{HOME}/workflows"):  # fmt: skip
        page.goto(server.url + path)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{path}: wider than the window")
        found += barriers_on(page, path)
    assert found == []
