"""A snapshot is put back while people look: pages load themselves anew, and nothing that somebody types is thrown away."""

from contextlib import closing

import pytest
from playwright.sync_api import expect

from releaseapp.db import connect
from releaseapp.events.models import EventType
from releaseapp.events.service import append

pytestmark = pytest.mark.xdist_group("browser")

AVERY = "avery.owner@example.com"


def put_back(server):
    """What a restore by another process does to those who watch: data are others, and the event says so."""
    with closing(connect(server.folder / "var" / "agents.db")) as db, db.transaction() as tx:
        tx.run("UPDATE agents SET name = 'As it was' WHERE name = 'Task Automator'")
        append(tx, EventType.SNAPSHOT_RESTORED, "then", data={"name": "then"})


def test_a_page_loads_itself_anew_and_a_form_stays_with_a_word_on_it(visit, server):
    looking, typing = visit(AVERY), visit(AVERY)
    looking.goto(f"{server.url}/workspaces/aurora/agents")
    typing.goto(f"{server.url}/workspaces/aurora/agents/new")
    for page in (looking, typing):
        expect(page.locator("live-dot")).to_have_attribute("data-state", "live")
        page.evaluate("window.sameDocument = true")
    typing.fill("#name", "Half a na")
    with looking.expect_event("domcontentloaded"):
        put_back(server)
    assert looking.evaluate("window.sameDocument") is None
    expect(looking.get_by_text("As it was")).to_be_visible()
    expect(typing.get_by_text("A snapshot was put back")).to_be_visible()
    expect(typing.locator("#name")).to_have_value("Half a na")
    assert typing.evaluate("window.sameDocument") is True
