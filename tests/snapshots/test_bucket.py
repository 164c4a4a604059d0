"""Copies in a bucket, on a real server that speaks S3."""

import os
import secrets
import urllib.request
import warnings
from contextlib import closing

import pytest
from click.testing import CliRunner
from conftest import write_ini

from releaseapp.caretaker import Caretaker
from releaseapp.cli import main
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.snapshots import archive, bucket, service
from releaseapp.snapshots.importing import carried
from releaseapp.snapshots.models import Damaged, Reason
from releaseapp.snapshots.work import making

KEYS = {"snapshot_s3_key_id": "an-id", "snapshot_s3_key": "a-key-that-nobody-may-read"}


@pytest.fixture(scope="module")
def store():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from moto.server import ThreadedMotoServer
    except ImportError as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"there is no moto: {error}")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def there(store, changed):
    """The place of ``here`` with a bucket of its own."""
    name = f"bucket-{secrets.token_hex(6)}"
    with urllib.request.urlopen(urllib.request.Request(f"{store}/{name}", method="PUT")):
        pass
    return changed(snapshot_s3_url=f"s3://{name}/of/aurora", snapshot_s3_endpoint=store, **KEYS)


@pytest.fixture
def nowhere(changed, monkeypatch):
    monkeypatch.setattr(bucket, "_PATIENCE", bucket.timedelta(seconds=1))
    monkeypatch.setattr(bucket, "_RETRIES", 0)
    return changed(snapshot_s3_url="s3://nobody", snapshot_s3_endpoint="http://127.0.0.1:9", **KEYS)


def lose_folder(s):
    for path in s.settings.snapshots.iterdir():
        path.unlink()


def test_a_snapshot_is_copied_and_found_whole_when_the_folder_is_lost(there):
    kept = service.make_snapshot(there, Reason.ASKED, None)
    name = kept.manifest.name
    assert kept.places == ["folder", "s3"]
    assert service.list_snapshots(there) == [kept]
    lose_folder(there)
    (found,) = service.list_snapshots(there)
    assert (found.manifest, found.bytes, found.places) == (kept.manifest, kept.bytes, ["s3"])
    assert service.verify_snapshot(there, name) == []
    assert not archive.archive_path(there.settings, name).exists()


def test_what_lies_in_the_bucket_is_encrypted_when_snapshots_are(there, changed):
    s = changed(
        **{name: getattr(there.settings, name) for name in ("snapshot_s3_url", "snapshot_s3_endpoint", *KEYS)},
        snapshot_secret="a secret for snapshots alone, long and varied: 24680",
    )
    name = service.make_snapshot(s, Reason.ASKED, None).manifest.name
    lose_folder(s)
    with pytest.raises(Damaged, match="SNAPSHOT_SECRET"), service.opened(there, name):
        pass
    assert service.verify_snapshot(s, name) == []


def test_a_copy_that_was_changed_there_is_refused(there):
    name = service.make_snapshot(there, Reason.ASKED, None).manifest.name
    data = bytearray(archive.archive_path(there.settings, name).read_bytes())
    data[len(data) // 2] ^= 1
    bucket.bucket_of(there.settings)._store.put(f"{name}.snapshot", bytes(data))
    lose_folder(there)
    assert service.verify_snapshot(there, name)


def test_deleting_and_pruning_take_it_from_both_places(there):
    names = [service.make_snapshot(there, Reason.ASKED, None).manifest.name for _ in range(2)]
    service.delete_snapshot(there, names[0], None)
    lose_folder(there)
    assert [one.manifest.name for one in service.list_snapshots(there)] == names[1:]
    service.delete_snapshot(there, names[1], None)
    assert service.list_snapshots(there) == []


def test_a_bucket_that_does_not_answer_costs_no_snapshot_and_tells_no_key(nowhere, caplog):
    ended = operations.perform(nowhere.db, Kind.SNAPSHOT, None, lambda report: making(nowhere, report))
    assert "did not take a copy" in ended.sentence
    (kept,) = service.list_snapshots(nowhere)
    assert kept.places == ["folder"]
    with pytest.raises(bucket.Unreachable, match=r"s3://nobody did not answer"):
        service.delete_snapshot(nowhere, kept.manifest.name, None)
    assert service.list_snapshots(nowhere) == [kept]
    assert "is in the folder alone" in caplog.text
    assert KEYS["snapshot_s3_key"] not in caplog.text + ended.sentence


def test_what_was_not_copied_is_copied_with_the_next_that_the_clock_makes(there, here, changed):
    before = service.make_snapshot(here, Reason.RESTORE, None).manifest.name
    assert [one.places for one in service.list_snapshots(there)] == [["folder"]]
    archive.manifest_path(here.settings, before).write_bytes(
        archive.manifest_path(here.settings, before).read_bytes().replace(b'"made_at": "20', b'"made_at": "19')
    )
    assert Kind.SNAPSHOT in Caretaker(there).look()
    assert [one.places for one in service.list_snapshots(there)] == [["folder", "s3"]] * 2


def test_a_bucket_that_is_not_there_is_said(there, changed):
    names = ("snapshot_s3_endpoint", *KEYS)
    s = changed(snapshot_s3_url="s3://not-there", **{name: getattr(there.settings, name) for name in names})
    with pytest.raises(bucket.Unreachable, match="404 Not Found"):
        bucket.bucket_of(s.settings).names()


def test_the_list_asks_the_bucket_once_for_what_it_holds_alone(there, monkeypatch):
    kept = service.make_snapshot(there, Reason.ASKED, None)
    lose_folder(there)
    assert len(service.list_snapshots(there)) == 1
    monkeypatch.setattr(bucket.Bucket, "find", lambda *_: pytest.fail("asked again"))
    assert [one.manifest for one in service.list_snapshots(there)] == [kept.manifest]


def test_what_somebody_deleted_in_the_bucket_itself_is_not_listed_any_more(there):
    name = service.make_snapshot(there, Reason.ASKED, None).manifest.name
    lose_folder(there)
    assert len(service.list_snapshots(there)) == 1
    bucket.bucket_of(there.settings).delete(name)
    assert service.list_snapshots(there) == []
    assert list(there.settings.snapshots.iterdir()) == []


@pytest.mark.parametrize("content", [b'{"note":"\xff"}', b'{"x":' + b"[" * 100_000, b"[]"])
def test_a_manifest_in_the_bucket_that_is_none_hides_no_other(there, tmp_path, content):
    name = service.make_snapshot(there, Reason.ASKED, None).manifest.name
    strange = tmp_path / "strange"
    strange.write_bytes(content)
    bucket.bucket_of(there.settings).send("20260101T000000Z-00000000", strange, strange)
    assert [one.manifest.name for one in service.list_snapshots(there)] == [name]


def test_one_that_is_in_the_bucket_alone_is_downloaded_from_there(there):
    kept = service.make_snapshot(there, Reason.ASKED, None)
    with closing(carried(there, kept.manifest.name)) as parcel:
        content = b"".join(parcel)
    lose_folder(there)
    with closing(carried(there, kept.manifest.name)) as parcel:
        assert b"".join(parcel) == content
    assert service.find_snapshot(there, kept.manifest.name).places == []


def ini_of(s, folder):
    names = ("snapshot_s3_url", "snapshot_s3_endpoint", *KEYS)
    return write_ini(folder, "development", *(f"{name} = {getattr(s.settings, name)}" for name in names))


def test_the_page_and_the_command_say_where_each_one_is_and_that_a_bucket_does_not_answer(
    there, nowhere, app, tmp_path, monkeypatch
):
    made = service.make_snapshot(there, Reason.ASKED, None).manifest.name
    registry = app.app.registry
    registry.snapshots = there
    page = app.as_browser("avery.owner@example.com")
    assert "folder, bucket" in page.get("/release/snapshots").text
    ini = ini_of(there, tmp_path)
    assert "in the bucket" in CliRunner().invoke(main, ["snapshot", "list", str(ini)]).stdout
    registry.snapshots = nowhere
    silent = page.get("/release/snapshots").text
    assert "What is in the bucket is not shown. s3://nobody did not answer" in silent
    assert made in silent
    said = CliRunner().invoke(main, ["snapshot", "list", str(ini_of(nowhere, tmp_path))])
    assert (said.exit_code, made in said.stdout, "s3://nobody did not answer" in said.stderr) == (0, True, True)


def test_what_tells_of_work_does_not_ask_the_bucket(there, app, monkeypatch):
    app.app.registry.snapshots = there
    page = app.as_browser("avery.owner@example.com")
    monkeypatch.setattr(bucket.Bucket, "names", lambda _: pytest.fail("asked"))
    assert "Nothing has been done to the server yet" in page.get("/release/snapshots?fragment=work")
