"""What somebody who means harm, or a broken program, may send: each is refused, and nobody else suffers from it."""

import pytest

AURORA = "/workspaces/aurora/agents"


@pytest.fixture
def avery(app):
    return app.as_program("avery.owner@example.com")


@pytest.fixture
def browser(app):
    return app.as_browser("avery.owner@example.com")


@pytest.fixture
def agent(avery):
    return f"{AURORA}/{avery.post_json(AURORA, {'name': 'Target'}).json['id']}"


def nested(depth):
    return "[" * depth + "]" * depth


def post_text(app, address, text, **options):
    return app.post(address, text.encode(), content_type="application/json", **options)


def test_what_is_nested_so_deep_that_pages_could_not_show_it_is_refused(avery, browser, agent):
    refused = post_text(avery, f"{agent}/tasks", f'{{"title": "x", "input": {nested(900)}}}', status=400)
    assert "deep" in refused.json["detail"]
    post_text(avery, f"{agent}/memory", f'{{"key": "x", "value": {nested(900)}}}', status=400)
    assert post_text(avery, f"{agent}/tasks", f'{{"title": "x", "input": {nested(90)}}}').status_int == 201
    assert post_text(avery, f"{agent}/memory", f'{{"key": "x", "value": {nested(90)}}}').status_int == 201
    for page in ("", "/memory", "/tasks"):
        browser.get(agent + page)
    browser.get(AURORA)


def test_nested_text_in_a_form_is_kept_as_the_text_it_is(avery, browser, agent):
    form = browser.get(f"{agent}/memory").forms["remember"]
    form["key"] = "deep"
    form["value"] = nested(900)
    form.submit(status=303)
    browser.get(f"{agent}/memory")
    assert avery.get(f"{agent}/memory").json["items"][0]["value"] == nested(900)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 500,
        "application/x-www-form-urlencoded; charset=bogus",
        "application/x-www-form-urlencoded; charset=utf-7",
    ],
)
def test_a_form_that_cannot_be_read_is_refused_and_no_fault_of_the_server(avery, browser, agent, content_type):
    headers = {"Content-Type": content_type}
    avery.post(f"{agent}/tasks", b"title=x", headers=headers, status=400)
    browser.post(f"{agent}/tasks", b"title=x", headers=headers, status=400)


def test_a_form_in_utf8_is_read_whatever_the_case_of_its_charset(avery, agent):
    for charset in ("utf-8", "UTF-8"):
        headers = {"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"}
        avery.post(f"{agent}/tasks", b"title=x", headers=headers, status=201)


def test_a_cookie_of_another_application_that_is_not_utf8_breaks_no_page(app):
    headers = {"Cookie": r'other="\377"', "Accept": "text/html"}
    assert "Sign in" in app.get("/auth/login", headers=headers).text
    app.post("/auth/login", "email=a&password=b", headers=headers, status=403)


@pytest.mark.parametrize("address", ["/\u65e5\u672c", "/\u00fc", "//evil.example", "/\\evil.example", "/ x", "/\x7f"])
def test_one_who_signs_in_is_sent_only_to_addresses_of_this_server(app, address):
    visitor = app.as_browser("avery.owner@example.com")
    answer = visitor.get("/auth/login", {"next": address}, status=303)
    assert answer.headers["Location"] == "http://localhost/"


def test_an_address_that_a_client_makes_up_does_not_reset_the_count_of_its_attempts(app, settings):
    body = {"email": "avery.owner@example.com", "password": "not the password"}
    for number in range(settings.sign_in_attempts_per_address):
        headers = {"X-Forwarded-For": f"10.0.0.{number}"}
        body["email"] = f"nobody{number}@example.com"
        app.post_json("/auth/login", body, headers=headers, status=401)
    app.post_json("/auth/login", body, headers={"X-Forwarded-For": "10.9.9.9"}, status=429)
