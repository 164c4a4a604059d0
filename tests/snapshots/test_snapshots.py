"""Snapshots as one makes them, looks at them, and keeps them."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner
from conftest import settings_for, write_ini
from databases import postgres, target  # noqa: F401 - fixtures
from pasts import tools
from running import until_over

import releaseapp
from releaseapp import clock
from releaseapp.caretaker import Caretaker
from releaseapp.cli import main
from releaseapp.credentials.vault import open_vault
from releaseapp.db.migrations import known_migrations
from releaseapp.errors import Busy, NotFound, SettingsError
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.seeds import seed
from releaseapp.served import note_version
from releaseapp.snapshots import archive, service
from releaseapp.snapshots.models import Damaged, Reason
from releaseapp.snapshots.restoring.work import drilling
from releaseapp.snapshots.service import Snapshots
from releaseapp.storage import open_database, open_workflows

AVERY = "avery.owner@example.com"
OTHER = "a third secret, for snapshots alone, long enough: 5432"


@pytest.fixture
def place(target, tmp_path):  # noqa: F811 - the fixture
    on_postgres = target.startswith("postgresql")
    settings = settings_for(tmp_path, agent_db_path=target, postgres_tools=tools(target) if on_postgres else "")
    db = open_database(settings)
    seed(db, settings)
    yield Snapshots(db, open_workflows(settings), settings, open_vault(settings))
    db.close()


def make(s, reason=Reason.ASKED, **more):
    return service.make_snapshot(s, reason, None, **more).manifest.name


def test_a_snapshot_holds_the_state_of_one_moment_and_is_whole(place):
    kept = service.make_snapshot(place, Reason.ASKED, "acc_1", note="before the move")
    with place.db.transaction() as tx:
        tx.run("DELETE FROM agents")
    assert service.verify_snapshot(place, kept.manifest.name) == []
    found = service.find_snapshot(place, kept.manifest.name)
    assert found.verified_at is not None
    assert found.manifest.counts["agents"] == 6
    assert found.manifest.migrations == [one.name for one in known_migrations()]
    assert (found.manifest.note, found.manifest.actor, found.manifest.engine) == (
        "before the move", "acc_1", place.db.engine,
    )  # fmt: skip
    assert place.db.first("SELECT data FROM events WHERE type = 'snapshot.made'") is not None


def test_writers_go_on_while_the_database_is_copied(here, monkeypatch):
    from releaseapp.db.moment import SqliteMoment

    copy = SqliteMoment.copy_to

    def copy_beside_a_writer(self, path, tell):
        with here.db.transaction() as tx:
            tx.run("UPDATE agents SET name = 'Later'")
        copy(self, path, tell)

    monkeypatch.setattr(SqliteMoment, "copy_to", copy_beside_a_writer)
    name = make(here)
    with service.opened(here, name) as unpacked, closing(sqlite3.connect(unpacked.database)) as past:
        names = {row[0] for row in past.execute("SELECT name FROM agents")}
    assert "Later" not in names
    assert here.db.first("SELECT name FROM agents")["name"] == "Later"


@pytest.mark.parametrize("secret", ["", OTHER])
@pytest.mark.parametrize("place_of_damage", [0.0, 0.3, 0.7, 1.0])
def test_a_byte_that_is_another_is_found(here, secret, place_of_damage, changed):
    s = changed(snapshot_secret=secret)
    name = make(s)
    path = archive.archive_path(s.settings, name)
    data = bytearray(path.read_bytes())
    # The end of a tar is filled up with zeros, which nobody reads; of a sealed one every byte counts.
    last = len(data) - 1 if secret else len(data) - 20_000
    at = int(last * place_of_damage)
    data[at] ^= 1
    path.write_bytes(data)
    faults = service.verify_snapshot(s, name)
    assert faults
    assert service.find_snapshot(s, name).verified_at is None


def test_an_encrypted_snapshot_gives_nothing_without_its_secret(here, changed):
    s = changed(snapshot_secret=OTHER)
    name = make(s)
    data = archive.archive_path(s.settings, name).read_bytes()
    for plain in (b"SQLite format", b"avery.owner", b"workflows", OTHER.encode()):
        assert plain not in data
    with pytest.raises(Damaged, match="SNAPSHOT_SECRET"), service.opened(here, name):
        pass
    assert service.verify_snapshot(s, name) == []
    assert "set SNAPSHOT_SECRET" in service.verify_snapshot(here, name)[0]
    with pytest.raises(Damaged, match="set SNAPSHOT_SECRET"):
        operations.perform(here.db, Kind.DRILL, None, lambda report: drilling(here, report))
    assert service.find_snapshot(s, name).verified_at is not None
    later = changed(snapshot_secret="yet another secret, long and varied: 2468-13579", snapshot_secret_previous=OTHER)
    assert service.verify_snapshot(later, name) == []


def test_an_archive_that_was_cut_off_is_refused(here, changed):
    for secret in ("", OTHER):
        s = changed(snapshot_secret=secret)
        name = make(s)
        path = archive.archive_path(s.settings, name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert service.verify_snapshot(s, name)


def test_what_is_half_made_is_not_in_the_list_and_a_full_disk_leaves_nothing(here, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "write_manifest", full)
    with pytest.raises(Busy, match=r"No space left on device.*snapshot_folder"):
        make(here)
    assert service.list_snapshots(here) == []
    assert list(here.settings.snapshots.iterdir()) == []


def test_the_folder_is_nobody_elses(here):
    name = make(here)
    assert here.settings.snapshots.stat().st_mode & 0o777 == 0o700
    for path in (archive.archive_path(here.settings, name), archive.manifest_path(here.settings, name)):
        assert path.stat().st_mode & 0o777 == 0o600
    assert service.verify_snapshot(here, name) == []
    assert {path.stat().st_mode & 0o777 for path in here.settings.snapshots.iterdir()} == {0o600}


@pytest.mark.parametrize("name", ["../agents", "20261124T012000Z-3f9a2c41", "", "x" * 500, "20261124T012000Z-3F9A2C4/"])
def test_a_name_that_is_none_leads_nowhere(here, name):
    with pytest.raises(NotFound):
        service.find_snapshot(here, name)


def test_the_newest_and_the_young_and_the_whole_are_kept(here, monkeypatch, changed):
    s = changed(snapshot_keep_count=2, snapshot_keep_days=10)
    now = clock.now()
    names = []
    for days in (40, 30, 20, 5, 1, 0):
        monkeypatch.setattr(clock, "now", lambda days=days: now - clock.timedelta(days=days))
        names.append(make(s))
    service.verify_snapshot(s, names[1])
    would = [one.manifest.name for one in service.prune_snapshots(s, dry_run=True)]
    assert would == [names[0], names[2]]
    assert len(service.list_snapshots(s)) == 6
    service.prune_snapshots(s)
    assert [one.manifest.name for one in service.list_snapshots(s)] == [names[5], names[4], names[3], names[1]]


def test_the_caretaker_makes_what_is_due_once_and_tries_again_later_when_it_failed(here, monkeypatch, changed):
    s = changed(snapshot_every_hours=24, drill_every_hours=24)
    assert Caretaker(s).look() == [Kind.SNAPSHOT, Kind.DRILL]
    assert Caretaker(s).look() == []
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + clock.timedelta(hours=25))
    shutil.rmtree(s.settings.snapshots)
    s.settings.snapshots.write_text("in the way")
    assert Caretaker(s).look() == []
    s.settings.snapshots.unlink()
    assert Caretaker(s).look() == []
    monkeypatch.setattr(clock, "now", lambda: now + clock.timedelta(hours=27))
    assert Caretaker(s).look() == [Kind.SNAPSHOT, Kind.DRILL]


def test_nothing_is_due_where_it_is_switched_off(here, changed):
    assert Caretaker(changed(snapshot_every_hours=0, drill_every_hours=0)).look() == []


def test_a_newer_schema_begins_with_a_snapshot_of_the_old_one(settings, seeded, monkeypatch):
    from releaseapp.db import migrate as migrating
    from releaseapp.db.migrations import Migration

    newer = [*known_migrations(), Migration("m9999_more", ["CREATE TABLE more (id TEXT PRIMARY KEY)"])]
    with monkeypatch.context() as former:
        former.setattr(releaseapp, "__version__", "0.0.9")
        note_version(seeded)
    monkeypatch.setattr(migrating, "known_migrations", lambda: newer)
    settings.snapshots.write_text("in the way")
    with pytest.raises(SettingsError, match=r"The schema is not changed.*snapshot_before_migrations"):
        open_database(settings)
    settings.snapshots.unlink()
    db = open_database(settings)
    s = Snapshots(db, open_workflows(settings), settings, open_vault(settings))
    (kept,) = service.list_snapshots(s)
    assert (kept.manifest.reason, kept.manifest.note) == (Reason.MIGRATION, "Before m9999_more")
    assert "more" not in kept.manifest.counts
    assert kept.manifest.app_version == "0.0.9"
    db.close()


@pytest.fixture
def ini(tmp_path, settings, seeded):
    return write_ini(tmp_path)


def run(*words):
    return CliRunner().invoke(main, ["snapshot", *map(str, words)])


def test_the_commands_make_list_verify_and_prune(ini, here):
    made = json.loads(run("create", ini, "--json", "--note", "by hand").stdout)
    assert made["name"] in run("list", ini).output
    assert json.loads(run("list", ini, "--json").stdout)["items"][0]["manifest"]["note"] == "by hand"
    assert run("verify", ini).exit_code == 0
    archive.archive_path(here.settings, made["name"]).write_bytes(b"other")
    said = run("verify", ini, made["name"])
    assert (said.exit_code, "is not whole" in said.output) == (1, True)
    assert run("verify", ini, "nothing").exit_code == 2
    assert "0 would be deleted" in run("prune", ini, "--dry-run").output


def test_without_a_snapshot_verify_says_how_to_make_one(ini):
    said = run("verify", ini)
    assert (said.exit_code, "There is no snapshot yet. Make one" in said.output) == (2, True)


def test_a_folder_that_is_none_is_refused_in_a_sentence_by_each_command(ini, here, tmp_path):
    made = json.loads(run("create", ini, "--json").stdout)["name"]
    parcel = tmp_path / "parcel.tar"
    assert run("export", ini, made, "--to", parcel).exit_code == 0
    for name, place in (("import", parcel), ("create", "")):
        here.settings.snapshots.rename(tmp_path / "away")
        here.settings.snapshots.write_text("a file")
        said = run(name, ini, *([place] if place else []))
        here.settings.snapshots.unlink()
        (tmp_path / "away").rename(here.settings.snapshots)
        assert (said.exit_code, "snapshot_folder" in said.output) == (2, True), said.output


def test_a_disk_that_makes_no_folder_to_open_a_snapshot_in_is_told_as_that(here, monkeypatch):
    name = make(here)

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.tempfile, "mkdtemp", full)
    with pytest.raises(Busy, match="No space left on device"):
        service.verify_snapshot(here, name)


def test_an_operator_makes_looks_at_fetches_and_deletes_one_by_page(app, settings):
    registry = app.app.registry
    s = Snapshots(registry.db, registry.workflow_file, registry.app_settings, registry.vault)
    name = make(s)
    page = app.as_browser(AVERY)
    assert name in page.get("/release/snapshots").text
    one = page.get(f"/release/snapshots/{name}")
    assert "not encrypted" in one.text
    fetched = page.get(f"/release/snapshots/{name}/archive")
    assert archive.archive_path(s.settings, name).read_bytes() in fetched.body
    assert fetched.headers["Content-Disposition"] == f'attachment; filename="{name}.tar"'
    one.forms[next(number for number, form in one.forms.items() if form.action.endswith("/delete"))].submit(status=303)
    assert f'href="/release/snapshots/{name}"' not in page.get("/release/snapshots").text
    page.get(f"/release/snapshots/{name}", status=404)


def test_a_program_of_an_operator_asks_for_one_and_reads_how_it_went(app):
    avery = app.as_program(AVERY)
    begun = avery.post_json("/release/snapshots", {}, status=202).json
    assert begun["kind"] == "snapshot"
    until_over(begun["id"])
    (kept,) = avery.get("/release/snapshots").json["items"]
    assert avery.get(f"/release/snapshots/{kept['manifest']['name']}").json == kept
    avery.delete(f"/release/snapshots/{kept['manifest']['name']}", status=204)
    assert avery.get("/release/snapshots").json["items"] == []
