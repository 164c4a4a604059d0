"""Connections and the role matrix in a browser: without barriers, on a phone no wider than it, and going on by itself."""

import pytest
from barriers import barriers_on

pytestmark = pytest.mark.xdist_group("browser")

AVERY = "avery.owner@example.com"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_and_nothing_stands_out_at_the_side(visit, server, scheme, width):
    page = visit(AVERY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    found = []
    for path in (
        "/release/connections",
        "/release/roles",
        "/release/roles?person=casey&route=post",
        "/release/snapshots",
        "/release/checks",
    ):
        page.goto(server.url + path)
        for summary in page.query_selector_all("main details:not([open]) > summary"):
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found += barriers_on(page, path)
    assert found == []


def test_the_page_of_connections_is_fetched_again_by_itself(visit, server):
    page = visit(AVERY)
    page.clock.install()
    page.goto(f"{server.url}/release/connections")
    page.wait_for_selector(".verdict")
    with page.expect_response(lambda answer: "fragment=now" in answer.url) as answer:
        page.clock.run_for(16_000)
    assert answer.value.ok
