"""Connections as operators see them, through the front door."""

from datetime import timedelta

import pytest

from releaseapp import clock
from releaseapp.connections.queries import insert_sample
from releaseapp.connections.service import Sample
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.releases.models import Release, Status
from releaseapp.releases.queries import insert_release

AVERY = "avery.owner@example.com"


@pytest.fixture
def storm(seeded):
    """A hundred connections, of which thirty were cut off a minute ago, and a release that had begun."""
    with seeded.transaction() as tx:
        for ago in range(1200, 0, -60):
            bad = {"1006": 30} if ago == 60 else {}
            insert_sample(tx, Sample("web:7", "x", clock.later_text(-ago), 10.0, 70 if bad else 100, 0, bad, {}, {}))
        append(tx, EventType.RELEASE_STARTED, "rel_1", actor=None, data={})
    return seeded


def test_an_operator_sees_the_verdict_with_its_reasons_the_chart_and_each_process(app, storm):
    page = app.as_browser(AVERY).get("/release/connections")
    assert "Connections are" in page.text
    assert "web:7" in page.text
    chart = page.html.find("svg", class_="chart-svg")
    assert "connections were open" in chart.find("desc").text
    assert chart.find_all(class_="chart-mark")
    assert "style=" not in page.html.find("figure").decode()
    assert "<svg" in app.as_browser(AVERY).get("/release/connections?fragment=now&hours=24").text


def test_programs_of_operators_get_the_same_as_json(app, storm):
    found = app.as_program(AVERY).get("/release/connections?hours=1").json
    assert found["gate"]["verdict"] in {"busy", "stormy"}
    assert found["processes"][0]["process"] == "web:7"
    assert sum(one["closed"].get("1006", 0) for one in found["samples"]) == 30
    assert found["marks"][0]["label"] == "started"


def test_hours_out_of_bounds_are_refused_with_the_bounds(app, storm):
    answer = app.as_program(AVERY).get("/release/connections?hours=999", status=400)
    assert "from 1 to 168" in answer.text


def test_where_nothing_was_sampled_the_page_says_how_it_comes(app):
    assert "Nothing is sampled yet" in app.as_browser(AVERY).get("/release/connections").text


def test_a_chart_of_days_names_them(app, storm):
    drawn = (
        app.as_browser(AVERY).get("/release/connections?fragment=now&hours=168").html.find("svg", class_="chart-svg")
    )
    day = (clock.now() - timedelta(hours=168)).strftime("%d %b")
    assert drawn.find_all("text", class_="chart-word")[3].text.startswith(day)
    assert f"From {clock.later_text(-168 * 3600)[:10]}" in drawn.find("desc").text


def test_the_chart_of_the_release_page_reaches_back_to_the_start_of_a_release_that_is_open(app, seeded, monkeypatch):
    ago = clock.now() - timedelta(hours=3)
    release = Release(
        "rel_1", Status.STARTED, "0.1.0", "0.2.0", "Why.", None, "Avery", None, None, "s", {}, None, None,
        clock.text(ago), None, None,
    )  # fmt: skip
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: ago)
    with seeded.transaction() as tx:
        insert_release(tx, release)
        append(tx, EventType.RELEASE_STARTED, "rel_1", actor=None, data={})
    monkeypatch.setattr(clock, "now", now)
    chart = app.as_browser(AVERY).get("/release").html.find("svg", class_="chart-svg")
    assert [word.text for word in chart.find_all("text", class_="chart-label")] == ["started"]
