"""The product as an app: it can be installed, and what was read can be read again without a connection, honestly."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

CASEY, AVERY = "casey.editor@example.com", "avery.owner@example.com"

CONTROLLED = """() => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("no worker looks after this page")), 15000);
  const look = () => navigator.serviceWorker.controller ? resolve(null) : setTimeout(look, 50);
  look();
})"""


@pytest.fixture
def app_page(visit, server):
    """A page in a browser that keeps what was read: its worker looks after it."""

    def open_page(email, **options):
        page = visit(email, service_workers="allow", **options)
        page.evaluate(CONTROLLED)
        return page

    return open_page


def goes_dark(page):
    page.context.set_offline(True)


def test_browsers_offer_to_install_it(app_page, server):
    page = app_page(CASEY)
    page.goto(f"{server.url}/workspaces/aurora")
    session = page.context.new_cdp_session(page)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    assert found["url"].endswith("/app.webmanifest")
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A browser context of tests is an incognito one, which is all that there is against it.
    assert [one["errorId"] for one in errors] in ([], ["in-incognito"])


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_what_was_read_is_read_again_without_a_connection_and_says_from_when_it_is(app_page, server, scheme, width):
    page = app_page(CASEY, color_scheme=scheme, viewport={"width": width, "height": 844})
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.wait_for_selector("text=Data Collector")
    goes_dark(page)
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.wait_for_selector("text=Data Collector")
    page.wait_for_selector("text=There is no connection. This page is as it was at")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Styled as ever: static files were kept as well.
    assert page.evaluate("getComputedStyle(document.querySelector('.app')).display") == "grid"
    page.goto(f"{server.url}/workspaces/aurora/members")
    page.wait_for_selector("text=this page was not read on this machine before")
    page.context.set_offline(False)
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.wait_for_selector("text=Data Collector")
    assert page.locator("text=There is no connection").count() == 0


def test_what_is_typed_without_a_connection_is_not_sent_and_not_lost(app_page, server):
    page = app_page(AVERY)
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.click("text=Data Collector")
    page.wait_for_selector("main h1")
    field = page.locator(
        "main form[method=post] textarea:visible, main form[method=post] input[type=text]:visible"
    ).first
    field.fill("Collect it all")
    goes_dark(page)
    field.evaluate("(it) => it.form.requestSubmit()")
    page.wait_for_selector("text=There is no connection: nothing was sent.")
    assert field.input_value() == "Collect it all"


def test_nothing_is_left_for_whoever_comes_next(app_page, server):
    page = app_page(CASEY)
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.wait_for_selector("text=Data Collector")
    page.click("summary[aria-label^='Account of']")
    page.click("text=Sign out")
    page.wait_for_selector("#email")
    goes_dark(page)
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.wait_for_selector("text=this page was not read on this machine before")
    assert "Data Collector" not in page.content()


def test_pages_of_operators_and_of_secrets_are_not_kept(app_page, server):
    page = app_page(AVERY)
    shut = ("/release", "/release/snapshots", "/account", "/workspaces/aurora/credentials")
    for path in shut:
        page.goto(server.url + path)
        page.wait_for_selector("main h1")
    goes_dark(page)
    for path in shut:
        page.goto(server.url + path)
        page.wait_for_selector("text=this page was not read on this machine before")


def test_a_connection_that_comes_back_is_told_on_a_page_that_was_kept(app_page, server):
    page = app_page(CASEY)
    page.goto(f"{server.url}/workspaces/aurora/agents")
    goes_dark(page)
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.wait_for_selector("text=There is no connection.")
    page.context.set_offline(False)
    page.wait_for_selector("text=The connection is back.")
    page.click("text=Reload")
    page.wait_for_selector("text=Data Collector")
    assert page.locator("text=There is no connection").count() == 0


def test_a_stopped_server_is_no_more_than_a_lost_connection(app_page, server):
    page = app_page(CASEY)
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.wait_for_selector("text=Data Collector")
    server.stop()
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.wait_for_selector("text=There is no connection. This page is as it was at")
