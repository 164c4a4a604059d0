"""A server and browsers. They skip with a reason where there is no Chromium, and fail there in CI."""

import os
import shutil

import pytest
from servers import RunningServer

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="session")
def chromium():
    path = CHROMIUM if os.path.exists(CHROMIUM) else shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        reason = "no Chromium: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path):
    running = RunningServer(tmp_path, TASK_LEASE_SECONDS="2").start()
    yield running
    running.end()


@pytest.fixture
def visit(chromium, server):
    """Gives a page of a browser of its own, signed in as somebody."""
    contexts = []

    def open_page(email, **options):
        # What a service worker asks for would not pass by the routes of tests.
        usual = {"viewport": {"width": 1280, "height": 800}, "service_workers": "block"}
        context = chromium.new_context(**{**usual, **options})
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{server.url}/auth/login")
        page.fill("#email", email)
        page.fill("#password", "password123")
        page.click("button[type=submit]")
        page.wait_for_url("**/workspaces**")
        return page

    yield open_page
    for context in contexts:
        context.close()
