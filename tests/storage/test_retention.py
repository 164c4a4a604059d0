"""What pruning takes and what it leaves, on each engine."""

import pytest
from kept_runs import add_run, add_workspace, count, end_run, kept

from releaseapp import clock
from releaseapp.db import connect
from releaseapp.db.migrate import migrate
from releaseapp.events.queries import list_events_after
from releaseapp.runs.retention import queries, service
from releaseapp.runs.retention.models import Place, Reason, Retention, Share
from releaseapp.settings import Mode, Settings

HOME, OTHER = "workspace-lab", "workspace-other"


@pytest.fixture
def db(target):
    database = connect(target)
    migrate(database)
    add_workspace(database, HOME)
    add_workspace(database, OTHER)
    yield database
    database.close()


def settings(**changes):
    return Settings(
        mode=Mode.DEVELOPMENT,
        jwt_secret="x" * 40,
        **{"run_keep_days": 0, "run_keep_count": 0, "run_keep_megabytes": 0, **changes},
    )


def prune(db, **changes):
    return service.prune(db, settings(**changes), clock.now_text(), seconds=60)


def add_many(db, number, **more):
    return [add_run(db, HOME, days=number - n, **more) for n in range(number)]


def test_runs_go_by_age(db):
    runs = [add_run(db, HOME, days=days) for days in (5, 4, 3.1, 2.9, 1)]
    assert prune(db, run_keep_days=3).runs == {HOME: 3}
    assert kept(db) == runs[3:]


def test_the_newest_stay_when_there_are_too_many(db):
    runs = add_many(db, 5)
    assert prune(db, run_keep_count=2).number == 3
    assert kept(db) == runs[3:]


def test_runs_that_ended_in_the_same_millisecond_are_told_apart(db, monkeypatch):
    now = clock.now()
    ids = [clock.new_id("run") for _ in range(6)]
    monkeypatch.setattr(clock, "now", lambda: now)
    for run_id in ids:
        add_run(db, HOME, days=1, id=run_id)
    prune(db, run_keep_count=2)
    assert kept(db) == ids[4:]


def test_the_newest_that_fit_stay_when_they_hold_too_much(db):
    runs = add_many(db, 5, lines=3, steps=1, size=200_000)
    prune(db, run_keep_megabytes=2)
    assert kept(db) == runs[3:]


def test_the_oldest_still_goes_when_a_newer_and_larger_one_stays_as_the_newest_of_its_workflow(db):
    small = add_run(db, HOME, days=3)
    large = add_run(db, HOME, days=2, size=600_000, lines=2)
    assert prune(db, run_keep_megabytes=1).number == 1
    assert kept(db) == [large]
    assert small not in kept(db)


def test_without_limits_nothing_goes(db):
    runs = add_many(db, 3)
    assert prune(db).runs == {}
    assert kept(db) == runs


def test_the_newest_run_of_each_workflow_stays_however_old(db):
    a, b = add_run(db, HOME, "wf_a", days=90), add_run(db, HOME, "wf_a", days=80)
    c = add_run(db, HOME, "wf_b", days=100)
    prune(db, run_keep_days=30, run_keep_count=1)
    assert kept(db) == sorted([b, c])
    assert a not in kept(db)


def test_a_run_that_is_not_over_stays_and_so_does_what_it_has_started(db):
    parent = add_run(db, HOME, days=90, over=False)
    child = add_run(db, HOME, "wf_child", days=80, parent=parent)
    add_run(db, HOME, days=1)
    add_run(db, HOME, "wf_child", days=1)
    assert prune(db, run_keep_days=30).number == 0
    with db.transaction() as tx:
        end_run(tx, parent, clock.later_text(-60 * 86_400))
    assert prune(db, run_keep_days=30).number == 2
    assert not {parent, child} & set(kept(db))


def test_a_run_is_forgotten_whole_and_its_definition_with_the_last_that_names_it(db):
    add_run(db, HOME, days=9, steps=3, lines=7, digest="old")
    add_run(db, HOME, days=8, digest="shared")
    stays = add_run(db, HOME, days=1, digest="shared")
    with db.transaction() as tx:
        add_approval(tx, kept(db)[0])
    prune(db, run_keep_days=5)
    assert kept(db) == [stays]
    assert [count(db, table) for table in ("run_steps", "run_log_lines", "approvals")] == [1, 1, 0]
    assert [row["digest"] for row in db.all("SELECT digest FROM run_definitions")] == ["shared"]


def add_approval(tx, run_id):
    tx.run(
        """
        INSERT INTO approvals (id, workspace_id, run_id, step_id, item, workflow_id, workflow_name, title,
                               description, form, deciders, status, created_at)
        VALUES ('apr_1', :home, :run, 'a', -1, 'wf_a', 'A', 'Go?', '', '{}', '[]', 'approved', :now)
        """,
        home=HOME,
        run=run_id,
        now=clock.now_text(),
    )


def test_a_large_run_goes_in_slices_whose_rows_are_bounded(db, monkeypatch):
    add_run(db, HOME, days=9, steps=2500, lines=4500)
    add_run(db, HOME, days=1)
    sizes = watch_deletes(monkeypatch)
    prune(db, run_keep_days=5)
    assert max(sizes["lines"] + sizes["steps"]) <= 2000
    assert {name: sum(slices) for name, slices in sizes.items()} == {"lines": 4500, "steps": 2500}
    assert [count(db, table) for table in ("runs", "run_steps", "run_log_lines")] == [1, 1, 1]


def watch_deletes(monkeypatch):
    sizes = {"lines": [], "steps": []}

    def watched(name, delete):
        def count(tx, run_id, most):
            sizes[name].append(delete(tx, run_id, most))
            return sizes[name][-1]

        return count

    for name in sizes:
        monkeypatch.setattr(queries, f"delete_{name}", watched(name, getattr(queries, f"delete_{name}")))
    return sizes


def test_rows_that_hold_much_go_fewer_at_a_time(db, monkeypatch):
    add_run(db, HOME, days=9, steps=0, lines=30, size=500_000)
    add_run(db, HOME, days=1)
    sizes = watch_deletes(monkeypatch)
    prune(db, run_keep_days=5)
    assert max(sizes["lines"]) < 10
    assert sum(sizes["lines"]) == 30


def test_a_run_that_has_begun_to_go_is_gone_in_the_end_whatever_the_limits_say_then(db, monkeypatch):
    add_run(db, HOME, days=9, lines=4500)
    stays = add_run(db, HOME, days=1)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(queries, "delete_steps", killed)
        with pytest.raises(KeyboardInterrupt):
            prune(db, run_keep_days=5)
    assert len(kept(db)) == 2
    assert prune(db).runs == {HOME: 1}
    assert kept(db) == [stays]


def test_workspaces_have_limits_of_their_own_and_the_servers_where_they_say_nothing(db):
    for home in (HOME, OTHER):
        for days in (20, 10, 1):
            add_run(db, home, f"wf_{home}", days=days)
    with db.transaction() as tx:
        service.set_retention(tx, OTHER, Retention(keep_days=0, keep_runs=2))
    assert prune(db, run_keep_days=5).runs == {HOME: 2, OTHER: 1}
    assert service.find_retention(db, OTHER) == Retention(keep_days=0, keep_runs=2)


def test_a_plan_tells_each_run_under_one_reason_and_a_pass_does_what_it_says(db):
    for days in (40, 31, 20, 10, 5, 2):
        add_run(db, HOME, days=days, lines=1, steps=0, size=400_000)
    limits = settings(run_keep_days=30, run_keep_count=3, run_keep_megabytes=1)
    planned = service.plan(db, limits, HOME, clock.now_text())
    assert {reason: share.runs for reason, share in planned.items()} == {
        Reason.AGE: 2,
        Reason.COUNT: 1,
        Reason.BYTES: 1,
    }
    assert planned[Reason.BYTES] == Share(1, 400_002)
    assert service.prune(db, limits, clock.now_text(), seconds=60).number == 4
    assert service.plan(db, limits, HOME, clock.now_text()) == {}


def test_two_who_prune_at_once_take_no_more_than_one(db, target):
    runs = add_many(db, 30)
    other = connect(target)
    limits, now = settings(run_keep_count=10), clock.now_text()
    ours = service.prune(db, limits, now, seconds=0)
    theirs = service.prune(other, limits, now, seconds=60)
    ours_again = service.prune(db, limits, now, seconds=60)
    other.close()
    assert kept(db) == runs[20:]
    assert ours.number + theirs.number + ours_again.number == 20


def test_a_pass_ends_when_its_time_is_over_and_each_workspace_hears_of_it_once(db):
    for home in (HOME, OTHER):
        for days in range(4):
            add_run(db, home, f"wf_{home}", days=10 + days, lines=600)
        add_run(db, home, f"wf_{home}", days=1)
    first = service.prune(db, settings(run_keep_days=5), clock.now_text(), seconds=0)
    assert first.more
    assert 0 < first.number < 8
    assert prune(db, run_keep_days=5).number == 8 - first.number
    told = [event for event in list_events_after(db, 0, 100) if event.type == "run.pruned"]
    assert sum(event.data["number"] for event in told) == 8
    assert len(told) <= 3
    assert {event.workspace_id for event in told} == {HOME, OTHER}


def test_the_rows_of_each_list_are_found_by_an_index(db):
    if db.engine != "sqlite":
        pytest.skip("PostgreSQL chooses by statistics; the SQL is the same")
    place = Place("2030", "run_1")
    calls = [
        lambda seen: queries.find_first_over_count(seen, HOME, 10),
        lambda seen: queries.sum_bytes(seen, HOME),
        lambda seen: queries.list_sizes(seen, HOME, place, 10),
        lambda seen: queries.list_candidates(seen, HOME, place, Place(), 10),
        lambda seen: queries.list_begun(seen, 10),
        lambda seen: queries.sum_shares(seen, HOME, place, place, place),
        lambda seen: queries.delete_lines(seen, "run_1", 10),
        lambda seen: queries.delete_steps(seen, "run_1", 10),
        lambda seen: queries.delete_run(seen, "run_1"),
        lambda seen: queries.delete_definition(seen, "d1"),
    ]
    explained = Explained(db)
    for call in calls:
        call(explained)
    assert len(explained.plans) == len(calls)
    for plan in explained.plans:
        scans = [line for line in plan if line.startswith("SCAN") and "(" not in line and "summed" not in line]
        assert scans == [], plan


class Explained:
    """Instead of rows: how SQLite would find them."""

    def __init__(self, db):
        self.db = db
        self.plans = []

    def all(self, sql, **parameters):
        rows = self.db.all(f"EXPLAIN QUERY PLAN {sql}", **parameters)
        self.plans.append([row["detail"] for row in rows])
        return []

    def first(self, sql, **parameters):
        self.all(sql, **parameters)

    def run(self, sql, **parameters):
        return len(self.all(sql, **parameters))
