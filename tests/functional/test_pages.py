"""The pages without a script: what a browser sends by itself is enough."""

import pytest

AVERY = "avery.owner@example.com"


@pytest.fixture
def avery(app):
    return app.as_browser(AVERY)


def test_the_sign_in_page_has_nothing_filled_in_and_lists_demo_accounts_only_where_they_are(app, monkeypatch):
    page = app.get("/auth/login", headers={"Accept": "text/html"})
    form = page.forms["sign-in"]
    assert (form["email"].value, form["password"].value) == ("", "")
    assert "password123" not in page.text
    accounts = [{"email": AVERY, "name": "Avery", "role": "owner of aurora"}]
    monkeypatch.setattr(app.app.registry, "demo_accounts", accounts, raising=False)
    assert AVERY in app.get("/auth/login", headers={"Accept": "text/html"}).text


def test_signing_in_leads_back_to_where_one_wanted_to_go_but_never_to_another_site(app):
    browser = type(app)(app.app, extra_environ={"HTTP_ACCEPT": "text/html"})
    wanted = browser.get("/workspaces/aurora/agents?q=x", status=303)
    form = browser.get(wanted.location).forms["sign-in"]
    form["email"], form["password"] = AVERY, "password123"
    assert form.submit(status=303).location == "http://localhost/workspaces/aurora/agents?q=x"
    for evil in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\tx"):
        fresh = type(app)(app.app, extra_environ={"HTTP_ACCEPT": "text/html"})
        form = fresh.get("/auth/login").forms["sign-in"]
        form["email"], form["password"], form["next"] = AVERY, "password123", evil
        assert form.submit(status=303).location == "http://localhost/"


def test_a_wrong_password_keeps_the_email_and_says_so(app):
    browser = type(app)(app.app, extra_environ={"HTTP_ACCEPT": "text/html"})
    form = browser.get("/auth/login").forms["sign-in"]
    form["email"], form["password"] = AVERY, "wrong"
    page = form.submit(status=401)
    assert "The e-mail or the password is wrong." in page.text
    assert page.forms["sign-in"]["email"].value == AVERY
    assert page.forms["sign-in"]["password"].value == ""


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(app, settings):
    browser = type(app)(app.app, extra_environ={"HTTP_ACCEPT": "text/html"})
    form = browser.get("/auth/login").forms["sign-in"]
    form["email"], form["password"] = AVERY, "password123"
    cookie = next(c for c in form.submit(status=303).headers.getall("Set-Cookie") if c.startswith("token="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_an_unsafe_request_by_cookie_needs_the_forms_token(avery):
    for path in ("/workspaces/aurora/agents", "/auth/logout", "/account"):
        avery.post(path, {"name": "x"}, status=403)
        avery.post(path, {"name": "x", "csrf_token": "0" * 64}, status=403)
    avery.post_json("/workspaces/aurora/agents", {"name": "x"}, headers={"Accept": "application/json"}, status=403)
    token = avery.get("/account").forms["rename"]["csrf_token"].value
    headers = {"Accept": "application/json", "X-CSRF-Token": token}
    avery.post_json("/workspaces/aurora/agents", {"name": "x"}, headers=headers, status=201)


def test_an_editor_makes_an_agent_gives_it_a_task_and_deletes_it(app):
    casey = app.as_browser("casey.editor@example.com")
    page = casey.get("/workspaces/aurora").click("New agent")
    form = page.forms["agent"]
    form["name"] = "Nova"
    form["tags"] = "one, two"
    shown = form.submit(status=303).follow()
    assert "Nova is ready for tasks." in shown.text
    form = shown.forms["task"]
    form["title"], form["input"] = "Say hello", '{"to": "world"}'
    task = form.submit(status=303).follow()
    assert "Say hello" in task.text
    assert "pending" in task.text
    cancel = next(form for form in task.forms.values() if form.action.endswith("/cancel"))
    assert "cancelled" in cancel.submit(status=303).follow().text
    back = casey.get(shown.request.path)
    assert "Memory" not in back.html.find("nav", class_="tabs").text
    asked = back.click("Delete")
    assert "its 1 task" in asked.text
    sure = next(form for form in asked.forms.values() if form.action.endswith("/delete"))
    gone = sure.submit(status=303).follow()
    assert "Nova is deleted." in gone.text


def test_a_form_that_is_refused_keeps_what_was_typed_and_names_each_fault_at_its_field(avery):
    form = avery.get("/workspaces/aurora/agents/new").forms["agent"]
    form["name"], form["description"], form["runtime"] = "  ", "Kept", '{"type": "magic"}'
    page = form.submit(status=400)
    again = page.forms["agent"]
    assert again["description"].value == "Kept"
    assert again["runtime"].value == '{"type": "magic"}'
    name = page.html.find(id="name")
    assert name["aria-invalid"] == "true"
    assert page.html.find(id="name-error").text.strip() == "name must not be blank."
    again["name"] = "Nova"
    assert "magic" in again.submit(status=400).html.find(id="runtime-error").text
    again["runtime"] = "{"
    assert "not JSON" in again.submit(status=400).html.find(id="runtime-error").text


def test_two_who_edit_the_same_agent_both_keep_their_text(avery, app):
    casey = app.as_browser("casey.editor@example.com")
    edit = avery.get("/workspaces/aurora/agents").click("Task Automator").click("Edit").request.path
    mine, theirs = avery.get(edit).forms["agent"], casey.get(edit).forms["agent"]
    theirs["description"] = "Casey was first"
    theirs.submit(status=303)
    mine["description"] = "Avery was second"
    page = mine.submit(status=409)
    assert "Casey was first" in page.text
    assert page.forms["agent"]["description"].value == "Avery was second"
    page.forms["agent"].submit(status=303)
    assert "Avery was second" in avery.get(edit.removesuffix("/edit")).text


def test_memory_is_added_found_changed_and_forgotten_by_an_admin(avery):
    page = avery.get("/workspaces/aurora/agents").click("Smart Assistant").click("Memory")
    form = page.forms["remember"]
    form["key"], form["value"], form["type"] = "tea", '{"green": true}', "preference"
    page = form.submit(status=303).follow()
    assert "remembers tea" in page.text
    item = page.click("tea").forms["remember"]
    assert '"green"' in item["value"].value
    item["value"] = "plain text"
    page = item.submit(status=303).follow()
    assert "plain text" in page.text
    double = page.forms["remember"]
    double["key"], double["value"] = "tea", "x"
    assert "already" in double.submit(status=400).text


def test_a_viewer_sees_no_button_that_would_be_refused(app):
    devon = app.as_browser("devon.viewer@example.com")
    page = devon.get("/workspaces/cobalt/agents")
    assert "New agent" not in page.text
    agent = page.click("Support Sentinel")
    assert "task" not in agent.forms
    for label in ("Edit", "Delete", "Memory"):
        assert label not in [link.text for link in agent.html.find("main").find_all("a")]
    assert "Remove" not in devon.get("/workspaces/cobalt/members").html.find("main").text


def test_members_are_managed_by_forms_and_refusals_are_told_at_the_field(avery):
    page = avery.get("/workspaces/aurora/members")
    form = page.forms["invite"]
    form["email"], form["role"] = "nobody@example.com", "viewer"
    refused = form.submit(status=400)
    assert "no account" in refused.html.find(id="email-error").text
    form = refused.forms["invite"]
    form["email"] = "devon.viewer@example.com"
    assert "Devon Viewer is viewer" in form.submit(status=303).follow().text


def test_a_token_is_shown_once_on_the_account_page(avery, app):
    form = avery.get("/account").forms["token"]
    form["name"], form["workspace"], form["role"] = "nightly", "aurora", "viewer"
    page = form.submit(status=200)
    token = page.html.find("code", class_="secret").text
    assert app.with_token(token).get("/auth/me").json["user"]["email"] == AVERY
    assert token not in avery.get("/account").text


def test_changing_the_password_asks_to_sign_in_again(avery, app):
    form = avery.get("/account").forms["password"]
    form["current_password"], form["new_password"] = "password123", "a better password"
    assert form.submit(status=303).location.endswith("/auth/login")
    assert avery.get("/account", status=303).location.startswith("http://localhost/auth/login")
    app.as_browser(AVERY, "a better password").get("/account", status=200)


def test_signing_out_leaves_nothing_behind(avery):
    page = avery.get("/account")
    form = next(form for form in page.forms.values() if form.action == "/auth/logout")
    form.submit(status=303)
    assert "token" not in avery.cookies
    avery.get("/workspaces/aurora", status=303)


def test_the_start_leads_to_the_workspace_last_used(avery):
    assert avery.get("/", status=303).location.endswith("/workspaces")
    avery.get("/workspaces/lumen")
    assert avery.get("/", status=303).location.endswith("/workspaces/lumen")


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/workspaces/cobalt", 404), ("/workspaces/x/agents", 404)]
)
def test_errors_have_the_products_own_look(avery, path, status):
    page = avery.get(path, status=status)
    assert page.html.find("header", class_="top")
    assert "There is nothing here" in page.text


def test_a_fragment_is_the_part_alone_and_only_declared_parts_can_be_asked_for(avery):
    part = avery.get("/workspaces/aurora/agents?fragment=cards")
    assert "<html" not in part.text
    assert "Task Automator" in part.text
    assert "<html" in avery.get("/workspaces/aurora/agents?fragment=../layout").text
    assert "<html" in avery.get("/workspaces/aurora/agents?fragment=form").text


def test_a_message_that_was_tampered_with_is_not_shown(avery):
    avery.set_cookie("message", "0" * 64 + ".eyJraW5kIjogInN1Y2Nlc3MiLCAidGV4dCI6ICJFdmlsIn0=")
    assert "Evil" not in avery.get("/account").text


def test_every_page_has_a_title_one_heading_and_labels(avery):
    agent = avery.get("/workspaces/aurora/agents").click("Task Automator").request.path
    for path in (
        "/account", "/workspaces", "/agents", "/workspaces/aurora", "/workspaces/aurora/agents", agent,
        f"{agent}/about", f"{agent}/memory", f"{agent}/edit", f"{agent}/delete", "/workspaces/aurora/agents/new",
        "/workspaces/aurora/members", "/workspaces/aurora/roles", "/workspaces/aurora/activity",
    ):  # fmt: skip
        html = avery.get(path).html
        assert html.title.text.strip() not in {"", "· releaseapp"}
        assert len(html.find_all("h1")) == 1, path
        for field in html.find_all(["input", "select", "textarea"]):
            if field.get("type") in {"hidden", "radio"}:
                continue
            labelled = field.get("aria-label") or html.find("label", attrs={"for": field.get("id")})
            assert labelled, f"{path}: {field}"
        assert not html.find_all(style=True)
        assert not html.find_all("script", src=False)


def test_a_page_follows_from_before_it_was_made_so_that_nothing_that_happens_meanwhile_is_missed(
    app, avery, monkeypatch
):
    from releaseapp.events.models import EventType
    from releaseapp.events.service import append
    from releaseapp.snapshots import views
    from releaseapp.snapshots.models import Shelf

    db = app.app.registry.db

    def list_while_something_happens(_snapshots):
        with db.transaction() as tx:
            append(tx, EventType.SNAPSHOT_MADE, "one that comes too late to be shown")
        return Shelf([], "", "")

    monkeypatch.setattr(views, "look_at_shelf", list_while_something_happens)
    page = avery.get("/release/snapshots")
    assert "No snapshot yet" in page
    newest = db.first("SELECT MAX(id) AS id FROM events")["id"]
    assert int(page.html.body["data-last-event"]) < newest
