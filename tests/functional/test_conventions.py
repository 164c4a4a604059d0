"""What HTTP means here: methods, representations, idempotency, headers."""

import dataclasses
import threading

import pytest

from releaseapp import clock
from releaseapp.credentials.vault import open_vault

AURORA = "/workspaces/aurora/agents"


@pytest.fixture
def avery(app):
    return app.as_program("avery.owner@example.com")


def test_a_browser_gets_a_page_and_everybody_else_json_at_the_same_address(app, avery):
    for accept in (None, "*/*", "application/json", "application/problem+json", "text/html;q=0.5, application/json"):
        answer = avery.get(AURORA, headers={"Accept": accept} if accept else {})
        assert answer.content_type == "application/json"
        assert "Accept" in answer.headers["Vary"]
    browser = app.as_browser("avery.owner@example.com")
    page = browser.get(AURORA, headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})
    assert page.content_type == "text/html"
    assert "Accept" in page.headers["Vary"]


def test_what_nobody_can_give_is_406(avery):
    assert avery.get(AURORA, headers={"Accept": "image/png"}, status=406).json["status"] == 406


def test_a_method_that_is_not_taken_is_405_with_those_that_are(avery):
    refused = avery.delete(AURORA, status=405)
    assert refused.headers["Allow"] == "GET, HEAD, POST"
    avery.put_json(f"{AURORA}/agt_none", {}, status=404)


def test_head_is_get_without_a_body(avery):
    answer = avery.head(AURORA)
    assert answer.body == b""
    assert int(answer.headers["Content-Length"]) > 100


def test_a_body_of_another_kind_is_415_and_a_broken_one_400(avery):
    avery.post(AURORA, "name: x", content_type="application/yaml", status=415)
    for body in (b"{", b"nope", b"\xff", b'{"name": NaN}', b'{"name": "\\ud800"}', b"{" * 5000):
        refused = avery.post(AURORA, body, content_type="application/json", status=400)
        assert refused.json["detail"]


def test_addresses_that_are_not_utf8_or_climb_are_refused_quietly(avery):
    for path in ("/%ff", "/workspaces/%c3", "/workspaces/aurora/../cobalt", "/static/../setup.py", "/" + "a/" * 500):
        assert avery.get(path, status="*").status_int in {400, 404}


def test_the_same_key_and_body_are_done_once_and_answered_alike(avery):
    headers = {"Idempotency-Key": "k1"}
    first = avery.post_json(AURORA, {"name": "Once"}, headers=headers, status=201)
    second = avery.post_json(AURORA, {"name": "Once"}, headers=headers, status=201)
    assert second.json == first.json
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["ETag"] == first.headers["ETag"]
    assert [agent["name"] for agent in avery.get(AURORA, {"q": "Once"}).json["items"]] == ["Once"]


def test_the_same_key_for_something_else_is_422(app, avery):
    headers = {"Idempotency-Key": "k1"}
    avery.post_json(AURORA, {"name": "Once"}, headers=headers, status=201)
    avery.post_json(AURORA, {"name": "Twice"}, headers=headers, status=422)
    avery.post_json("/workspaces/lumen/agents", {"name": "Once"}, headers=headers, status=422)
    casey = app.as_program("casey.editor@example.com")
    casey.post_json(AURORA, {"name": "Once"}, headers=headers, status=201)


def test_a_refused_request_gives_its_key_back(avery):
    headers = {"Idempotency-Key": "k1"}
    avery.post_json(AURORA, {"name": ""}, headers=headers, status=400)
    avery.post_json(AURORA, {"name": "Once"}, headers=headers, status=201)


def test_a_key_is_kept_for_a_day(avery, monkeypatch):
    headers = {"Idempotency-Key": "k1"}
    token = avery.post_json("/auth/tokens", {"name": "t", "workspace": "aurora", "role": "owner"}).json["token"]
    program = avery.with_token(token)
    first = program.post_json(AURORA, {"name": "Once"}, headers=headers, status=201).json
    real = clock.now
    monkeypatch.setattr(
        clock, "now", lambda: real() + (clock.parse("2026-01-02T00:00:01Z") - clock.parse("2026-01-01T00:00:00Z"))
    )
    assert program.post_json(AURORA, {"name": "Once"}, headers=headers, status=201).json["id"] != first["id"]


@pytest.mark.parametrize("key", [" ", "x" * 256])
def test_a_bad_key_is_refused(avery, key):
    avery.post_json(AURORA, {"name": "x"}, headers={"Idempotency-Key": key}, status=400)


def test_many_at_once_with_one_key_make_one_thing(app, avery):
    answers = []

    def send():
        other = avery.with_token(avery.authorization[1])
        answers.append(
            other.post_json(AURORA, {"name": "Once"}, headers={"Idempotency-Key": "k1"}, status="*").status_int
        )

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {201, 409}
    assert 201 in answers
    assert len(avery.get(AURORA, {"q": "Once"}).json["items"]) == 1


def test_a_claim_whose_request_died_can_be_taken_over(avery, seeded, monkeypatch):
    from releaseapp.web import queries

    headers = {"Idempotency-Key": "k1"}
    account = avery.get("/auth/me").json["user"]["id"]
    avery.post_json(AURORA, {"name": "Once"}, headers=headers, status=201)
    with seeded.transaction() as tx:
        tx.run("UPDATE idempotency_keys SET status = NULL, body = NULL, created_at = :at", at=clock.now_text())
    avery.post_json(AURORA, {"name": "Once"}, headers=headers, status=409)
    with seeded.transaction() as tx:
        tx.run("UPDATE idempotency_keys SET created_at = :at", at=clock.later_text(-61))
    avery.post_json(AURORA, {"name": "Once"}, headers=headers, status=201)
    assert queries.find_idempotency_key(seeded, account, "k1")["status"] == 201


def test_every_answer_has_its_manners(app, avery):
    browser = app.as_browser("avery.owner@example.com")
    for answer in (avery.get(AURORA), avery.get("/nothing", status=404), browser.get(AURORA), browser.get("/account")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Request-ID"]
        assert "no-" in answer.headers["Cache-Control"]
    policy = browser.get(AURORA).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_request_id_from_a_proxy_is_kept_when_it_is_plain(avery):
    assert avery.get("/healthz", headers={"X-Request-ID": "abc-12345"}).headers["X-Request-ID"] == "abc-12345"
    assert avery.get("/healthz", headers={"X-Request-ID": "a\tb" * 9}).headers["X-Request-ID"] != "a\tb" * 9


def test_static_files_are_immutable_and_found_only_under_their_hash(app):
    page = app.get("/auth/login", headers={"Accept": "text/html"})
    href = page.html.find("link", rel="stylesheet")["href"]
    answer = app.get(href)
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.content_type == "text/css"
    app.get("/static/0000000000000000/app.css", status=404)
    app.get(href.replace("app.css", "%2e%2e/settings.py"), status=404)


def test_an_error_of_ours_tells_the_request_id_and_nothing_else(app, avery, monkeypatch, caplog):
    from releaseapp.agents import service

    def broken(*_arguments, **_options):
        raise RuntimeError("the secret is hunter2")

    monkeypatch.setattr(service, "list_agents", broken)
    answer = avery.get(AURORA, status=500)
    assert "hunter2" not in answer.text
    assert answer.json["instance"] == answer.headers["X-Request-ID"]
    assert answer.json["instance"] in caplog.text


def test_the_server_says_how_it_is(app, avery):
    assert app.get("/healthz").json == {"status": "ok"}
    assert app.get("/version").json["name"] == "releaseapp"
    ready = app.get("/readyz", status=503).json
    assert ready["parts"]["database"] == "ok"
    assert ready["parts"]["migrations"] == "ok"
    assert ready["parts"]["workflow_file"] == "ok"
    assert "no worker" in ready["parts"]["worker"]
    figures = app.get("/metrics")
    assert figures.content_type == "text/plain"
    before = measured(figures.text, "workspaces.api.who_am_i")
    avery.get("/auth/me")
    assert measured(app.get("/metrics").text, "workspaces.api.who_am_i") == before + 1
    assert "releaseapp_queue_depth" in figures.text


def measured(figures, view):
    """How many requests a view has answered with 200."""
    name = f'releaseapp_request_seconds_count{{status="200",view="{view}"}} '
    return sum(float(line.removeprefix(name)) for line in figures.splitlines() if line.startswith(name))


def test_a_broken_workflow_file_makes_the_server_unready_and_is_left_alone(app, settings):
    from pathlib import Path

    Path(settings.workflow_store_path).write_text("{ not json")
    ready = app.get("/readyz", status=503).json
    assert "cannot be used" in ready["parts"]["workflow_file"]
    assert Path(settings.workflow_store_path).read_text() == "{ not json"


def test_a_cursor_that_was_made_up_is_refused(avery):
    import base64

    for made_up in ("9" * 30, "-1", "1.5", "٣", "x"):
        cursor = base64.urlsafe_b64encode(made_up.encode()).decode().rstrip("=")
        refused = avery.get(f"/workspaces/aurora/activity?cursor={cursor}", status=400)
        assert refused.json["errors"][0]["pointer"] == "/cursor"


def test_a_nul_in_a_text_is_refused_and_its_spelling_is_not(app, avery):
    assert "NUL" in avery.post_json(AURORA, {"name": "a\x00b"}, status=400).json["detail"]
    assert avery.post_json(AURORA, {"name": "written as \\u0000"}, status=201).json["name"] == "written as \\u0000"
    browser = app.as_browser("avery.owner@example.com")
    form = browser.get(f"{AURORA}/new").forms["agent"]
    form["name"] = "a\x00b"
    assert "NUL" in form.submit(status=400).text


def test_a_server_whose_credentials_cannot_be_opened_says_so(app, settings):
    avery = app.as_program("avery.owner@example.com")
    given = {"name": "Shop", "type": "api-key", "fields": {"key": "k-12345678"}}
    avery.post_json("/workspaces/aurora/credentials", given, status=201)
    assert app.get("/readyz", status="*").json["parts"]["vault"] == "ok"
    app.app.registry.vault = open_vault(
        dataclasses.replace(settings, credentials_secret="x" + settings.credentials_secret)
    )
    assert "CREDENTIALS_SECRET" in app.get("/readyz", status=503).json["parts"]["vault"]
