"""Which snapshots stay, and who makes the next one."""

import threading

import pytest

from releaseapp import clock
from releaseapp.caretaker import Caretaker
from releaseapp.credentials.vault import open_vault
from releaseapp.errors import Conflict
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind, Status
from releaseapp.snapshots import service
from releaseapp.snapshots.archive import archive_path
from releaseapp.snapshots.models import Damaged, Reason
from releaseapp.snapshots.restoring.remembered import set_newest_restore
from releaseapp.snapshots.restoring.work import drilling
from releaseapp.snapshots.service import Snapshots
from releaseapp.storage import open_database, open_workflows


@pytest.fixture
def old(here, changed, monkeypatch):
    """Three snapshots of which none need be kept: they are old, and fewer than they are wanted."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now - clock.timedelta(days=90))
    names = [service.make_snapshot(here, Reason.ASKED, None).manifest.name for _ in range(3)]
    monkeypatch.setattr(clock, "now", lambda: now)
    s = changed(snapshot_keep_count=1, snapshot_keep_days=1)
    service.make_snapshot(s, Reason.ASKED, None)
    return s, sorted(names)


def test_what_a_release_under_way_would_go_back_to_stays_until_it_is_over(old):
    s, names = old
    with s.db.transaction() as tx:
        tx.run(
            "INSERT INTO releases (id, status, from_version, to_version, why, snapshot, roles, started_at)"
            " VALUES ('rel_1', 'started', '1', '2', 'new', :name, '{}', '2026')",
            name=names[0],
        )
    with pytest.raises(Conflict, match="release under way"):
        service.delete_snapshot(s, names[0], None)
    assert sorted(one.manifest.name for one in service.prune_snapshots(s)) == names[1:]
    with s.db.transaction() as tx:
        tx.run("UPDATE releases SET finished_at = '2026'")
    assert [one.manifest.name for one in service.prune_snapshots(s)] == names[:1]


def test_what_undoing_the_newest_restore_would_put_back_stays(old):
    s, names = old
    with s.db.transaction() as tx:
        set_newest_restore(tx, {"snapshot": "x", "before": names[1], "at": "2026", "actor": None})
    assert sorted(one.manifest.name for one in service.prune_snapshots(s)) == [names[0], names[2]]


def test_what_another_deletes_meanwhile_is_not_missed_by_who_prunes(old, monkeypatch):
    s, names = old
    real = service.list_snapshots

    def listed_before_another_deleted_it(s):
        found = real(s)
        service.delete_snapshot(s, names[0], None)
        return found

    monkeypatch.setattr(service, "list_snapshots", listed_before_another_deleted_it)
    assert sorted(one.manifest.name for one in service.prune_snapshots(s)) == names[1:]
    monkeypatch.undo()
    assert not {one.manifest.name for one in service.list_snapshots(s)} & set(names)


def test_what_a_drill_finds_damaged_does_not_count_as_the_newest_that_is_whole(old):
    s, names = old
    for name in names[1:]:
        assert service.verify_snapshot(s, name) == []
    newest = service.list_snapshots(s)[0].manifest.name
    assert service.verify_snapshot(s, newest) == []
    path = archive_path(s.settings, newest)
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(Damaged):
        operations.perform(s.db, Kind.DRILL, None, lambda report: drilling(s, report))
    assert service.find_snapshot(s, newest).verified_at is None
    assert names[2] not in {one.manifest.name for one in service.prune_snapshots(s)}


def test_a_mark_that_was_cut_off_hides_nothing(here):
    name = service.make_snapshot(here, Reason.ASKED, None).manifest.name
    assert service.verify_snapshot(here, name) == []
    mark = here.settings.snapshots / f"{name}.verified"
    mark.write_bytes(b"\xff\xfe")
    assert [one.verified_at for one in service.list_snapshots(here)] == [None]


def test_the_caretaker_prunes_after_a_snapshot_and_the_journal_says_what_went(old, changed):
    _, names = old
    s = changed(snapshot_every_hours=1, drill_every_hours=0, snapshot_keep_count=1, snapshot_keep_days=1)
    for one in service.list_snapshots(s):
        if one.manifest.name not in names:
            service.delete_snapshot(s, one.manifest.name, None)
    assert Caretaker(s).look() == [Kind.SNAPSHOT, Kind.PRUNE]
    newest = operations.newest_of(s.db, Kind.PRUNE)
    assert newest.sentence == "Deleted 3 snapshots that need not be kept any more."
    assert sorted(newest.result["names"]) == names


def test_of_several_processes_that_find_it_due_together_one_makes_it(here, changed, monkeypatch):
    settings = changed(drill_every_hours=0).settings
    places = [
        Snapshots(open_database(settings), open_workflows(settings), settings, open_vault(settings)) for _ in range(4)
    ]
    together = threading.Barrier(len(places))
    real = operations.newest_of
    first = threading.local()

    def found_due_by_all(db, kind):
        newest = real(db, kind)
        if not getattr(first, "met", False):
            first.met = True
            together.wait(20)
        return newest

    monkeypatch.setattr(operations, "newest_of", found_due_by_all)
    done = []
    threads = [threading.Thread(target=lambda s=s: done.extend(Caretaker(s).look())) for s in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == [Kind.SNAPSHOT]
    assert len(service.list_snapshots(here)) == 1
    journal = operations.list_operations(here.db)
    assert [(one.kind, one.status) for one in journal] == [(Kind.SNAPSHOT, Status.DONE)]
    for s in places:
        s.db.close()


def test_one_that_was_made_while_the_clock_was_wrong_does_not_stand_for_those_that_are_due(here, changed, monkeypatch):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + clock.timedelta(days=400))
    service.make_snapshot(here, Reason.ASKED, None)
    monkeypatch.setattr(clock, "now", lambda: now)
    caretaker = Caretaker(changed(drill_every_hours=0))
    assert caretaker.look() == [Kind.SNAPSHOT]
    assert caretaker.look() == []


def test_the_newest_of_the_folder_is_found_among_those_of_one_second_and_files_that_are_none(here):
    from releaseapp.snapshots.shelf import list_in_folder, newest_in_folder

    assert newest_in_folder(here.settings) is None
    for _ in range(4):
        service.make_snapshot(here, Reason.ASKED, None)
        assert newest_in_folder(here.settings) == list_in_folder(here.settings)[0]
    (here.settings.snapshots / "99991231T235959Z-00000000.json").write_text("{")
    (here.settings.snapshots / "99991231T235959Z-00000001.json").write_text('{"x":' + "[" * 100_000)
    (here.settings.snapshots / "zzz.json").write_text("{}")
    assert newest_in_folder(here.settings) == list_in_folder(here.settings)[0]
