"""Queues through the front door: what steps published is seen, read whole, and taken out."""

import pytest

from releaseapp.runs.queues.service import LARGEST_MESSAGE_BYTES, publish
from releaseapp.steps.api import StepFailed

BASE = "/workspaces/aurora/queues"
HOME = "workspace-aurora"


@pytest.fixture
def avery(app):
    return app.as_program("avery.owner@example.com")


def put(db, queue, *messages, by=None, home=HOME):
    with db.transaction() as tx:
        return [publish(tx, home, queue, message, by) for message in messages]


def test_queues_are_listed_by_name_with_what_waits_in_them(avery, seeded):
    assert avery.get(BASE).json == {"items": [], "next": None}
    put(seeded, "orders", {"n": 1}, {"n": 2})
    put(seeded, "bills", "pay")
    put(seeded, "elsewhere", 1, home="workspace-lumen")
    items = avery.get(BASE).json["items"]
    assert [(one["name"], one["waiting"]) for one in items] == [("bills", 1), ("orders", 2)]
    first = avery.get(f"{BASE}/orders").json["items"][-1]
    assert items[1]["oldest_at"] == first["created_at"]


def test_queues_and_messages_are_read_page_by_page(avery, seeded):
    for name in ("a", "b", "c"):
        put(seeded, name, 1)
    put(seeded, "orders", *range(5))
    assert read_all(avery, BASE, lambda one: one["name"]) == ["a", "b", "c", "orders"]
    assert read_all(avery, f"{BASE}/orders", lambda one: one["message"]) == [4, 3, 2, 1, 0]


def read_all(caller, address, key):
    found, query = [], {"limit": 2}
    while True:
        page = caller.get(address, query).json
        assert len(page["items"]) <= 2
        found += [key(one) for one in page["items"]]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def test_a_large_message_is_left_out_of_the_list_and_read_by_its_own_address(app, avery, seeded):
    large = "x" * 50_000
    [message] = put(seeded, "orders", {"text": large})
    listed = avery.get(f"{BASE}/orders").json["items"][0]
    assert (listed["message"], listed["is_whole"], listed["size"]) == (None, False, 50_011)
    assert avery.get(f"{BASE}/orders/{message}").json["message"] == {"text": large}
    browser = app.as_browser("avery.owner@example.com")
    assert "50,011 characters" in browser.get(f"{BASE}/orders").text
    assert large in browser.get(f"{BASE}/orders/{message}").text


def test_a_message_is_taken_out_once_and_the_log_says_who_did_it(avery, seeded):
    [message] = put(seeded, "orders", 1)
    avery.delete(f"{BASE}/orders/{message}", status=204)
    avery.delete(f"{BASE}/orders/{message}", status=404)
    assert avery.get(f"{BASE}/orders").json["items"] == []
    news = avery.get("/workspaces/aurora/activity?limit=1").json["items"][0]
    assert (news["type"], news["data"]["name"], news["actor_name"]) == ("queue.removed", "orders", "Avery Owner")


def test_what_is_looked_for_under_another_queue_or_workspace_is_not_there(avery, seeded):
    [message] = put(seeded, "orders", 1)
    for address in (
        f"{BASE}/bills/{message}",
        f"/workspaces/lumen/queues/orders/{message}",
        f"{BASE}/Orders",
        f"{BASE}/{'x' * 65}",
    ):
        avery.get(address, status=404)
    avery.get(f"{BASE}/orders?cursor=!", status=400)
    avery.get(f"{BASE}?limit=0", status=400)


def test_pages_show_messages_folded_and_delete_them(app, seeded):
    casey = app.as_browser("casey.editor@example.com")
    assert "No queue holds a message" in casey.get(BASE).text
    put(seeded, "orders", {"customer": "<b>Ada</b>", "lines": list(range(40))}, "plain", by="run_1")
    page = casey.get("/workspaces/aurora/runs").click("Queues").click("orders")
    assert "&lt;b&gt;Ada" in page.text
    assert page.html.select_one("td details pre") is not None
    assert page.html.find("a", string="a run")["href"] == "/workspaces/aurora/runs/run_1"
    form = next(form for form in page.forms.values() if form.action.endswith("/delete"))
    after = form.submit(status=303).follow()
    assert "The message is deleted." in after.text
    assert form.submit(status=404)
    assert "deleted a message of the queue" in casey.get("/workspaces/aurora/activity").text


def test_those_who_may_not_control_runs_see_no_button_and_are_refused(app, seeded):
    owner = app.as_program("avery.owner@example.com")
    owner.post_json("/workspaces/aurora/members", {"email": "devon.viewer@example.com", "role": "viewer"})
    [message] = put(seeded, "orders", 1)
    viewer = app.as_program("devon.viewer@example.com")
    viewer.get(BASE, status=403)
    viewer.delete(f"{BASE}/orders/{message}", status=403)
    app.get(BASE, status=401)


def test_a_message_too_large_or_a_queue_without_a_proper_name_fails_the_step_for_good(seeded):
    fits = "x" * (LARGEST_MESSAGE_BYTES - 2)
    put(seeded, "orders", fits)
    for queue, message, words in (
        ("orders", fits + "x", "262,145 bytes"),
        ("New Orders", 1, "no name of a queue"),
        ("", 1, "no name of a queue"),
        ("orders\n", 1, "no name of a queue"),
    ):
        with pytest.raises(StepFailed, match=words) as refused:
            put(seeded, queue, message)
        assert not refused.value.retryable
    assert seeded.first("SELECT COUNT(*) AS number FROM queue_messages") == {"number": 1}
