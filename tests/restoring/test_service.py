"""Restore, undo, preview and drill as operators use them, from the shell and from their pages."""

import pytest

from releaseapp.operations.models import Kind
from releaseapp.operations.service import perform
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.restoring import service
from releaseapp.snapshots.restoring.work import drilling, restoring, undoing
from releaseapp.snapshots.service import Snapshots, list_snapshots, make_snapshot
from releaseapp.storage import look_into_vault
from releaseapp.workflows.service import create_workflow
from releaseapp.workflows.store import By, Store


@pytest.fixture
def server(place):
    place.s = Snapshots(place.db, place.file, place.settings, look_into_vault(place.db, place.settings))
    return place


def restore(server, name):
    return perform(server.db, Kind.RESTORE, None, lambda report: restoring(server.s, name, report))


def undo(server):
    return perform(server.db, Kind.RESTORE, None, lambda report: undoing(server.s, report))


def agents(server):
    return [row["name"] for row in server.db.all("SELECT name FROM agents ORDER BY id")]


def test_a_restore_keeps_what_it_replaces_and_undo_goes_back_and_forth(server):
    then = agents(server)
    name = make_snapshot(server.s, Reason.ASKED, None).manifest.name
    server.do("UPDATE agents SET name = 'Changed'")
    done = restore(server, name)
    assert agents(server) == then
    before = next(one for one in list_snapshots(server.s) if one.manifest.name == done.result["before"])
    assert before.manifest.reason is Reason.RESTORE
    assert name in before.manifest.note
    assert done.result["seconds_writes_waited"] < done.result["seconds"]
    for expected in (["Changed"] * len(then), then, ["Changed"] * len(then)):
        undo(server)
        assert agents(server) == expected


def test_undo_without_a_restore_is_refused(server):
    with pytest.raises(Exception, match="nothing to undo"):
        undo(server)


def test_the_preview_tells_in_figures_and_names_what_would_be_lost(server):
    name = make_snapshot(server.s, Reason.ASKED, None).manifest.name
    workspace = server.db.first("SELECT id FROM workspaces ORDER BY id LIMIT 1")["id"]
    definition = {"name": "Nightly", "steps": [{"id": "a", "type": "transform", "config": {"value": 1}}]}
    create_workflow(Store(server.db, server.file), workspace, definition, By(None))
    server.do("DELETE FROM memberships WHERE role = 'editor'")
    loss = service.preview(server.s, name)
    assert loss.possible
    workflows, members = (next(one for one in loss.counts if one.what == what) for what in ("workflows", "members"))
    assert (workflows.lost, workflows.names) == (1, ["Nightly"])
    assert members.back >= 1
    assert "1 workflow" in loss.sentence
    assert any("casey.editor@example.com" in sentence for sentence in loss.sentences)


def test_a_drill_looks_at_the_newest_and_touches_nothing(server):
    make_snapshot(server.s, Reason.ASKED, None)
    before = server.rows("agents"), server.rows("accounts"), server.file.read().revision
    done = perform(server.db, Kind.DRILL, None, lambda report: drilling(server.s, report))
    assert done.result["counts"]["agents"] == len(before[0])
    assert "can be put back" in done.sentence
    assert (server.rows("agents"), server.rows("accounts"), server.file.read().revision) == before


def test_a_snapshot_newer_than_this_version_is_refused_with_the_version_that_fits(server, monkeypatch):
    name = make_snapshot(server.s, Reason.ASKED, None).manifest.name
    from releaseapp.snapshots.restoring import service as module

    known = module.known_migrations()
    monkeypatch.setattr(module, "known_migrations", lambda: known[:-1])
    with pytest.raises(Exception, match=r"does not know m\d+.*Start releaseapp"):
        restore(server, name)
    assert len(list_snapshots(server.s)) == 1
