"""What makes the product an app: a manifest, icons, a service worker of its own release, and a page for no connection."""

import json
import re
import struct


def test_pages_lead_to_a_manifest_whose_icons_are_there(app):
    page = app.get("/auth/login", headers={"Accept": "text/html"})
    address = page.html.find("link", rel="manifest")["href"]
    answer = app.get(address)
    assert answer.content_type == "application/manifest+json"
    manifest = json.loads(answer.body)
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/", "/", "standalone")
    for icon in manifest["icons"]:
        image = app.get(address.rpartition("/")[0] + "/" + icon["src"])
        assert image.content_type == icon["type"]
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", image.body[16:24])
            assert f"{width}x{height}" == icon["sizes"]
    assert app.get(page.html.find("link", rel="apple-touch-icon")["href"]).content_type == "image/png"


def test_the_service_worker_is_of_this_release_and_always_asked_for_anew(app):
    answer = app.get("/service-worker.js")
    assert answer.content_type == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    prefix = re.match(r'const release = "(/static/[0-9a-f]{16}/)";', answer.text)[1]
    assert app.get(f"{prefix}app.css").status_int == 200
    for name in re.findall(r"\$\{release\}([\w/.]+)", answer.text):
        assert app.get(prefix + name).status_int == 200


def test_the_page_for_no_connection_tells_of_nobody(app):
    page = app.get("/offline", headers={"Accept": "text/html"})
    assert "No connection" in page
    assert page.html.find("header", class_="top") is None
