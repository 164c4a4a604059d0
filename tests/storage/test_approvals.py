"""What approvals ask of a database, asked of each engine; and that each ends in one way, whatever comes in what order."""

import contextlib
import json
from datetime import timedelta
from unittest import mock

import msgspec
import pytest
from databases import outputs, process
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releaseapp import clock
from releaseapp.auth.models import Account, KeptPassword
from releaseapp.auth.queries import insert_account
from releaseapp.db import connect
from releaseapp.db.migrate import migrate
from releaseapp.errors import Conflict, NotAllowed
from releaseapp.events.queries import list_events_after
from releaseapp.permissions import DEFAULT_MATRIX, Role
from releaseapp.runs.approvals import queries, service
from releaseapp.runs.approvals.models import ApprovalStatus, Decision, Filter
from releaseapp.runs.approvals.schemas import Say
from releaseapp.runs.machine.kit import Runs
from releaseapp.runs.models import WHOLE
from releaseapp.runs.starting import Origin, Source, create_run
from releaseapp.steps.api import Ask
from releaseapp.web.paging import FIRST
from releaseapp.workspaces.models import Identity, Membership
from releaseapp.workspaces.service import add_member, create_workspace

HOME = "workspace-lab"
ROLES = {"ada": Role.OWNER, "bo": Role.ADMIN, "cy": Role.EDITOR, "di": Role.VIEWER}


@pytest.fixture
def db(target):
    database = connect(target)
    migrate(database)
    make_people(database)
    yield database
    database.close()


def account_of(name):
    now = clock.now_text()
    return Account(f"acc_{name}", f"{name}@example.com", name.title(), False, False, False, None, now, now)


def make_people(db):
    for name, role in ROLES.items():
        with db.transaction() as tx:
            insert_account(tx, account_of(name), KeptPassword("no password", "no mark"))
        if role is Role.OWNER:
            create_workspace(db, "lab", "Lab", account_of(name), workspace_id=HOME)
        else:
            add_member(db, HOME, account_of(name), role, actor=None)


def identity_of(name):
    role = ROLES[name]
    membership = Membership(HOME, "lab", "Lab", role, DEFAULT_MATRIX[role])
    return Identity(account_of(name), f"ses_{name}", {HOME: membership})


def start_run(db, by="ada"):
    definition = msgspec.json.encode({"name": "W", "steps": [{"id": "a", "type": "transform", "config": {"value": 1}}]})
    source = Source(HOME, "wfl_1", "W", 1, definition.decode())
    trigger = {"type": "manual", "by": f"{by}@example.com", "account": f"acc_{by}"}
    with db.transaction() as tx:
        return create_run(tx, source, {}, Origin(trigger, by=f"acc_{by}"))


def ask(db, run, title="Go on?", **about):
    with db.transaction() as tx:
        return service.open_approval(tx, run, "ask", WHOLE, Ask(title=title, **about))


def kit(db):
    return Runs(db, None, None, lambda _run_id: None)


def decide(db, approval, name, decision=Decision.APPROVED, **said):
    return service.decide(kit(db), approval, decision, Say(**said), identity_of(name))


def waiting_for(db, name):
    found = service.list_waiting_for(db, HOME, identity_of(name), FIRST, 100)
    assert service.count_waiting_for(db, HOME, identity_of(name)) == len(found)
    return [approval.title for approval in found]


def events_of(db, approval_id):
    return [event for event in list_events_after(db, 0, 1000) if event.subject == approval_id]


def test_what_is_asked_and_answered_comes_back_as_it_went_in(db):
    run = start_run(db)
    form = {"type": "object", "properties": {"Größe": {"type": "number", "title": "🦊"}}}
    about = {"description": "a\nb \x00'\"", "form": form, "deciders": ["CY@example.com", "Admin"]}
    made = ask(db, run, "東京?", deadline_seconds=90, not_the_requester=True, **about)
    found = service.find_approval(db, HOME, made.id)
    assert found == made
    assert (found.title, found.description, found.form) == ("東京?", "a\nb '\"", form)
    assert (found.deciders, found.requested_by.email) == (["cy@example.com", "admin"], "ada@example.com")
    assert service.find_approval(db, "workspace-other", made.id) is None
    decided = decide(db, made, "cy", comment="ja ", values={"Größe": 1.5})
    again = service.find_approval(db, HOME, made.id)
    assert again == decided
    assert (again.values, again.comment, again.decided_by.name) == ({"Größe": 1.5}, "ja", "Cy")


def test_what_waits_is_found_by_those_who_may_decide_and_by_nobody_else(db):
    run = start_run(db)
    ask(db, run, "all")
    ask(db, run, "admins", deciders=["admin"])
    ask(db, run, "owners", deciders=["owner"])
    ask(db, run, "cy", deciders=["cy@example.com"])
    ask(db, run, "cy or admins", deciders=["cy@example.com", "admin", "owner"])
    ask(db, run, "not ada", not_the_requester=True)
    assert waiting_for(db, "ada") == ["cy or admins", "owners", "admins", "all"]
    assert waiting_for(db, "bo") == ["not ada", "cy or admins", "admins", "all"]
    assert waiting_for(db, "cy") == ["not ada", "cy or admins", "cy", "all"]
    assert waiting_for(db, "di") == []
    others = {
        name: [one.title for one in service.list_waiting_for_others(db, HOME, identity_of(name), 100)] for name in ROLES
    }
    assert others["ada"] == ["not ada", "cy"]
    assert others["cy"] == ["owners", "admins"]
    assert len(others["di"]) == 6
    for name in ROLES:
        for approval in service.list_approvals(db, HOME, Filter(), FIRST, 100):
            try:
                decide(db, approval, name)
            except NotAllowed:
                assert approval.title not in waiting_for(db, name)
            except Conflict:
                pass
    assert all(waiting_for(db, name) == [] for name in ROLES)


def test_lists_are_read_page_by_page_newest_first(db):
    run, other = start_run(db), start_run(db)
    made = [ask(db, run if number % 2 else other, str(number)) for number in range(7)]
    for approval in made[:3]:
        decide(db, approval, "cy", Decision.REFUSED if approval.title == "1" else Decision.APPROVED)

    def titles(wanted, before=FIRST, limit=100):
        return "".join(one.title for one in service.list_approvals(db, HOME, wanted, before, limit))

    assert titles(Filter()) == "6543210"
    assert titles(Filter(), made[4].id, 2) == "32"
    assert titles(Filter(status=ApprovalStatus.PENDING)) == "6543"
    assert titles(Filter(status=ApprovalStatus.REFUSED)) == "1"
    assert titles(Filter(over=True)) == "210"
    assert titles(Filter(over=True), made[2].id, 1) == "1"
    assert titles(Filter(run_id=run.id)) == "531"
    assert titles(Filter(run_id=run.id, status=ApprovalStatus.PENDING)) == "53"
    first = service.list_waiting_for(db, HOME, identity_of("bo"), FIRST, 2)
    rest = service.list_waiting_for(db, HOME, identity_of("bo"), first[-1].id, 2)
    assert [one.title for one in first + rest] == ["6", "5", "4", "3"]


def test_approvals_go_with_their_run_and_nothing_of_them_stays(db):
    run = start_run(db)
    approval = ask(db, run)
    with db.transaction() as tx:
        tx.run("DELETE FROM runs WHERE id = :id", id=run.id)
    assert service.find_approval(db, HOME, approval.id) is None
    assert waiting_for(db, "bo") == []
    assert service.outcome_of(db, approval.id).error == "The approval is not kept any more."


def test_many_that_are_due_are_ended_in_small_transactions(db):
    run = start_run(db)
    made = [ask(db, run, deadline_seconds=number + 1) for number in range(5)]
    late = clock.later_text(60)
    with mock.patch.object(clock, "now_text", return_value=late):
        assert [service.expire_due(db, late, 2) for _ in range(4)] == [[run.id], [run.id], [run.id], []]
    assert all(service.outcome_of(db, one.id).output["decision"] == "expired" for one in made)
    assert db.all("SELECT * FROM approval_waits") == []


DECIDER = """
import json, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/.."]
from test_approvals import *
db = connect(sys.argv[2], busy_timeout=30)
won = []
meeting = Path(sys.argv[5])
(meeting / sys.argv[3]).touch()
while not all((meeting / name).exists() for name in ("bo", "cy")):
    pass
for approval in reversed(service.list_approvals(db, HOME, Filter(), FIRST, 100)):
    try:
        won.append(decide(db, approval, sys.argv[3], Decision(sys.argv[4])).id)
    except Conflict as error:
        assert error.members["decision"] in ("approved", "refused"), error.members
print(json.dumps(won))
db.close()
"""


def test_two_processes_that_decide_at_once_never_both_succeed(db, target, request, tmp_path):
    run = start_run(db)
    made = [ask(db, run) for _ in range(40)]
    folder = request.path.parent
    started = [
        process(DECIDER, folder, target, name, decision, tmp_path)
        for name, decision in (("bo", "approved"), ("cy", "refused"))
    ]
    approved, refused = (set(json.loads(text)) for text in outputs(started))
    assert approved | refused == {one.id for one in made}
    assert not approved & refused
    for one in made:
        decision = service.outcome_of(db, one.id).output["decision"]
        assert decision == ("approved" if one.id in approved else "refused")
        assert len(events_of(db, one.id)) == 2


# ── any order ────────────────────────────────────────────────────────────────

DONE = st.sampled_from(["bo approves", "cy refuses", "di approves", "time passes", "sweep", "withdraw", "withdraw all"])


@pytest.fixture
def quick(tmp_path):
    database = connect(tmp_path / "quick.db", synchronous="OFF")
    migrate(database)
    make_people(database)
    yield database
    database.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=st.lists(DONE, max_size=8), has_deadline=st.booleans())
def test_whatever_happens_in_whatever_order_there_is_one_outcome_at_most(quick, done, has_deadline):
    passed = [0.0]
    now = clock.now
    with mock.patch.object(clock, "now", side_effect=lambda: now() + timedelta(seconds=passed[0])):
        run = start_run(quick)
        approval = ask(quick, run, deadline_seconds=60 if has_deadline else None)
        expected, first = None, None
        for what in done:
            late = has_deadline and passed[0] >= 60
            ends = {
                "bo approves": "expired" if late else "approved",
                "cy refuses": "expired" if late else "refused",
                # Whoever may not decide changes nothing, but for finding out that it is too late.
                "di approves": None,
                "time passes": None,
                "sweep": "expired" if late else None,
                "withdraw": "withdrawn",
                "withdraw all": "withdrawn",
            }[what]
            do(quick, run, approval, what, passed)
            expected = expected or ends
            outcome = service.outcome_of(quick, approval.id)
            assert (outcome.output["decision"] if outcome else None) == expected
            first = first or outcome
            assert outcome == first
        told = quick.all("SELECT type FROM events WHERE subject = :id ORDER BY id", id=approval.id)
        assert told[0]["type"] == "approval.requested"
        assert len(told) == (2 if expected else 1)


def do(db, run, approval, what, passed):
    if what == "time passes":
        passed[0] += 61
    elif what == "sweep":
        service.expire_due(db, clock.now_text(), 1000)
    elif what.startswith("withdraw"):
        with db.transaction() as tx:
            service.withdraw_approvals(tx, run.id, None if what.endswith("all") else approval.id)
    else:
        name, verb = what.split()
        with contextlib.suppress(Conflict, NotAllowed):
            decide(db, approval, name, Decision.APPROVED if verb == "approves" else Decision.REFUSED)


# ── plans ────────────────────────────────────────────────────────────────────


def test_every_list_of_approvals_uses_an_index_and_sorts_nothing(quick):
    seen = []

    class Watched:
        def all(self, sql, **parameters):
            seen.append([row["detail"] for row in quick.all(f"EXPLAIN QUERY PLAN {sql}", **parameters)])
            return []

        def first(self, sql, **parameters):
            self.all(sql, **parameters)

    db, keys = Watched(), ["*", "viewer", "editor", "admin", "owner", "a@example.com"]
    every = [Filter(), *(Filter(status=status) for status in ApprovalStatus), Filter(over=True), Filter(run_id="run_x")]
    for wanted in every:
        queries.list_approvals(db, HOME, wanted, "z", 50)
    queries.list_waiting_for(db, HOME, keys, "acc", "z", 50)
    queries.list_waiting_for_others(db, HOME, keys, "acc", 50)
    queries.count_waiting_for(db, HOME, keys, "acc", 100)
    queries.list_pending_of_run(db, "run_x")
    queries.list_due(db, clock.now_text(), 10)
    queries.find_approval_anywhere(db, "apr_x")
    assert len(seen) == len(every) + 6
    for plan in seen:
        tables = [line for line in plan if line.startswith(("SCAN", "SEARCH")) and "found" not in line]
        assert tables
        assert all(line.startswith("SEARCH") for line in tables), plan
        # What waits for somebody is found in order, and the one page of it that is shown is sorted once more.
        assert "TEMP B-TREE" not in " ".join(plan) or "MATERIALIZE found" in plan, plan
