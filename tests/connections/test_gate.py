"""The gate: which samples are calm, busy or stormy, and what it says of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseapp import clock
from releaseapp.connections.models import Sample
from releaseapp.connections.service import chart, judge

SINCE = datetime(2026, 11, 24, 12, tzinfo=UTC)
RANKS = ["calm", "busy", "stormy"]


def at(seconds):
    return clock.text(SINCE + timedelta(seconds=seconds))


def sample(seconds, open_=0, process="a:1", started="x", **changes):
    told = {"opened": 0, "closed": {}, "refused": {}, "reconnects": {}, **changes}
    return Sample(process, started, at(seconds), 10.0, open_, **told)


def quiet(open_, first=-3600, last=600, process="a:1"):
    return [sample(second, open_, process) for second in range(first, last + 1, 60)]


def verdict(samples, seconds=600.0):
    return judge(sorted(samples, key=lambda one: one.at), at(0), at(seconds))


CASES = {
    "nobody is there": (quiet(0), "calm", "0 open"),
    "nothing was sampled": ([], "busy", "no server has sampled"),
    "few, and nothing happens": (quiet(3), "calm", "3 open"),
    "one of three vanishes": ([*quiet(3), sample(30, 2, closed={"1006": 1})], "calm", "1 ended abnormally"),
    "two of three vanish and come back": (
        [*quiet(3), sample(30, 2, closed={"1006": 2}), sample(40, 3, opened=2, reconnects={"900": 2})],
        "calm",
        "2 came back",
    ),
    "some of a hundred vanish": (
        [*quiet(100), sample(30, 95, closed={"1006": 5}, opened=5, reconnects={"900": 5})],
        "busy",
        "5 connections of 100 ended abnormally (5 with 1006); 1 would be usual.",
    ),
    "a quarter of a hundred is cut off": (
        [*quiet(100), sample(30, 75, closed={"1006": 15, "1011": 5, "1013": 5})],
        "stormy",
        "15 with 1006, 5 with 1011, 5 with 1013",
    ),
    "ten thousand, and five vanish": ([*quiet(10_000), sample(30, 9_995, closed={"1006": 5})], "calm", "10,000 open"),
    "a server hands over, and all come back": (
        [
            *quiet(500, last=0),
            sample(5, 0, closed={"1012": 500}, left_at=at(4)),
            sample(10, 500, "a:2", "y", opened=500, reconnects={"800": 490, "1500": 10}),
            *[sample(second, 500, "a:2", "y") for second in range(60, 601, 60)],
        ],
        "calm",
        "500 came back, half within 0.8 s",
    ),
    "a server stops, and half never come back": (
        [
            *quiet(500, last=0),
            sample(5, 0, closed={"1012": 500}, left_at=at(4)),
            *[sample(second, 240, "a:2", "y") for second in range(60, 601, 60)],
            sample(10, 240, "a:2", "y", opened=240, reconnects={"800": 240}),
        ],
        "stormy",
        "52 % of the 500 clients",
    ),
    "they come back, slowly": (
        [
            *quiet(100),
            sample(5, 0, closed={"1012": 100}),
            sample(60, 100, opened=100, reconnects={"2000": 90, "20000": 10}),
        ],
        "busy",
        "took 20.0 s or more",
    ),
    "clients open again and again": (
        [*quiet(100), *[sample(second, 100, opened=150, closed={"1000": 150}) for second in range(5, 600, 10)]],
        "stormy",
        "900 connections a minute are opened",
    ),
    "a process dies with all it had": (
        [*quiet(100, last=60), *[sample(second, 0, "a:2", "y") for second in range(60, 601, 60)]],
        "stormy",
        "100 with a process that died",
    ),
    "a process dies and is started under the same number": (
        [*quiet(100, last=60), *[sample(second, 0, "a:1", "y") for second in range(70, 601, 60)]],
        "stormy",
        "100 with a process that died",
    ),
    "everybody is refused": (
        [*quiet(50), sample(30, 50, refused={"401": 40})],
        "stormy",
        "40 connections were refused.",
    ),
    "three processes, one in trouble": (
        [*quiet(100), *quiet(100, process="b:1"), *quiet(100, process="c:1"), sample(30, 60, closed={"1006": 40})],
        "stormy",
        "40 connections of 300",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_gate_says_of_each_case_what_a_person_would(case):
    samples, expected, said = CASES[case]
    found = verdict(samples)
    assert found.verdict == expected, found.reasons
    assert said in " ".join(found.reasons)


def test_too_early_is_busy_whatever_the_samples_say():
    found = judge(quiet(5, last=20), at(0), at(20))
    assert found.verdict == "busy"
    assert "Too early to say" in found.reasons[0]
    stormy = judge([*quiet(100, last=0), sample(10, 20, closed={"1006": 80})], at(0), at(20))
    assert stormy.verdict == "stormy"
    assert "Too early" in stormy.reasons[0]


def test_a_clock_that_went_back_is_told():
    found = judge(quiet(5), at(0), at(-30))
    assert (found.verdict, "clock went back" in found.reasons[0]) == ("busy", True)


def test_what_the_day_before_was_like_is_usual():
    restless = [sample(second, 100, closed={"1006": 1}, opened=1) for second in range(-3600, 600, 10)]
    assert verdict(restless).verdict == "calm"
    calm_before = [one for one in restless if one.at > at(0)]
    assert verdict([*quiet(100, last=0), *calm_before]).verdict == "stormy"


SAMPLES = st.lists(
    st.builds(
        lambda second, open_, process, opened, code, closed, back: sample(
            second, open_, process, opened=opened, closed={code: closed}, reconnects={"1200": back}
        ),
        st.integers(-7200, 600),
        st.integers(0, 10_000),
        st.sampled_from(["a:1", "b:1"]),
        st.integers(0, 2000),
        st.sampled_from(["1000", "1001", "1006", "1011", "1012", "1013"]),
        st.integers(0, 2000),
        st.integers(0, 500),
    ),
    max_size=12,
)


@given(SAMPLES, st.sampled_from(["1006", "1011", "1013"]), st.integers(1, 5000), st.integers(0, 11))
def test_more_abnormal_closes_never_make_it_calmer(samples, code, more, which):
    samples = sorted(samples, key=lambda one: one.at)
    during = [n for n, one in enumerate(samples) if one.at > at(0)]
    before = verdict(samples)
    if during:
        at_n = during[which % len(during)]
        one = samples[at_n]
        closed = {**one.closed, code: one.closed.get(code, 0) + more}
        worse = sample(0, one.open, one.process, opened=one.opened, closed=closed, reconnects=one.reconnects)
        samples[at_n] = Sample(
            **{name: getattr(worse, name) for name in worse.__struct_fields__ if name != "at"}, at=one.at
        )
    assert RANKS.index(verdict(samples).verdict) >= RANKS.index(before.verdict)


@given(SAMPLES, st.lists(st.tuples(st.integers(-9000, 900).map(at), st.sampled_from(["started", "promoted"]))))
def test_every_chart_stays_within_its_frame(samples, marks):
    drawn = chart(sorted(samples, key=lambda one: one.at), marks)
    for point in drawn.line.split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= 720
        assert 0 <= y <= 200
    assert all(bar.height >= 0 and 0 <= bar.y <= 200 for bar in drawn.bars)
    assert all(44 <= mark.x <= 712 for mark in drawn.marks)
