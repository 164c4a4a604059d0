"""Rows, parameters, and what a rule of the schema refuses."""

from enum import StrEnum

import pytest

from releaseapp.errors import Conflict

ADD = "INSERT INTO things (id, label, note, number, size) VALUES (:id, :label, :note, :number, :size)"


def add(db, name, label=None, note=None, number=None, size=None):
    with db.transaction() as tx:
        return tx.run(ADD, id=name, label=label, note=note, number=number, size=size)


class Colour(StrEnum):
    RED = "red"


def test_rows_are_mappings_from_column_name_to_value(db):
    add(db, "a", "first", number=1, size=0.5)
    add(db, "b", "second", number=2)
    assert db.all("SELECT id, label, number, size FROM things ORDER BY id") == [
        {"id": "a", "label": "first", "number": 1, "size": 0.5},
        {"id": "b", "label": "second", "number": 2, "size": None},
    ]
    assert db.first("SELECT id AS name, number + 1 AS next FROM things WHERE id = :id", id="b") == {
        "name": "b",
        "next": 3,
    }


def test_nothing_found_is_an_empty_list_or_none(db):
    assert db.all("SELECT * FROM things") == []
    assert db.first("SELECT * FROM things") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "it's \"quoted\" ''twice''",
        "12:30 :id ::text :: %s %(id)s 100% %%",
        "back\\slash; DROP TABLE things; -- /* no */ $$ $1 ?",
        "Zürich 東京 🦊 \u202e \r\n\t",
        "x" * 3_000_000,
    ],
    ids=lambda text: text[:12],
)
def test_texts_come_back_as_they_went_in(db, text):
    add(db, "a", note=text)
    assert db.first("SELECT note FROM things WHERE note = :note", note=text) == {"note": text}


@pytest.mark.parametrize("number", [0, -1, 32767, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63), None])
def test_whole_numbers_come_back_as_they_went_in(db, number):
    add(db, "a", number=number)
    assert db.first("SELECT number FROM things")["number"] == number


@pytest.mark.parametrize("size", [0.0, 0.1, -1.5e-300, 1.7976931348623157e308, None])
def test_fractions_come_back_as_they_went_in(db, size):
    add(db, "a", size=size)
    assert db.first("SELECT size FROM things")["size"] == size


def test_a_name_of_an_enumeration_is_its_text(db):
    add(db, "a", Colour.RED)
    found = db.first("SELECT label FROM things WHERE label = :colour", colour=Colour.RED)["label"]
    assert (found, type(found)) == ("red", str)


def test_a_parameter_may_stand_in_several_places_and_more_may_be_given_than_are_used(db):
    with db.transaction() as tx:
        tx.run("INSERT INTO things (id, label) VALUES (:name, :name)", name="a", unused=1)
    assert db.first("SELECT id, label FROM things") == {"id": "a", "label": "a"}


def test_what_looks_like_a_parameter_within_a_text_or_a_remark_is_none(db):
    add(db, "a", "50% :id")
    found = db.first(
        """
        SELECT ':id' AS text, '100%' AS part, ':' || :id AS real -- not :this, nor 100%
        FROM things /* nor :that */ WHERE label LIKE '50% :i%'
        """,
        id="x",
    )
    assert found == {"text": ":id", "part": "100%", "real": ":x"}


def test_a_filter_that_is_not_given_matches_everything(db):
    add(db, "a", "x")
    add(db, "b", "y")
    sql = "SELECT id FROM things WHERE (CAST(:label AS TEXT) IS NULL OR label = :label) ORDER BY id"
    assert [row["id"] for row in db.all(sql, label=None)] == ["a", "b"]
    assert [row["id"] for row in db.all(sql, label="y")] == ["b"]


def test_a_write_tells_how_many_rows_it_changed(db):
    assert [add(db, name) for name in "abc"] == [1, 1, 1]
    with db.transaction() as tx:
        assert tx.run("UPDATE things SET number = 1 WHERE id <> :id", id="a") == 2
        assert tx.run("UPDATE things SET number = 1 WHERE id = 'nobody'") == 0
        few = "WITH few AS (SELECT id FROM things WHERE number = 1) DELETE FROM things WHERE id IN (SELECT id FROM few)"
        assert tx.run(few) == 2


def test_a_write_may_give_rows_back(db):
    with db.transaction() as tx:
        assert tx.first("INSERT INTO things (id) VALUES ('a') RETURNING id") == {"id": "a"}
    assert db.first("SELECT id FROM things") == {"id": "a"}


@pytest.mark.parametrize(("name", "label"), [("a", "other"), ("other", "x")], ids=["primary key", "unique column"])
def test_what_must_be_unique_is_a_conflict_the_second_time(db, name, label):
    add(db, "a", "x")
    with pytest.raises(Conflict):
        add(db, name, label)
    assert len(db.all("SELECT id FROM things")) == 1


def test_a_change_into_what_is_taken_is_a_conflict(db):
    add(db, "a", "x")
    add(db, "b", "y")
    with pytest.raises(Conflict), db.transaction() as tx:
        tx.run("UPDATE things SET label = 'x' WHERE id = 'b'")
    assert db.first("SELECT label FROM things WHERE id = 'b'") == {"label": "y"}


def test_a_part_of_nothing_is_refused_and_parts_go_with_their_thing(db):
    with pytest.raises(Exception, match=r"(?i)foreign key") as refused, db.transaction() as tx:
        tx.run("INSERT INTO parts (id, thing_id) VALUES ('p', 'nobody')")
    assert not isinstance(refused.value, Conflict)
    add(db, "a")
    with db.transaction() as tx:
        tx.run("INSERT INTO parts (id, thing_id) VALUES ('p', 'a')")
        assert tx.run("DELETE FROM things") == 1
    assert db.all("SELECT * FROM parts") == []


def test_a_fault_in_the_sql_is_not_dressed_up(db):
    for wrong in ("SELECT nothing FROM things", "SELEC"):
        with pytest.raises(Exception, match=r"(?i)nothing|selec") as error:
            db.all(wrong)
        assert not type(error.value).__module__.startswith("releaseapp")
    assert db.all("SELECT * FROM things") == []
