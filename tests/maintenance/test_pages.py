"""What people and programs meet while maintenance lasts."""

import pytest

from releaseapp.maintenance.service import begin_maintenance, find_maintenance

OPERATOR = "avery.owner@example.com"
EDITOR = "casey.editor@example.com"


@pytest.fixture
def closed(app, seeded):
    begin_maintenance(seeded, None, "A new disk is put in", "30m")
    return app


def test_reading_goes_on_and_writing_is_refused_with_why_and_when(closed):
    casey = closed.as_program(EDITOR)
    casey.get("/workspaces/aurora/agents", status=200)
    answer = casey.post_json("/workspaces/aurora/agents", {"name": "Nova"}, status=503)
    assert answer.content_type == "application/problem+json"
    assert answer.json["title"] == "Maintenance"
    assert "A new disk is put in. It ends by" in answer.json["detail"]
    assert 1700 < int(answer.headers["Retry-After"]) <= 1801
    assert "Nova" not in casey.get("/workspaces/aurora/agents").text


def test_a_refused_request_with_an_idempotency_key_can_be_sent_again_afterwards(closed, seeded):
    owner = closed.as_program(OPERATOR)
    key = {"Idempotency-Key": "one"}
    owner.post_json("/workspaces/aurora/agents", {"name": "Nova"}, headers=key, status=503)
    as_operator(closed, "end")
    owner.post_json("/workspaces/aurora/agents", {"name": "Nova"}, headers=key, status=201)


def test_every_page_has_the_banner_and_loses_it_when_it_is_over(closed):
    casey = closed.as_browser(EDITOR)
    for path in ("/workspaces/aurora", "/account", "/workspaces/aurora/agents"):
        assert "A new disk is put in" in casey.get(path).html.select_one(".maintenance").text
    as_operator(closed, "end")
    assert casey.get("/account").html.select_one(".maintenance") is None
    assert casey.get("/maintenance?fragment=banner").text.strip() == ""


def test_whoever_signs_in_reads_it_before(closed):
    assert "A new disk is put in" in closed.get("/auth/login", headers={"Accept": "text/html"}).text


def test_what_was_typed_is_kept_on_the_page_that_refuses_it(closed):
    casey = closed.as_browser(EDITOR)
    page = casey.get("/workspaces/aurora/agents/new")
    form = next(one for one in page.forms.values() if "name" in one.fields and one.method.lower() == "post")
    form["name"] = "Nova & <Co>"
    refused = form.submit(status=503)
    assert "Nothing was changed" in refused.text
    assert refused.headers["Retry-After"]
    again = next(one for one in refused.forms.values() if "name" in one.fields)
    assert again["name"].value == "Nova & <Co>"
    as_operator(closed, "end")
    again.submit(status=303)
    assert "Nova &amp; &lt;Co&gt;" in casey.get("/workspaces/aurora/agents").text


def test_a_secret_that_was_typed_is_not_kept_on_a_page(closed):
    avery = closed.as_browser(OPERATOR)
    token = avery.get("/account").html.find("input", {"name": "csrf_token"})["value"]
    fields = {"csrf_token": token, "name": "Shop", "type": "api-key", "secret-key": "hunter2hunter2"}
    refused = avery.post("/workspaces/aurora/credentials", fields, status=503)
    assert "hunter" not in refused.text
    assert "send the form again" in refused.text


def test_people_sign_in_and_out_all_the_same(closed):
    browser = closed.as_browser(EDITOR)
    token = browser.get("/account").html.find("input", {"name": "csrf_token"})["value"]
    browser.post("/auth/logout", {"csrf_token": token}, status=303)
    program = closed.as_program(EDITOR)
    program.post("/auth/logout", status=204)


def test_a_program_reads_whether_it_lasts(closed):
    casey = closed.as_program(EDITOR)
    told = casey.get("/maintenance").json["maintenance"]
    assert told["why"] == "A new disk is put in"
    as_operator(closed, "end")
    assert casey.get("/maintenance").json == {"maintenance": None}


def test_only_an_operator_begins_and_ends_it(app, seeded):
    casey = app.as_program(EDITOR)
    casey.post_json("/maintenance", {"why": "because"}, status=403)
    casey.delete("/maintenance", status=403)
    assert find_maintenance(seeded) is None
    avery = app.as_program(OPERATOR)
    avery.post_json("/maintenance", {"why": "because", "until": "1h"}, status=201)
    assert find_maintenance(seeded).why == "because"
    casey.delete("/maintenance", status=403)
    avery.delete("/maintenance", status=200)
    avery.delete("/maintenance", status=409)
    assert app.as_browser(EDITOR).get("/maintenance").html.select_one("[name=why]") is None


def test_an_operator_begins_changes_and_ends_it_on_the_page(app, seeded):
    avery = app.as_browser(OPERATOR)
    form = next(one for one in avery.get("/maintenance").forms.values() if "why" in one.fields)
    form["why"], form["until"] = "A new disk", "yesterday"
    refused = form.submit(status=400)
    form = next(one for one in refused.forms.values() if "why" in one.fields)
    assert form["why"].value == "A new disk"
    form["until"] = "2h"
    page = form.submit(status=303).follow()
    assert "Maintenance has begun" in page.text
    end = next(one for one in page.forms.values() if one.action == "/maintenance/end")
    page = end.submit(status=303).follow()
    assert find_maintenance(seeded) is None
    assert "There is none" in page.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/account"),
        ("POST", "/auth/tokens"),
        ("POST", "/workspaces/aurora/agents"),
        ("POST", "/workspaces/aurora/members"),
        ("POST", "/workspaces/aurora/workflows"),
        ("POST", "/workspaces/aurora/credentials"),
    ],
)
def test_whatever_changes_something_is_refused_in_every_room(closed, method, path):
    """A new view that takes another method than GET is shut during maintenance without anybody thinking of it."""
    owner = closed.as_program(OPERATOR)
    assert owner.request(path, method=method, body=b"{}", content_type="application/json", status="*").status_int == 503


def test_what_ends_somebodys_access_is_never_refused(closed):
    owner = closed.as_program(OPERATOR)
    before = [one["id"] for one in owner.get("/auth/sessions").json["items"]]
    other = closed.as_program(OPERATOR)
    newest = next(one for one in other.get("/auth/sessions").json["items"] if one["id"] not in before)
    assert owner.delete(f"/auth/sessions/{newest['id']}", status="*").status_int in {200, 204}
    other.get("/auth/me", status=401)


def as_operator(app, what):
    assert what == "end"
    app.as_program(OPERATOR).delete("/maintenance", status=200)
