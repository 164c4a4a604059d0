"""The command line: what it makes, and that it refuses in sentences."""

import pytest
from click.testing import CliRunner

from releaseapp.cli import main

STRONG = "x7Kq-vT2m+Yp9Zr4Ld8Ws1Nf6Hb3Jc5Ga0Ue"


@pytest.fixture
def ini(tmp_path):
    path = tmp_path / "server.ini"
    path.write_text(
        "[app:main]\nuse = egg:releaseapp\n"
        f"jwt_secret = {STRONG}\nagent_db_path = %(here)s/agents.db\nworkflow_store_path = %(here)s/workflows.json\n"
    )
    return path


def run(*words, **options):
    return CliRunner().invoke(main, [str(word) for word in words], **options)


def test_a_first_account_and_workspace_are_made_from_the_shell(ini):
    added = run("user", "add", ini, "ada@example.com", "--name", "Ada", "--operator", "--password", "a good password")
    assert added.exit_code == 0, added.output
    made = run("workspace", "add", ini, "team", "--name", "The Team", "--owner", "ADA@example.com")
    assert "owned by ada@example.com" in made.output


def test_refusals_are_sentences_with_exit_code_2(ini):
    words = ("user", "add", ini, "ada@example.com", "--name", "Ada", "--password")
    short = run(*words, "short")
    assert short.exit_code == 2
    assert "at least 10 characters" in short.output
    assert run(*words, "a good password").exit_code == 0
    again = run(*words, "a good password")
    assert (again.exit_code, "already" in again.output) == (2, True)
    assert run("workspace", "add", ini, "Bad Slug", "--name", "x", "--owner", "ada@example.com").exit_code == 2
    stranger = run("workspace", "add", ini, "team", "--name", "x", "--owner", "bob@example.com")
    assert "user add" in stranger.output
    assert run("seed", ini.parent / "none.ini").exit_code == 2


def test_bad_settings_are_told_with_their_line(ini):
    ini.write_text(ini.read_text() + "agentdbpath = x\n")
    told = run("seed", ini)
    assert told.exit_code == 2
    assert "server.ini line 6: there is no setting agentdbpath. Did you mean agent_db_path?" in told.output


def test_the_demo_is_made_once(ini):
    assert "avery.owner@example.com" in run("seed", ini).output
    assert "already" in run("seed", ini).output
