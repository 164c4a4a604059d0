"""A release in a browser: one button after another, seen live by another operator; and a rollback, on a phone."""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from barriers import barriers_on
from servers import free_port

pytestmark = pytest.mark.xdist_group("browser")

AVERY = "avery.owner@example.com"
PHONE = {"width": 390, "height": 844}
TESTS = Path(__file__).parent.parent


class ReleasingServer:
    """Answers at ``url`` until it is ended."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = folder / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(TESTS / "releases" / "serving.py"), str(folder), str(self.port)],
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}"},
                cwd=TESTS.parent,
            )
        until = time.monotonic() + 90
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=1):
                    return
            except OSError:
                assert self.process.poll() is None, self.output.read_text()
                assert time.monotonic() < until, self.output.read_text()
                time.sleep(0.05)

    def end(self):
        self.process.kill()
        self.process.wait(timeout=30)


@pytest.fixture
def server(tmp_path):
    running = ReleasingServer(tmp_path)
    yield running
    running.end()


def begin(page, server):
    page.goto(f"{server.url}/release")
    page.fill("#version", "0.2.0")
    page.fill("#why", "Two fixes and a new page.")
    page.click("text=Start the release")


def test_one_button_after_another_releases_a_version_and_others_see_it_as_it_happens(visit, server):
    page, other = visit(AVERY), visit(AVERY)
    other.goto(f"{server.url}/release")
    other.wait_for_selector('live-dot[data-state="live"]')
    begin(page, server)
    page.wait_for_selector("text=The role matrix differs from the one at the start")
    other.wait_for_selector("text=Took the snapshot 20261124T012001Z-3f9a2c41")
    page.click("text=Confirm the role matrix")
    page.wait_for_selector("text=Confirmed by Avery Owner (avery.owner@example.com)")
    page.click("text=Promote 0.2.0")
    page.wait_for_selector("text=Watch it for a while")
    other.fill("#note-text", "I am still typing")
    page.fill("#last-note", "All quiet.")
    page.click("text=Finish 0.2.0")
    page.wait_for_selector("text=No release is under way")
    other.wait_for_selector("text=Finished: 0.2.0 is released.")
    assert other.input_value("#note-text") == "I am still typing", "what somebody types stays"
    page.click(".card-head >> text=Log")
    page.wait_for_selector("text=Outcome")
    with page.expect_download() as download:
        page.click("text=Markdown")
    assert "> All quiet." in Path(download.value.path()).read_text()


def test_a_release_is_rolled_back_on_a_phone_in_the_dark(visit, server):
    page = visit(AVERY, viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark")
    begin(page, server)
    page.tap("text=Something else")
    page.tap("text=Roll back…")
    page.wait_for_selector("text=2 agents were added since.")
    page.fill("#why", "Pages are slow.")
    box = page.get_by_role("button", name="Roll back").bounding_box()
    assert box["height"] >= 40
    page.get_by_role("button", name="Roll back").tap()
    page.wait_for_selector("text=writes waited 0.25 s")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_on_the_pages_of_releases(visit, server, scheme, width):
    page = visit(AVERY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    found = []

    def look(where):
        found.extend(barriers_on(page, where))

    page.goto(f"{server.url}/release")
    look("nothing open")
    begin(page, server)
    page.wait_for_selector("#confirm-next")
    page.click("text=Something else")
    look("open")
    for path in ("/release/rollback", "/release/operations", "/release/releases"):
        page.goto(server.url + path)
        look(path)
    page.click(".main-cell a")
    page.wait_for_selector("text=Outcome")
    look("log")
    assert found == []
