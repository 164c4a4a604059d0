"""Queues on each engine: in order, counted up to a bound, found by an index."""

import pytest
from kept_runs import add_workspace

from releaseapp import clock
from releaseapp.db import connect
from releaseapp.db.migrate import migrate
from releaseapp.events.queries import list_events_after
from releaseapp.runs.queues import queries, service
from releaseapp.runs.queues.models import MOST_COUNTED
from releaseapp.web.paging import FIRST

HOME = "workspace-lab"


@pytest.fixture
def db(target):
    database = connect(target)
    migrate(database)
    add_workspace(database, HOME)
    yield database
    database.close()


def put(db, queue, *messages):
    with db.transaction() as tx:
        return [service.publish(tx, HOME, queue, message, None) for message in messages]


def put_many(db, queue, number):
    with db.transaction() as tx:
        tx.run(
            """
            INSERT INTO queue_messages (id, workspace_id, queue, message, created_at)
            WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :number)
            SELECT CAST(:queue AS TEXT) || '-' || n, :home, :queue, '1', CAST(:now AS TEXT) FROM c
            """,
            number=number,
            queue=queue,
            home=HOME,
            now=clock.now_text(),
        )


def test_messages_come_back_as_they_went_in_and_each_is_told_once(db):
    messages = [None, 0, "", "it's ☃ \x00", {"a": [1.5, {"b": True}]}]
    ids = put(db, "orders", *messages)
    assert [service.find_message(db, HOME, "orders", one).message for one in ids] == messages
    listed = service.list_messages(db, HOME, "orders", FIRST, 10)
    assert [one.message for one in listed] == messages[::-1]
    told = list_events_after(db, 0, 100)
    assert [(event.type, event.subject, event.data) for event in told] == [
        ("queue.published", one, {"queue": "orders"}) for one in ids
    ]


def test_names_are_leapt_through_in_order_and_counted_up_to_a_bound(db):
    put_many(db, "m", MOST_COUNTED + 5)
    for name in ("z", "a", "a.b", "a-b", "a_b"):
        put(db, name, 1)
    found = service.list_queues(db, HOME, "", 10)
    assert sorted(one.name for one in found) == sorted(["a", "a.b", "a-b", "a_b", "m", "z"])
    assert {one.name: one.waiting for one in found}["m"] == MOST_COUNTED
    page = service.list_queues(db, HOME, "", 4)
    rest = service.list_queues(db, HOME, page[-1].name, 10)
    assert [*page, *rest] == found
    assert service.list_queues(db, "workspace-none", "", 10) == []


def test_what_a_rollback_undoes_was_never_published(db):
    with pytest.raises(ZeroDivisionError), db.transaction() as tx:
        service.publish(tx, HOME, "orders", 1, None)
        raise ZeroDivisionError
    assert service.list_queues(db, HOME, "", 10) == []


def test_no_list_of_queues_or_messages_reads_them_all(db):
    if db.engine != "sqlite":
        pytest.skip("PostgreSQL chooses by statistics; the SQL is the same")
    explained = Explained(db)
    queries.list_queues(explained, HOME, "", 10)
    queries.list_messages(explained, HOME, "orders", FIRST, 10)
    for plan in explained.plans:
        tables = [line for line in plan if "queue_messages" in line]
        assert tables
        for line in tables:
            assert line.startswith("SEARCH queue_messages USING"), plan
            assert "(workspace_id=? AND queue" in line, plan


class Explained:
    """Instead of rows: how SQLite would find them."""

    def __init__(self, db):
        self.db = db
        self.plans = []

    def all(self, sql, **parameters):
        self.plans.append([row["detail"] for row in self.db.all(f"EXPLAIN QUERY PLAN {sql}", **parameters)])
        return []
