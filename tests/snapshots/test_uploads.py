"""Snapshots that come in over HTTP: part by part, gone on with, refused, looked through, and by page with progress."""

import threading
from contextlib import closing

import pytest
from running import until_over

from releaseapp import clock
from releaseapp.snapshots import service, upload_views, uploads
from releaseapp.snapshots.importing import carried
from releaseapp.snapshots.models import Reason

AVERY = "avery.owner@example.com"
UPLOADS = "/release/snapshots/uploads"
PART = "application/offset+octet-stream"


@pytest.fixture
def ground(app):
    return app.app.registry.snapshots


@pytest.fixture
def parcel(ground):
    """A snapshot of now in one file, which is not on the shelf any more; its name and its bytes."""
    name = service.make_snapshot(ground, Reason.ASKED, None).manifest.name
    with closing(carried(ground, name)) as found:
        content = b"".join(found)
    service.delete_snapshot(ground, name, None)
    return name, content


@pytest.fixture
def avery(app):
    return app.as_program(AVERY)


def begin(person, length):
    answer = person.post(UPLOADS, headers={"Upload-Length": str(length)}, status=201)
    return answer.headers["Location"].removeprefix("http://localhost")


def send(person, place, offset, part, **more):
    return person.patch(place, part, headers={"Upload-Offset": str(offset)}, content_type=PART, **more)


def send_all(person, content):
    place = begin(person, len(content))
    for offset in range(0, len(content), 200_000):
        send(person, place, offset, content[offset : offset + 200_000], status=204)
    return place


def take_in(person, place):
    begun = person.post(f"{place}/import", status=202).json
    until_over(begun["id"])
    return next(one for one in person.get("/release/operations").json["items"] if one["id"] == begun["id"])


def test_a_snapshot_comes_in_by_parts_and_is_taken_in_whole(avery, parcel, ground):
    name, content = parcel
    place = begin(avery, len(content))
    first = send(avery, place, 0, content[:100_000], status=204)
    assert (first.headers["Upload-Offset"], first.headers["Tus-Resumable"]) == ("100000", "1.0.0")
    # The answer to the next one is lost: whoever sends asks how far it is.
    send(avery, place, 100_000, content[100_000:300_000])
    asked = avery.head(place)
    assert (asked.headers["Upload-Offset"], asked.headers["Upload-Length"]) == ("300000", str(len(content)))
    refused = send(avery, place, 100_000, content[100_000:300_000], status=409).json
    assert refused["offset"] == 300_000
    assert avery.post(f"{place}/import", status=409).json["detail"].endswith("send the rest first.")
    send(avery, place, 300_000, content[300_000:])
    ended = take_in(avery, place)
    assert (ended["status"], ended["kind"]) == ("done", "import")
    assert avery.get("/release/snapshots").json["items"][0]["manifest"]["name"] == name
    assert service.verify_snapshot(ground, name) == []
    avery.get(place, status=404)
    assert avery.get(UPLOADS).json["items"] == []


def test_what_is_refused_says_why_and_may_be_tried_again_without_being_sent_again(avery, parcel, ground):
    _, content = parcel
    place = send_all(avery, content[:90_000] + b"!" + content[90_001:])
    for _ in range(2):
        ended = take_in(avery, place)
        assert ended["status"] == "failed"
        assert "is damaged" in ended["sentence"] or "not what its manifest says" in ended["sentence"]
    assert service.list_snapshots(ground) == []
    avery.delete(place, status=204)
    assert list(ground.settings.snapshots.iterdir()) == []


def test_what_is_no_snapshot_at_all_is_refused(avery, ground):
    ended = take_in(avery, send_all(avery, b"x" * 300_000))
    assert (ended["status"], "no snapshot" in ended["sentence"]) == ("failed", True)


@pytest.mark.parametrize("length", ["", "0", "-1", "1e9", "9" * 40, "٣"])
def test_a_length_that_is_none_is_refused_with_the_name_of_the_header(avery, length):
    said = avery.post(UPLOADS, headers={"Upload-Length": length.encode().decode("latin-1")}, status=400).json
    assert said["errors"][0]["pointer"] == "/Upload-Length"


def test_a_file_for_which_there_is_no_room_is_refused_before_it_is_sent(avery):
    said = avery.post(UPLOADS, headers={"Upload-Length": "900000000000000"}, status=503).json
    assert "needs room for" in said["detail"]


def test_parts_that_do_not_fit_are_refused_and_change_nothing(avery, ground):
    place = begin(avery, 1000)
    send(avery, place, 0, b"x" * 1001, status=400)
    send(avery, place, 5, b"x", status=409)
    avery.patch(place, b"x", headers={"Upload-Offset": "0"}, content_type="application/json", status=415)
    avery.patch(place, b"x", content_type=PART, status=400)
    send(avery, place, 0, b"x" * (ground.settings.max_body_bytes + 1), status=413)
    for name in ("upl_000000000000000000000000", "upl_*", "%2e%2e%2fagents.db", "x" * 300):
        avery.get(f"{UPLOADS}/{name}", status=404)
    assert avery.get(place).json["offset"] == 0


def test_a_disk_that_is_full_in_the_middle_of_a_part_leaves_none_of_it(avery, ground, monkeypatch):
    place = begin(avery, 1000)
    send(avery, place, 0, b"x" * 400)
    write = uploads.Path.open

    class Full:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            self.file.close()

        def write(self, data):
            self.file.write(data[:100])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads.Path, "open", lambda *words, **options: Full(write(*words, **options)))
    said = send(avery, place, 400, b"x" * 600, status=503).json
    assert "takes no more" in said["detail"]
    assert avery.get(place).json["offset"] == 400


def test_a_part_for_an_upload_that_is_ended_meanwhile_is_refused(avery, ground, monkeypatch):
    place = begin(avery, 1000)
    found = uploads.find_upload(ground.settings, place.rpartition("/")[2])
    uploads.end_upload(ground.settings, found.id)
    monkeypatch.setattr(uploads, "find_upload", lambda *_words: found)
    assert "no such upload" in send(avery, place, 0, b"x", status=404).json["detail"]


def test_an_upload_that_is_ended_while_it_is_taken_in_makes_no_failure_of_it(avery, parcel, ground, monkeypatch):
    name, content = parcel
    place = send_all(avery, content)
    real = upload_views.importing

    def ended_meanwhile(*words):
        ended = real(*words)
        uploads.end_upload(ground.settings, place.rpartition("/")[2])
        return ended

    monkeypatch.setattr(upload_views, "importing", ended_meanwhile)
    done = take_in(avery, place)
    assert (done["status"], name in done["sentence"]) == ("done", True), done


def test_two_who_send_the_same_part_write_it_once(ground):
    upload = uploads.begin_upload(ground.settings, 2_000_000)
    part = b"x" * 1_000_000
    results = []

    def work():
        try:
            results.append(uploads.append_part(ground.settings, upload.id, 0, part).offset)
        except uploads.Conflict:
            results.append("refused")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == ["1000000", *["refused"] * 7]
    assert uploads.find_upload(ground.settings, upload.id).offset == 1_000_000


def test_what_is_left_lying_goes_after_a_day_and_no_more_than_four_lie_at_a_time(app, avery, ground, monkeypatch):
    for _ in range(4):
        begin(avery, 10)
    assert "uploads are under way" in avery.post(UPLOADS, headers={"Upload-Length": "10"}, status=409).json["detail"]
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + clock.timedelta(hours=25))
    begin(app.as_program(AVERY), 10)
    assert len(uploads.list_uploads(ground.settings)) == 1


def test_who_is_no_operator_sends_nothing(app):
    casey = app.as_program("casey.editor@example.com")
    casey.post(UPLOADS, headers={"Upload-Length": "10"}, status=403)


def test_a_browser_needs_the_token_of_its_page(app):
    page = app.as_browser(AVERY)
    page.post(UPLOADS, headers={"Upload-Length": "10", "Accept": "application/json"}, status=403)


def test_the_page_tells_of_uploads_that_were_not_ended(app, avery):
    send(avery, begin(avery, 4_000_000), 0, b"x" * 1_000_000)
    page = app.as_browser(AVERY)
    shown = page.get("/release/snapshots")
    assert "1.0 of 4.0 MB came in" in shown.text
    form = next(form for form in shown.forms.values() if form.action.endswith("/delete"))
    form.submit(status=303)
    assert "came in with an upload" not in page.get("/release/snapshots").text
