"""The role matrix of a snapshot, compared with now: by command and page."""

import pytest
from click.testing import CliRunner
from conftest import settings_for

from releaseapp.cli import main

service = pytest.importorskip("releaseapp.snapshots.service", reason="this version makes no snapshots")

AVERY = "avery.owner@example.com"


@pytest.fixture
def name(app, tmp_path):
    """A snapshot, and a member who came after it."""
    from releaseapp.snapshots.models import Reason

    r = app.app.registry
    kept = service.make_snapshot(service.Snapshots(r.db, r.workflow_file, r.app_settings, r.vault), Reason.ASKED, None)
    member = {"email": "devon.viewer@example.com", "role": "viewer"}
    app.as_program(AVERY).post_json("/workspaces/aurora/members", member, status=201)
    return kept.manifest.name


def test_the_page_compares_with_the_newest_snapshot_when_asked(app, name):
    page = app.as_browser(AVERY).get("/release/roles?against=snapshot")
    assert name in page.text
    assert "devon.viewer@example.com is now a viewer of Aurora Research Lab." in page.text


def test_the_command_compares_a_snapshot_with_now(app, name, tmp_path):
    settings = settings_for(tmp_path)
    ini = tmp_path / "server.ini"
    ini.write_text(
        f"[app:main]\nuse = egg:releaseapp\njwt_secret = {settings.jwt_secret}\n"
        f"credentials_secret = {settings.credentials_secret}\n"
        f"agent_db_path = {settings.agent_db_path}\nworkflow_store_path = {settings.workflow_store_path}\n"
    )
    told = CliRunner().invoke(main, ["roles", "diff", str(ini), name])
    assert (told.exit_code, "devon.viewer@example.com is now a viewer" in told.output) == (1, True), told.output
    assert "A snapshot has no routes" in told.output
    gone = CliRunner().invoke(main, ["roles", "diff", str(ini), "20000101T000000Z-00000000"])
    assert gone.exit_code == 2
