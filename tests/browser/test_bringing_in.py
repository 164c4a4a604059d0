"""A snapshot is downloaded and uploaded in a browser, with progress, over a connection that breaks."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

AVERY = "avery.owner@example.com"


@pytest.fixture
def rooms(visit, server):
    page = visit(AVERY)
    page.goto(f"{server.url}/release/snapshots")
    return page


def make_and_download(page, folder):
    """A snapshot of now as a file, and not on the shelf any more; its name."""
    page.click("text=Make one now")
    link = page.locator("td.main-cell a").first
    name = link.inner_text()
    link.click()
    with page.expect_download() as download:
        page.click("text=Download")
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    page.click("text=Delete")
    page.click("dialog .danger")
    page.wait_for_selector("text=No snapshot yet")
    return name, file


def test_a_snapshot_goes_out_and_comes_in_again(rooms, tmp_path):
    name, file = make_and_download(rooms, tmp_path)
    rooms.set_input_files("#file", file)
    rooms.click("text=Upload")
    rooms.wait_for_selector(f"td.main-cell >> text={name}")
    rooms.wait_for_selector("text=Took in")
    assert "looked through" in rooms.inner_text("snapshot-upload [role=status]")
    rooms.wait_for_selector("snapshot-upload progress", state="hidden")


def test_a_connection_that_breaks_costs_a_part_and_not_the_file(rooms, tmp_path):
    name, file = make_and_download(rooms, tmp_path)
    seen = []

    def break_some(route):
        if route.request.method != "PATCH":
            route.continue_()
            return
        seen.append(int(route.request.headers["upload-offset"]))
        size = len(route.request.post_data_buffer or b"")
        if size > 300_000:
            route.fulfill(status=413, body="too large for what is before the server")
        elif len(seen) % 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    rooms.clock.install()
    rooms.route("**/release/snapshots/uploads/**", break_some)
    rooms.set_input_files("#file", file)
    rooms.click("text=Upload")
    for _ in range(40):
        if rooms.locator(f"td.main-cell >> text={name}").count():
            break
        rooms.clock.run_for(1_000)
        rooms.wait_for_timeout(50)
    rooms.wait_for_selector(f"td.main-cell >> text={name}")
    assert len(seen) > len(set(seen)), "no part was sent again"


def test_who_closes_the_page_goes_on_with_the_same_file(rooms, server, tmp_path):
    name, file = make_and_download(rooms, tmp_path)
    begun = []

    def stop(route):
        begun.append(route.request.method)
        if begun.count("PATCH") > 1:
            route.fulfill(status=400, json={"detail": "Stopped by hand."})
        else:
            route.continue_()

    # The server takes a megabyte at a time, and the file is not larger: it is made to come in smaller parts.
    rooms.route("**/release/snapshots/uploads/**", stop)
    rooms.evaluate(
        """() => {
          const send = Blob.prototype.slice;
          File.prototype.slice = function (from, to) { return send.call(this, from, Math.min(to, from + 200000)); };
        }"""
    )
    rooms.set_input_files("#file", file)
    rooms.click("text=Upload")
    rooms.wait_for_selector("text=Stopped by hand.")
    rooms.unroute("**/release/snapshots/uploads/**")
    rooms.goto(f"{server.url}/release/snapshots")
    rooms.wait_for_selector("text=came in with an upload that was not ended")
    offsets = []
    rooms.on(
        "request",
        lambda request: offsets.append(int(request.headers["upload-offset"])) if request.method == "PATCH" else None,
    )
    rooms.set_input_files("#file", file)
    rooms.click("text=Upload")
    rooms.wait_for_selector(f"td.main-cell >> text={name}")
    assert offsets[0] == 200_000


def test_a_file_that_is_no_snapshot_is_told_on_the_page(rooms, tmp_path):
    file = tmp_path / "letters.tar"
    file.write_bytes(b"Dear all, " * 1000)
    rooms.set_input_files("#file", file)
    rooms.click("text=Upload")
    rooms.wait_for_selector("text=This is no snapshot that was downloaded or exported")
