"""The timeline of a run: rows, bars and an axis out of attempts at steps."""

from datetime import UTC, datetime, timedelta

import pytest

from releaseapp import clock
from releaseapp.runs.models import WHOLE, StepRun, StepStatus
from releaseapp.runs.pages.timeline import Planned, Window, item_rows, rows_of, ticks_of
from releaseapp.runs.pages.values import shown
from releaseapp.runs.pages.words import counted, duration

BEGIN = datetime(2030, 1, 31, 8, tzinfo=UTC)


def at(seconds):
    return clock.text(BEGIN + timedelta(seconds=seconds))


def attempt(step_id, begin, end, status=StepStatus.SUCCEEDED, **more):
    given = {"item": WHOLE, "attempt": 1, "type": "transform", "reused": False, **more}
    return StepRun(
        run_id="run_1", step_id=step_id, status=status, input=None, output=None, error=None, waits_for=None, wake_at=None,
        takeovers=0, log_lines=0, late=None, started_at=at(begin), finished_at=None if end is None else at(end), **given,
    )  # fmt: skip


def steps(*ids):
    return [Planned(step_id, step_id.upper(), "transform", repeated=False) for step_id in ids]


WINDOW = Window(at(0), at(10), at(10))


def bars(row):
    return [(bar.state, bar.x, bar.width, bar.waits) for bar in row.bars]


def test_rows_stand_in_the_order_in_which_steps_began_and_then_as_they_are_written():
    done = [attempt("c", 0, 1), attempt("a", 2, 3)]
    rows = rows_of(steps("a", "b", "c", "d"), done, {}, WINDOW)
    assert [(row.key, row.state) for row in rows] == [("c", "succeeded"), ("a", "succeeded"), ("b", ""), ("d", "")]


def test_attempts_are_segments_and_what_lies_between_them_is_a_pause():
    tried = [attempt("a", 0, 2, StepStatus.FAILED), attempt("a", 5, 10, attempt=2)]
    (row,) = rows_of(steps("a"), tried, {}, WINDOW)
    assert bars(row) == [
        ("failed", "0%", "20%", False), ("pause", "20%", "30%", True), ("succeeded", "50%", "50%", False),
    ]  # fmt: skip
    assert (row.took, row.attempts) == ("10 s", 2)


def test_what_waits_is_hatched_and_grows_until_now():
    (row,) = rows_of(steps("a"), [attempt("a", 4, None, StepStatus.WAITING, type="approval")], {}, WINDOW)
    assert bars(row) == [("waiting", "40%", "60%", True)]
    assert row.took == "6.0 s"


def test_a_pause_before_the_next_attempt_lasts_until_now():
    tried = [attempt("a", 0, 2, StepStatus.FAILED), attempt("a", 2, None, StepStatus.PENDING, attempt=2)]
    (row,) = rows_of(steps("a"), tried, {}, WINDOW)
    assert bars(row)[-1] == ("pause", "20%", "80%", True)


def test_what_an_earlier_run_did_has_no_bar_and_stands_first():
    done = [attempt("b", 1, 2), attempt("a", -500, 0, reused=True)]
    rows = rows_of(steps("b", "a"), done, {}, WINDOW)
    assert [row.key for row in rows] == ["a", "b"]
    assert (rows[0].bars, rows[0].took) == ([], "")


def test_however_short_a_step_is_its_bar_is_seen_and_inside():
    (row,) = rows_of(steps("a"), [attempt("a", 10, 10)], {}, WINDOW)
    assert bars(row) == [("succeeded", "99.4%", "0.6%", False)]


def test_items_have_rows_in_their_order_counted_from_one():
    rows = item_rows([attempt("a", 1, 2, item=10), attempt("a", 0, 1, item=2)], WINDOW)
    assert [(row.key, row.label) for row in rows] == [("a.2", "3"), ("a.10", "11")]


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (0, ["0", "1 ms"]),
        (0.42, ["0", "100 ms", "200 ms", "300 ms", "400 ms"]),
        (10, ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s"]),
        (90, ["0 s", "20 s", "40 s", "60 s", "80 s"]),
        (700, ["0", "5 min", "10 min"]),
        (86_400 * 3, ["0", "1 d", "2 d", "3 d"]),
    ],
)
def test_the_axis_has_few_marks_at_round_times(seconds, labels):
    assert [tick.label for tick in ticks_of(Window(at(0), at(seconds), at(seconds)))] == labels


def test_an_axis_of_years_still_has_few_marks():
    ticks = ticks_of(Window(at(0), at(86_400 * 4000), at(86_400 * 4000)))
    assert 2 <= len(ticks) <= 7


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0, "0 ms"), (0.042, "42 ms"), (1.54, "1.5 s"), (59.7, "1 min"), (61, "1 min 1 s"), (3600, "1 h"),
     (7500, "2 h 5 min"), (100_000, "1 d 3 h")],
)  # fmt: skip
def test_a_length_of_time_is_said_shortly(seconds, text):
    assert duration(seconds) == text


def test_numbers_are_counted_up_to_a_bound():
    assert [counted(number, 1000) for number in (0, 1000, 1001)] == ["0", "1,000", "1,000+"]


def test_a_value_is_shown_as_far_as_a_page_can_bear_and_says_how_much_is_left_out():
    piece = shown({"text": "x" * 10_000, "list": list(range(1000)), "deep": {"a": {"b": {"c": 1}}}})
    text, numbers, deep = piece.pieces[0], piece.pieces[1], piece.pieces[2:]
    assert (len(text.text), text.left_out) == (4000, 6000)
    assert numbers.size == 1000
    assert (len(numbers.pieces), numbers.left_out) == (100, 900)
    assert not numbers.is_open
    assert [one.key for one in deep] == ["deep"]
    many = shown([list(range(100)) for _ in range(100)])
    assert sum(len(one.pieces) for one in many.pieces) < 400
    assert many.left_out == 100 - len(many.pieces)


def test_a_value_nested_beyond_measure_is_cut():
    value = []
    for _ in range(500):
        value = [value]
    piece, depth = shown(value), 0
    while piece.pieces:
        piece, depth = piece.pieces[0], depth + 1
    assert depth < 20
