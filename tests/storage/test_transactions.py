"""What holds together, what is undone, and what follows a commit."""

import threading

import pytest

from releaseapp.errors import Conflict

ADD = "INSERT INTO things (id) VALUES (:id)"


def ids(db):
    return [row["id"] for row in db.all("SELECT id FROM things ORDER BY id")]


def test_a_transaction_sees_its_own_writes_and_others_see_them_after_the_commit(db, other):
    with db.transaction() as tx:
        tx.run(ADD, id="a")
        assert ids(tx) == ids(db) == ["a"]
        assert ids(other) == []
    assert ids(other) == ["a"]


def test_an_error_undoes_everything(db):
    with pytest.raises(LookupError), db.transaction() as tx:
        tx.run(ADD, id="a")
        raise LookupError
    assert ids(db) == []
    with db.transaction() as tx:
        tx.run(ADD, id="b")
    assert ids(db) == ["b"]


def test_an_inner_transaction_joins_the_outer_one(db, other):
    with db.transaction() as outer:
        outer.run(ADD, id="a")
        with db.transaction() as inner:
            inner.run(ADD, id="b")
            assert ids(inner) == ["a", "b"]
        assert ids(other) == []
    assert ids(other) == ["a", "b"]


def test_an_error_of_the_outer_part_undoes_the_inner_one(db):
    with pytest.raises(LookupError), db.transaction():
        with db.transaction() as inner:
            inner.run(ADD, id="b")
        raise LookupError
    assert ids(db) == []


def test_an_inner_part_that_failed_dooms_the_whole_even_when_its_error_is_caught(db):
    with pytest.raises(RuntimeError, match="a part of this transaction failed") as refused, db.transaction() as outer:
        outer.run(ADD, id="a")
        with pytest.raises(LookupError), db.transaction() as inner:
            inner.run(ADD, id="b")
            raise LookupError("the reason")
    assert str(refused.value.__cause__) == "the reason"
    assert ids(db) == []


def test_a_statement_that_failed_dooms_the_whole_even_when_its_error_is_caught(db):
    with pytest.raises(RuntimeError, match="a part of this transaction failed"), db.transaction() as tx:
        tx.run(ADD, id="a")
        with pytest.raises(Conflict):
            tx.run(ADD, id="a")
    assert ids(db) == []


def test_nothing_more_is_done_in_a_doomed_transaction(db):
    with pytest.raises(RuntimeError, match="nothing more"), db.transaction() as tx:
        with pytest.raises(Conflict):
            tx.run(ADD + ", (:id)", id="a")
        tx.run(ADD, id="b")
    assert ids(db) == []


def test_a_failed_read_beside_an_open_transaction_never_passes_for_a_commit(db):
    committed = False
    try:
        with db.transaction() as tx:
            tx.run(ADD, id="a")
            with pytest.raises(Exception, match="nowhere"):
                db.all("SELECT * FROM nowhere")
        committed = True
    except RuntimeError:
        pass
    assert ids(db) == (["a"] if committed else [])


def test_a_transaction_that_ended_refuses_everything(db):
    with db.transaction() as tx:
        pass
    for use in (lambda: tx.run(ADD, id="a"), lambda: tx.all("SELECT 1 AS one"), lambda: tx.after_commit(print)):
        with pytest.raises(RuntimeError, match="has ended"):
            use()
    assert ids(db) == []


def test_calls_after_the_commit_come_in_order_once_and_see_what_was_committed(db, other):
    seen = []
    with db.transaction() as tx:
        tx.after_commit(lambda: seen.append(("outer", ids(other))))
        with db.transaction() as inner:
            inner.after_commit(lambda: seen.append(("inner", threading.current_thread())))
        tx.run(ADD, id="a")
        assert seen == []
    assert seen == [("outer", ["a"]), ("inner", threading.current_thread())]


def test_a_call_after_the_commit_may_open_a_transaction_of_its_own(db):
    def follow():
        with db.transaction() as tx:
            tx.run(ADD, id="b")

    with db.transaction() as tx:
        tx.run(ADD, id="a")
        tx.after_commit(follow)
    assert ids(db) == ["a", "b"]


def test_nothing_is_called_after_a_rollback(db):
    calls = []
    db.on_commit(lambda: calls.append("listener"))
    with pytest.raises(LookupError), db.transaction() as tx:
        tx.after_commit(lambda: calls.append("call"))
        raise LookupError
    with db.transaction():
        pass
    assert calls == ["listener"]


def test_a_failing_call_after_the_commit_is_logged_and_the_others_come_all_the_same(db, caplog):
    calls = []
    db.on_commit(lambda: calls.append("listener"))
    db.on_commit(lambda: 1 / 0)
    with db.transaction() as tx:
        tx.run(ADD, id="a")
        tx.after_commit(lambda: 1 / 0)
        tx.after_commit(lambda: calls.append("call"))
    assert calls == ["listener", "call"]
    assert ids(db) == ["a"]
    assert caplog.text.count("ZeroDivisionError") == 2


def test_listeners_hear_of_each_outermost_commit_once(db):
    calls = []
    db.on_commit(lambda: calls.append(len(ids(db))))
    for name in "ab":
        with db.transaction() as tx, db.transaction():
            tx.run(ADD, id=name)
    assert calls == [1, 2]
