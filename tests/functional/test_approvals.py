"""Approvals as stories: asked, found by those who may decide, decided once, refused with reasons, expired, withdrawn."""

import threading

import pytest
from running import HOME, Clock, Lab, transform

from releaseapp import clock
from releaseapp.errors import AppError, Conflict, NotAllowed
from releaseapp.events.queries import list_events_after
from releaseapp.permissions import DEFAULT_MATRIX, Permission, Role
from releaseapp.runs import service as runs
from releaseapp.runs.approvals import service
from releaseapp.runs.approvals.models import Decision, Filter
from releaseapp.runs.approvals.schemas import Say
from releaseapp.runs.machine.kit import Runs
from releaseapp.runs.models import WHOLE
from releaseapp.steps.api import Ask, StepFailed
from releaseapp.web.paging import FIRST
from releaseapp.workspaces.models import Identity, Membership
from releaseapp.workspaces.service import identify, set_permission

HERE = "/workspaces/aurora/approvals"
AVERY, CASEY, BAILEY = "avery.owner@example.com", "casey.editor@example.com", "bailey.admin@example.com"
FORM = {
    "type": "object",
    "required": ["size", "who"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 10},
        "who": {"type": "string", "enum": ["ada", "bo"]},
        "when": {"type": "string", "format": "date"},
        "note": {"type": "string", "default": "none"},
    },
}


@pytest.fixture
def avery(app):
    return app.as_program(AVERY)


@pytest.fixture
def casey(app):
    return app.as_program(CASEY)


@pytest.fixture
def bailey(app, avery):
    avery.post_json("/workspaces/aurora/members", {"email": BAILEY, "role": "admin"}, status=201)
    return app.as_program(BAILEY)


@pytest.fixture
def run(avery, seeded):
    """A run that Avery started, and no worker has taken up."""
    return started(avery, seeded)


def started(program, db):
    definition = {"name": "Ship it", "steps": [{"id": "ask", "type": "approval", "config": {"title": "Go on?"}}]}
    workflow = program.post_json("/workspaces/aurora/workflows", {"definition": definition}).json
    there = f"/workspaces/aurora/workflows/{workflow['id']}"
    program.post_json(f"{there}/versions/1/publish", {})
    made = program.post_json(f"{there}/run", {}, status=201).json
    return runs.find_run(db, made["workspace_id"], made["id"])


def ask(db, run, title="Release 2.0?", **about):
    with db.transaction() as tx:
        return service.open_approval(tx, run, "ask", WHOLE, Ask(title=title, **about))


def path_of(approval):
    return f"{HERE}/{approval.id}"


def told(db, approval):
    found, last = [], 0
    while page := list_events_after(db, last, 1000):
        found += [event for event in page if event.subject == approval.id]
        last = page[-1].id
    return found


def faults_of(answer):
    return {fault["pointer"]: fault["detail"] for fault in answer.json["errors"]}


# ── deciding ─────────────────────────────────────────────────────────────────


def test_what_is_asked_is_decided_once_and_the_step_gets_the_answer(app, seeded, run, casey):
    approval = ask(seeded, run, description="Two fixes.", form=FORM)
    assert service.outcome_of(seeded, approval.id) is None
    shown = casey.get(path_of(approval)).json
    assert (shown["status"], shown["title"], shown["description"]) == ("pending", "Release 2.0?", "Two fixes.")
    assert (shown["form"], shown["mine"], shown["item"]) == (FORM, True, None)
    assert shown["requested_by"]["email"] == AVERY
    assert "deciders" in shown
    said = {"comment": " Fine. ", "values": {"size": 3, "who": "bo"}}
    decided = casey.post_json(f"{path_of(approval)}/approve", said).json
    assert (decided["status"], decided["decided_by"]["email"], decided["comment"]) == ("approved", CASEY, "Fine.")
    outcome = service.outcome_of(seeded, approval.id)
    values = {"size": 3, "who": "bo", "note": "none"}
    assert outcome.output == {"decision": "approved", "by": CASEY, "comment": "Fine.", "values": values}
    assert outcome.error is None
    assert [event.type for event in told(seeded, approval)] == ["approval.requested", "approval.decided"]
    data = told(seeded, approval)[-1].data
    assert (data["run_id"], data["title"], data["decision"]) == (run.id, "Release 2.0?", "approved")
    assert "Fine." not in str(data)


def test_the_second_to_decide_hears_who_did_and_what(seeded, run, avery, casey):
    approval = ask(seeded, run)
    casey.post_json(f"{path_of(approval)}/refuse", {"comment": "Not on a Friday."})
    late = avery.post_json(f"{path_of(approval)}/approve", {}, status=409).json
    assert late["detail"] == "Casey Editor refused this already."
    assert (late["decision"], late["decided_by"], bool(late["decided_at"])) == ("refused", CASEY, True)
    again = casey.post_json(f"{path_of(approval)}/refuse", {}, status=409).json
    assert again["detail"] == "You refused this already."
    assert casey.get(path_of(approval)).json["comment"] == "Not on a Friday."
    assert len(told(seeded, approval)) == 2


def test_a_decision_brings_the_run_back_into_the_queue_and_wakes_a_worker(app, seeded, run, casey):
    woken = []
    app.app.registry.wake_run = woken.append
    with seeded.transaction() as tx:
        tx.run("UPDATE runs SET turn = NULL, status = 'waiting' WHERE id = :id", id=run.id)
    approval = ask(seeded, run)
    casey.post_json(f"{path_of(approval)}/approve", {})
    assert woken == [run.id]
    assert seeded.first("SELECT turn FROM runs WHERE id = :id", id=run.id)["turn"] is not None


def test_a_refusal_need_not_answer_the_form_but_what_it_answers_must_fit(seeded, run, casey):
    approval = ask(seeded, run, form=FORM)
    refused = casey.post_json(f"{path_of(approval)}/refuse", {"values": {"size": 11}}, status=400)
    assert set(faults_of(refused)) == {"/values/size", "/values/who"}
    casey.post_json(f"{path_of(approval)}/refuse", {"comment": "No."})
    assert service.outcome_of(seeded, approval.id).output["values"] == {}


def test_every_fault_of_the_answers_is_named_by_its_pointer(seeded, run, casey):
    approval = ask(seeded, run, form=FORM)
    values = {"size": 0, "who": "eve", "when": "soon", "note": 3, "more/less": 1}
    refused = casey.post_json(f"{path_of(approval)}/approve", {"values": values}, status=400)
    assert faults_of(refused) == {
        "/values/size": "size must be at least 1.",
        "/values/who": "who must be one of ada, bo.",
        "/values/when": "when must be a date such as 2030-01-31.",
        "/values/note": "note must be a text.",
        "/values/more~1less": "There is no field 'more/less' here.",
    }
    missing = casey.post_json(f"{path_of(approval)}/approve", {}, status=400)
    assert faults_of(missing) == {"/values/size": "size is required.", "/values/who": "who is required."}
    assert casey.get(path_of(approval)).json["status"] == "pending"


@pytest.mark.parametrize(
    ("form", "taken"),
    [
        ({}, False),
        ({"type": "object"}, False),
        ({"type": "object", "additionalProperties": True}, True),
        ({"type": "object", "additionalProperties": {"type": "string"}}, False),
        ({"type": "object", "allOf": [{"properties": {"extra": {"type": "integer"}}}]}, True),
        ({"type": "object", "patternProperties": {"^e": {}}}, True),
    ],
)
def test_names_that_the_form_does_not_know_are_refused_unless_it_allows_them(seeded, run, casey, form, taken):
    approval = ask(seeded, run, form=form)
    casey.post_json(f"{path_of(approval)}/approve", {"values": {"extra": 1}}, status=200 if taken else 400)


def test_large_answers_long_comments_and_other_bodies_are_refused(seeded, run, casey):
    approval = ask(seeded, run, form={"type": "object", "additionalProperties": True})
    path = f"{path_of(approval)}/approve"
    assert "bytes" in casey.post_json(path, {"values": {"a": "x" * 70_000}}, status=400).json["detail"]
    assert set(faults_of(casey.post_json(path, {"comment": "x" * 4001, "more": 1}, status=400))) == {
        "/comment",
        "/more",
    }
    for body in ([], {"values": []}, {"comment": None}, {"values": None}):
        casey.post_json(path, body, status=400)
    deep = b'{"values": {"a": ' + b"[" * 800 + b"]" * 800 + b"}}"
    casey.post(path, deep, content_type="application/json", status=[200, 400])


# ── who may decide ───────────────────────────────────────────────────────────


def test_only_those_named_may_decide_by_email_or_by_a_role_and_those_above(seeded, run, avery, casey, bailey):
    by_email = ask(seeded, run, deciders=["Casey.Editor@Example.com "])
    assert avery.get(path_of(by_email)).json["mine"] is False
    refused = avery.post_json(f"{path_of(by_email)}/approve", {}, status=403)
    assert refused.json["detail"] == f"Only {CASEY} may decide this."
    casey.post_json(f"{path_of(by_email)}/approve", {})
    by_role = ask(seeded, run, deciders=["Admin"])
    refused = casey.post_json(f"{path_of(by_role)}/approve", {}, status=403)
    assert refused.json["detail"] == "Only admins and above may decide this."
    avery.post_json(f"{path_of(by_role)}/approve", {})
    both = ask(seeded, run, deciders=["owner", BAILEY])
    casey.post_json(f"{path_of(both)}/refuse", {}, status=403)
    bailey.post_json(f"{path_of(both)}/approve", {})


def test_who_started_the_run_may_be_left_out(seeded, run, avery, casey):
    approval = ask(seeded, run, not_the_requester=True)
    refused = avery.post_json(f"{path_of(approval)}/approve", {}, status=403)
    assert refused.json["detail"] == "You started this run, and somebody else must decide."
    assert mine(avery) == []
    assert mine(casey) == [approval.id]
    casey.post_json(f"{path_of(approval)}/approve", {})


def test_a_viewer_sees_no_approval_and_a_stranger_not_even_the_workspace(app, seeded, run, avery):
    approval = ask(seeded, run)
    avery.post_json("/workspaces/aurora/members", {"email": "devon.viewer@example.com", "role": "viewer"}, status=201)
    viewer = app.as_program("devon.viewer@example.com")
    stranger = app.as_program("emery.owner@example.com")
    for path in (HERE, path_of(approval)):
        viewer.get(path, status=403)
        stranger.get(path, status=404)
        app.get(path, status=401)
    viewer.post_json(f"{path_of(approval)}/approve", {}, status=403)
    stranger.post_json(f"{path_of(approval)}/approve", {}, status=404)
    elsewhere = f"/workspaces/lumen/approvals/{approval.id}"
    stranger.get(elsewhere, status=404)


def test_a_program_decides_no_more_than_its_role_allows(app, seeded, run, avery):
    approval = ask(seeded, run, deciders=["owner"])
    tokens = {}
    for role in ("viewer", "editor", "owner"):
        body = {"name": role, "workspace": "aurora", "role": role}
        tokens[role] = app.with_token(avery.post_json("/auth/tokens", body, status=201).json["token"])
    tokens["viewer"].post_json(f"{path_of(approval)}/approve", {}, status=403)
    tokens["editor"].post_json(f"{path_of(approval)}/approve", {}, status=403)
    tokens["owner"].post_json(f"{path_of(approval)}/approve", {})


def test_a_role_that_lost_the_permission_decides_nothing_any_more(seeded, run, settings, avery, casey):
    approval = ask(seeded, run)
    assert mine(casey) == [approval.id]
    owner = identify(seeded, settings, avery.authorization[1])
    set_permission(seeded, run.workspace_id, Role.EDITOR, Permission.APPROVALS_DECIDE, granted=False, actor=owner)
    assert mine(casey) == []
    assert casey.get(path_of(approval)).json["mine"] is False
    casey.post_json(f"{path_of(approval)}/approve", {}, status=403)


# ── what cannot be asked ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ({"deciders": ["nobody@example.com"]}, "is no member"),
        ({"deciders": ["emery.owner@example.com"]}, "is no member"),
        ({"deciders": ["boss"]}, "neither a role nor an e-mail"),
        ({"deciders": [AVERY], "not_the_requester": True}, "Nobody could decide"),
        ({"deciders": [f"a{n}@example.com" for n in range(101)]}, "101"),
        ({"form": {"type": "array"}}, "type object"),
        ({"form": {"type": "object", "properties": {"a": {"type": "nothing"}}}}, "/properties/a/type"),
        ({"form": {"type": "object", "properties": {f"p{n}": {} for n in range(101)}}}, "101 properties"),
        ({"form": {"type": "object", "properties": {"a": {"$ref": "https://example.com/a"}}}}, "its own parts"),
        ({"form": {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}}, "its own parts"),
        ({"form": {"type": "object", "$ref": "#"}}, "refers to itself"),
        ({"form": {"type": "object", "properties": {"a": {"enum": [{"b": {}} for _ in range(401)]}}}}, "parts"),
        ({"deadline_seconds": 1e12}, "ten years"),
        ({"title": "x" * 501}, "501"),
    ],
)
def test_what_cannot_be_asked_fails_the_step_with_a_sentence(seeded, run, about, sentence):
    with pytest.raises(StepFailed) as failed:
        ask(seeded, run, **about)
    assert sentence in str(failed.value)
    assert not failed.value.retryable


def test_named_people_who_may_not_decide_are_not_waited_for(seeded, run, avery):
    avery.post_json("/workspaces/aurora/members", {"email": "devon.viewer@example.com", "role": "viewer"}, status=201)
    with pytest.raises(StepFailed, match="Nobody could decide"):
        ask(seeded, run, deciders=["devon.viewer@example.com"])
    ask(seeded, run, deciders=["devon.viewer@example.com", CASEY])


# ── lists ────────────────────────────────────────────────────────────────────


def mine(program):
    return [item["id"] for item in program.get(f"{HERE}?mine=1").json["items"]]


def test_lists_are_filtered_and_paged(seeded, run, avery, casey):
    made = [ask(seeded, run, title=f"Number {number}", form=FORM) for number in range(5)]
    casey.post_json(f"{path_of(made[0])}/refuse", {})
    casey.post_json(f"{path_of(made[1])}/approve", {"values": {"size": 1, "who": "bo"}})
    found, cursor = [], ""
    while cursor is not None:
        page = casey.get(f"{HERE}?limit=2{cursor and '&cursor=' + cursor}").json
        found += page["items"]
        cursor = page["next"]
    assert [item["title"] for item in found] == [f"Number {number}" for number in (4, 3, 2, 1, 0)]
    assert "form" not in found[0]
    assert "values" not in found[0]
    by_status = {
        status: [item["title"][-1] for item in casey.get(f"{HERE}?status={status}").json["items"]]
        for status in ("pending", "approved", "refused", "expired")
    }
    assert by_status == {"pending": ["4", "3", "2"], "approved": ["1"], "refused": ["0"], "expired": []}
    first = casey.get(f"{HERE}?mine=1&limit=2").json
    rest = casey.get(f"{HERE}?mine=1&limit=2&cursor={first['next']}").json
    assert [item["title"][-1] for item in first["items"] + rest["items"]] == ["4", "3", "2"]
    assert len(casey.get(f"{HERE}?run={run.id}").json["items"]) == 5
    assert casey.get(f"{HERE}?run=run_none").json["items"] == []
    casey.get(f"{HERE}?status=maybe", status=400)
    casey.get(f"{HERE}?cursor=%21", status=400)


def test_whoever_is_named_twice_waits_once(seeded, run, settings, casey, avery):
    approval = ask(seeded, run, deciders=[CASEY, "editor", "admin", CASEY.upper()])
    assert mine(casey) == mine(avery) == [approval.id]
    identity = identify(seeded, settings, casey.authorization[1])
    assert service.count_waiting_for(seeded, run.workspace_id, identity) == 1


# ── deadlines, withdrawal, two at once ───────────────────────────────────────


def later(monkeypatch, seconds):
    moment = clock.parse(clock.later_text(seconds))
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_after_the_deadline_nobody_decides_and_the_run_goes_on(app, seeded, run, casey, monkeypatch):
    woken = []
    app.app.registry.wake_run = woken.append
    approval = ask(seeded, run, deadline_seconds=60)
    other = ask(seeded, run)
    later(monkeypatch, 61)
    late = casey.post_json(f"{path_of(approval)}/approve", {}, status=409).json
    assert late["detail"] == "The deadline has passed, and this approval has expired."
    assert (late["decision"], woken) == ("expired", [run.id])
    assert service.outcome_of(seeded, approval.id).output["decision"] == "expired"
    assert [event.type for event in told(seeded, approval)] == ["approval.requested", "approval.expired"]
    assert service.expire_due(seeded, clock.now_text(), 100) == []
    assert mine(casey) == [other.id]


def test_the_sweep_ends_what_is_due_and_names_the_runs_once(seeded, run, casey, monkeypatch):
    due = [ask(seeded, run, deadline_seconds=60) for _ in range(3)]
    kept = ask(seeded, run, deadline_seconds=3600)
    assert service.expire_due(seeded, clock.now_text(), 100) == []
    later(monkeypatch, 61)
    assert service.expire_due(seeded, clock.now_text(), 2) == [run.id]
    assert service.expire_due(seeded, clock.now_text(), 2) == [run.id]
    assert {service.outcome_of(seeded, one.id).output["decision"] for one in due} == {"expired"}
    assert service.outcome_of(seeded, kept.id) is None
    assert mine(casey) == [kept.id]


def test_what_nobody_waits_for_any_more_is_withdrawn(seeded, run, casey):
    one, two, three = (ask(seeded, run) for _ in range(3))
    casey.post_json(f"{path_of(one)}/approve", {})
    with seeded.transaction() as tx:
        service.withdraw_approvals(tx, run.id, two.id)
    assert mine(casey) == [three.id]
    with seeded.transaction() as tx:
        service.withdraw_approvals(tx, run.id)
    outcomes = [service.outcome_of(seeded, approval.id).output["decision"] for approval in (one, two, three)]
    assert outcomes == ["approved", "withdrawn", "withdrawn"]
    late = casey.post_json(f"{path_of(two)}/approve", {}, status=409).json
    assert late["decision"] == "withdrawn"
    assert mine(casey) == []


def test_two_at_the_same_moment_get_one_decision_and_one_clear_answer(app, seeded, run, settings, avery, casey):
    kit = Runs(seeded, None, settings, lambda _run_id: None)
    people = [identify(seeded, settings, program.authorization[1]) for program in (avery, casey)]
    for _ in range(10):
        approval = ask(seeded, run)
        together, answers = threading.Barrier(2), []

        def try_it(identity, decision, approval=approval, together=together, answers=answers):
            together.wait()
            try:
                answers.append(service.decide(kit, approval, decision, Say(), identity).status.value)
            except AppError as error:
                answers.append(error)
            finally:
                seeded.close_thread()

        threads = [
            threading.Thread(target=try_it, args=(identity, decision))
            for identity, decision in zip(people, Decision, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        won = [answer for answer in answers if isinstance(answer, str)]
        lost = [answer for answer in answers if isinstance(answer, Conflict)]
        assert (len(won), len(lost)) == (1, 1)
        assert lost[0].members["decision"] == won[0] == service.outcome_of(seeded, approval.id).output["decision"]
        assert len(told(seeded, approval)) == 2


# ── pages ────────────────────────────────────────────────────────────────────

ALL_KINDS = {
    "type": "object",
    "required": ["name", "count", "colour", "day"],
    "properties": {
        "name": {"type": "string", "title": "Your name", "maxLength": 40},
        "count": {"type": "integer", "minimum": 1, "maximum": 9, "title": "How many"},
        "share": {"type": "number", "default": 0.5},
        "sure": {"type": "boolean", "title": "Are you sure?"},
        "colour": {"type": "string", "enum": ["red", "blue"], "title": "Colour"},
        "size": {"oneOf": [{"const": 1, "title": "Small"}, {"const": 2, "title": "Large"}], "default": 2},
        "day": {"type": "string", "format": "date"},
        "moment": {"type": "string", "format": "date-time"},
        "story": {"type": "string", "maxLength": 5000, "default": "once"},
        "tags": {"type": "array", "items": {"type": "string"}},
        'odd "name"/<b>': {"type": "string", "description": "Is <b>kept</b> as text."},
    },
}


@pytest.fixture
def browser(app, casey):
    return app.as_browser(CASEY)


def test_the_form_of_a_page_is_made_from_the_schema_and_read_back_as_json(seeded, run, browser):
    approval = ask(seeded, run, form=ALL_KINDS, description="First line\n<script>alert(1)</script>")
    page = browser.get(path_of(approval))
    page.mustcontain(
        "First line\n&lt;script&gt;", "Your name", "Is &lt;b&gt;kept&lt;/b&gt; as text.", no="<script>alert"
    )
    form = page.forms["decide"]
    kinds = {
        name: field[0].attrs.get("type", field[0].tag)
        for name, field in form.fields.items()
        if (name or "").startswith("field")
    }
    assert list(kinds.values()) == [
        "text", "number", "number", "checkbox", "select", "select", "date", "datetime-local", "textarea", "textarea",
        "text",
    ]  # fmt: skip
    assert form["field-1"].attrs["max"] == "9"
    assert "required" in form["field-0"].attrs
    assert "required" not in form["field-9"].attrs
    assert (form["field-2"].value, form["field-5"].value, form["field-8"].value.strip()) == ("0.5", "1", "once")
    form["field-0"] = "Ada"
    form["field-1"] = "3"
    form["field-3"] = True
    form["field-4"].select(text="blue")
    form["field-6"] = "2030-01-31"
    form["field-7"] = "2030-01-31T08:00"
    form["field-8"] = "one\r\ntwo"
    form["field-9"] = '["a", "b"]'
    form["comment"] = "Go\r\nahead."
    done = form.submit(status=303).follow()
    done.mustcontain("You approved it.", "Casey Editor approved this", "Go\nahead.", "Large")
    assert "decide" not in done.forms
    assert service.outcome_of(seeded, approval.id).output["values"] == {
        "name": "Ada", "count": 3, "share": 0.5, "sure": True, "colour": "blue", "size": 2, "day": "2030-01-31",
        "moment": "2030-01-31T08:00:00Z", "story": "one\ntwo", "tags": ["a", "b"],
    }  # fmt: skip


def test_what_does_not_fit_stands_at_its_field_and_nothing_typed_is_lost(seeded, run, browser):
    approval = ask(seeded, run, form=ALL_KINDS)
    form = browser.get(path_of(approval)).forms["decide"]
    form["field-0"] = "x" * 41
    form["field-1"] = "10"
    form["field-2"] = ""
    form["field-9"] = "[a"
    form["comment"] = "Kept?"
    page = form.submit(status=400)
    page.mustcontain("share must not be left empty.", "tags must be JSON")
    form = page.forms["decide"]
    form["field-2"] = "1"
    form["field-9"] = "[1]"
    page = form.submit(status=400)
    page.mustcontain(
        "Your name must be at most 40 characters long.", "How many must be at most 9.", "Colour is required.",
        "day is required.", "tags.0 must be a text.",
    )  # fmt: skip
    form = page.forms["decide"]
    assert (form["field-1"].value, form["comment"].value.strip(), form["field-9"].value.strip()) == (
        "10",
        "Kept?",
        "[1]",
    )
    assert form["field-3"].checked is False
    assert form["field-1"].attrs["aria-invalid"] == "true"
    form["comment"] = "x" * 4001
    form.submit(status=400).mustcontain("comment must be at most 4000 characters long.")


def test_refusing_on_the_page_asks_for_nothing_more(seeded, run, browser):
    approval = ask(seeded, run, form=ALL_KINDS)
    page = browser.get(path_of(approval))
    token = page.forms["decide"]["csrf_token"].value
    fields = {"csrf_token": token, "comment": "Not yet.", "field-0": "Ada"}
    page = browser.post(f"{path_of(approval)}/refuse", fields, status=303).follow()
    page.mustcontain("Casey Editor refused this", "Not yet.")
    assert service.outcome_of(seeded, approval.id).output == {
        "decision": "refused", "by": CASEY, "comment": "Not yet.", "values": {},
    }  # fmt: skip


def test_who_comes_too_late_sees_the_decision_and_what_they_wrote(seeded, run, avery, browser):
    approval = ask(seeded, run)
    form = browser.get(path_of(approval)).forms["decide"]
    form["comment"] = "My long thoughts."
    avery.post_json(f"{path_of(approval)}/refuse", {})
    page = form.submit(status=409)
    page.mustcontain("Avery Owner refused this already.", "Avery Owner refused this", "My long thoughts.")
    assert "decide" not in page.forms


def test_who_may_not_decide_is_told_why_and_by_whom_it_is_decided(seeded, run, browser):
    approval = ask(seeded, run, deciders=["admin", AVERY], not_the_requester=False)
    page = browser.get(path_of(approval))
    page.mustcontain(f"Only {AVERY} or admins and above may decide this.", f"Waits for {AVERY} or admins and above")
    assert "decide" not in page.forms
    token = browser.get(f"{HERE}").html.find("input", {"name": "csrf_token"})["value"]
    browser.post(f"{path_of(approval)}/approve", {"csrf_token": token}, status=403).mustcontain("may decide this")


def test_the_list_shows_what_waits_for_me_then_others_then_what_is_decided(seeded, run, avery, browser):
    browser.get(HERE).mustcontain("Nothing was asked yet")
    mine_too, others, done = (
        ask(seeded, run, "One"),
        ask(seeded, run, "Two", deciders=["owner"]),
        ask(seeded, run, "3rd"),
    )
    avery.post_json(f"{path_of(done)}/refuse", {})
    page = browser.get(HERE)
    text = page.text
    order = [text.index(word) for word in ("Waiting for you", "One", "Waiting for others", "Two", "Decided", "3rd")]
    assert order == sorted(order)
    assert page.html.select_one(".rail .badge").text.strip().startswith("1")
    assert text.count(f"Decide: {mine_too.title}") == 1
    browser.get(f"{HERE}?mine=1").mustcontain("One", no=["Two", "3rd"])
    browser.get(f"{HERE}?status=refused").mustcontain("3rd", no=[">One<", ">Two<"])
    browser.get(f"{HERE}?status=pending").mustcontain(others.id, mine_too.id, no=done.id)
    browser.get(f"{HERE}?status=expired").mustcontain("Nothing fits")
    fragment = browser.get(f"{HERE}?fragment=lists")
    fragment.mustcontain("Waiting for you", no="<html")
    avery.post_json(f"{path_of(mine_too)}/approve", {})
    browser.get(HERE).mustcontain("Nothing waits for you.", no="Waiting for you<")
    assert browser.get(f"{HERE}?fragment=badge").text.strip() == ""


def test_the_decided_are_paged(seeded, run, casey, browser):
    made = [ask(seeded, run, f"Number {number}") for number in range(3)]
    for approval in made:
        casey.post_json(f"{path_of(approval)}/approve", {})
    page = browser.get(f"{HERE}?limit=2")
    page.mustcontain("Number 2", "Number 1", no="Number 0")
    page.click("Older").mustcontain("Number 0", no=["Number 1", "Nothing waits"])


def test_activity_tells_who_decided_what(seeded, run, casey, browser):
    approval = ask(seeded, run, "Ship <it>?")
    casey.post_json(f"{path_of(approval)}/approve", {})
    browser.get("/workspaces/aurora/activity").mustcontain("Casey Editor</strong> approved", "Ship &lt;it&gt;?")


def test_the_number_in_the_rail_stops_at_99(seeded, run, browser):
    with seeded.transaction() as tx:
        for _ in range(101):
            service.open_approval(tx, run, "ask", WHOLE, Ask(title="Again?"))
    browser.get("/workspaces/aurora/agents").mustcontain("99+")


# ── with the machine of runs ─────────────────────────────────────────────────


@pytest.fixture
def lab(tmp_path, monkeypatch):
    moved = Clock(monkeypatch)
    made = Lab(tmp_path)
    made.moved = moved
    yield made
    made.close()


def asking(lab, **config):
    steps = [
        {"id": "ask", "type": "approval", "config": {"title": "Ship {{ inputs.what | default(1) }}?", **config}},
        transform("go", "{{ steps.ask.output }}"),
    ]
    return lab.workflow(*steps, output="{{ steps.go.output }}", inputs={"properties": {"what": {"type": "string"}}})


def owner_of(lab):
    membership = Membership(HOME, "lab", "Lab", Role.OWNER, DEFAULT_MATRIX[Role.OWNER])
    return Identity(lab.person, "ses_lab", {HOME: membership})


def asked_by(lab, run):
    found = service.list_approvals(lab.db, HOME, Filter(run_id=run.id), FIRST, 10)
    return service.find_approval(lab.db, HOME, found[0].id)


def test_a_run_waits_for_a_person_and_goes_on_with_what_they_said(lab):
    form = {"properties": {"size": {"type": "integer"}}, "required": ["size"]}
    run = lab.run(asking(lab, form=form), {"what": "2.0"}, by=lab.person.id, email=lab.person.email)
    assert run.status == "waiting"
    approval = asked_by(lab, run)
    assert (approval.title, approval.requested_by.email, approval.step_id) == ("Ship 2.0?", lab.person.email, "ask")
    service.decide(lab.kit, approval, Decision.APPROVED, Say("Yes.", {"size": 2}), owner_of(lab))
    lab.work()
    output = {"decision": "approved", "by": lab.person.email, "comment": "Yes.", "values": {"size": 2}}
    assert (lab.now(run).status, lab.now(run).output) == ("succeeded", output)


def test_a_deadline_lets_the_run_go_on_without_approval(lab):
    run = lab.run(asking(lab, deadline_seconds=60))
    lab.moved.pass_time(61)
    lab.work()
    assert (lab.now(run).status, lab.now(run).output["decision"]) == ("succeeded", "expired")


def test_cancelling_a_run_withdraws_what_it_asked(lab):
    run = lab.run(asking(lab))
    approval = asked_by(lab, run)
    runs.cancel_run(lab.kit, run, lab.person.id)
    assert asked_by(lab, run).status == "withdrawn"
    with pytest.raises(Conflict, match="withdrawn"):
        service.decide(lab.kit, approval, Decision.APPROVED, Say(), owner_of(lab))


def test_what_cannot_be_asked_fails_the_run_at_once_and_says_why(lab):
    run = lab.run(asking(lab, deciders=["nobody@example.com"]))
    assert run.status == "failed"
    assert "no member of this workspace" in lab.step(run, "ask").error


def test_the_requester_is_known_through_a_run_that_starts_another(lab):
    inner = asking(lab, not_the_requester=True)
    outer = lab.workflow({"id": "sub", "type": "workflow.run", "config": {"workflow": inner.id}}, name="Outer")
    lab.run(outer, by=lab.person.id, email=lab.person.email)
    (approval,) = service.list_approvals(lab.db, HOME, Filter(), FIRST, 10)
    assert approval.requested_by.email == lab.person.email
    with pytest.raises(NotAllowed, match="somebody else"):
        service.decide(lab.kit, approval, Decision.APPROVED, Say(), owner_of(lab))


def test_items_ask_each_for_itself(lab):
    step = {"id": "ask", "type": "approval", "for_each": [1, 2, 3], "config": {"title": "Go on?"}}
    run = lab.run(lab.workflow(step, output="{{ steps.ask.output }}"))
    found = service.list_approvals(lab.db, HOME, Filter(run_id=run.id), FIRST, 10)
    assert [one.item for one in reversed(found)] == [0, 1, 2]
    for number, approval in enumerate(reversed(found)):
        decision = Decision.REFUSED if number == 1 else Decision.APPROVED
        service.decide(lab.kit, approval, decision, Say(), owner_of(lab))
    lab.work()
    assert [one["decision"] for one in lab.now(run).output] == ["approved", "refused", "approved"]
