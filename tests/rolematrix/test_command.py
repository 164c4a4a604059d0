"""``releaseapp roles``: shows, verifies, compares; writes nothing."""

import json
import shutil

import pytest
from click.testing import CliRunner
from conftest import SECRET, VAULT_SECRET

from releaseapp.cli import main
from releaseapp.db import connect


@pytest.fixture
def ini(tmp_path, seeded_folder):
    shutil.copytree(seeded_folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "server.ini"
    path.write_text(
        f"[app:main]\nuse = egg:releaseapp\njwt_secret = {SECRET.replace('%', '')}\n"
        f"credentials_secret = {VAULT_SECRET}\n"
        "agent_db_path = %(here)s/agents.db\nworkflow_store_path = %(here)s/workflows.json\n"
    )
    return path


def run(*words):
    return CliRunner().invoke(main, ["roles", *map(str, words)])


def change(ini, statement):
    db = connect(ini.parent / "agents.db")
    with db.transaction() as tx:
        tx.run(statement)
    db.close()


def test_show_tells_people_and_routes_as_table_json_and_yaml(ini):
    table = run("show", ini, "--workspace", "aurora", "--route", "POST /workspaces/{workspace}/agents")
    assert table.exit_code == 0, table.output
    assert "casey.editor@example.com  editor" in table.output
    row = next(line for line in table.output.splitlines() if "/agents " in line and "POST" in line)
    assert row.split()[2:] == ["-", "yes", "yes", "yes", "agents.edit"]
    assert json.loads(run("show", ini, "--json").output)["workspaces"]["aurora"]["people"]
    assert run("show", ini, "--yaml").output.startswith("# Who may do what")
    assert "there are aurora" in run("show", ini, "--workspace", "nowhere").output


def test_show_finds_in_any_case_and_tells_the_routes_of_the_server_too(ini):
    table = run("show", ini, "--route", "/RELEASE").output
    (row,) = [line for line in table.splitlines() if line.split()[:2] == ["GET", "/release/roles"]]
    assert row.split()[-1] == "operator"
    assert "avery.owner@example.com  owner" in run("show", ini, "--person", "AVERY").output


def test_verify_says_yes_to_what_show_has_written_and_names_every_difference(ini, tmp_path):
    expected = tmp_path / "expected.yaml"
    expected.write_text(run("show", ini, "--yaml").output)
    same = run("verify", ini, expected)
    assert (same.exit_code, same.output) == (0, "The role matrix is as expected.\n")
    change(ini, "UPDATE memberships SET role = 'owner' WHERE role = 'editor' AND workspace_id = 'workspace-aurora'")
    other = run("verify", ini, expected)
    assert other.exit_code == 1
    assert other.output == (
        "More than expected:\n  casey.editor@example.com is now an owner of Aurora Research Lab, no longer an editor.\n"
    )
    found = json.loads(run("verify", ini, expected, "--json").output)
    assert (found["same"], found["changes"][0]["way"]) == (False, "more")


def test_verify_names_who_has_no_account(ini, tmp_path):
    expected = tmp_path / "expected.yaml"
    text = run("show", ini, "--yaml").output.replace("casey.editor@", "cassey.editor@")
    expected.write_text(text)
    told = run("verify", ini, expected)
    assert told.exit_code == 1
    assert "cassey.editor@example.com has no account on this server; is it mistyped?" in told.output


def test_a_bad_file_is_refused_with_exit_code_2(ini, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("operators: [avery]\n")
    told = run("verify", ini, bad)
    assert told.exit_code == 2
    assert "bad.yaml: Line 1, /operators/0: 'avery' is not an e-mail address" in told.output
    bad.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in run("verify", ini, bad).output


def test_diff_compares_a_file_with_now_and_two_files(ini, tmp_path):
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(run("show", ini, "--yaml").output)
    change(ini, "UPDATE accounts SET is_operator = 1 WHERE email = 'casey.editor@example.com'")
    now = run("diff", ini, old)
    assert (now.exit_code, "casey.editor@example.com is now an operator" in now.output) == (1, True)
    new.write_text(old.read_text().replace("agents: agents.edit", "agents: agents.view"))
    two = run("diff", ini, old, new)
    assert "Viewers may now POST /workspaces/{workspace}/agents" in two.output
    assert run("diff", ini, old, old).exit_code == 0
    assert run("diff", ini, old, tmp_path / "none.yaml").exit_code == 2


def test_the_commands_write_nothing(ini, tmp_path):
    before = (tmp_path / "agents.db").read_bytes()
    workflows = (tmp_path / "workflows.json").exists()
    assert run("show", ini).exit_code == 0
    assert (tmp_path / "agents.db").read_bytes() == before
    assert (tmp_path / "workflows.json").exists() == workflows


def test_an_older_schema_and_a_missing_database_are_said_and_left_alone(ini, tmp_path):
    change(ini, "DELETE FROM _sqlite_migrations WHERE name = 'm0008_releases'")
    told = run("show", ini)
    assert told.exit_code == 2
    assert "not at the schema of this version" in told.output
    (tmp_path / "agents.db").unlink()
    assert "There is no database" in run("show", ini).output
    assert not (tmp_path / "agents.db").exists()
