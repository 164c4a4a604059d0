"""What nobody sane types at ``releaseapp user``: a sentence, exit code 2, and nothing is changed."""

import json

import pytest
from click.testing import CliRunner
from conftest import write_ini

from releaseapp.cli import main

AVERY, DEVON = "avery.owner@example.com", "devon.viewer@example.com"
GOOD = "a long and varied one: 2468"
TEXTS = {
    "empty": "",
    "blank": "   ",
    "NUL": "a\x00b@example.com",
    "no UTF-8": "a\udcff@example.com",
    "escape": "\x1b[2Ja@example.com",
    "line break": "a\nb@example.com",
    "right to left": "a\u202eb@example.com",
    "huge": "a" * 100_000 + "@example.com",
    "no at": "nobody",
    "SQL": "' OR '1'='1",
    "wildcard": "%",
}


def accounts(db):
    return db.all("SELECT * FROM accounts ORDER BY id")


def refused(result):
    assert result.exit_code == 2, (result.exit_code, result.output, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    said = result.output + result.stderr
    assert "Traceback" not in said
    assert "\x1b" not in said
    assert len(said) < 2000
    return said


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("password", ["--password", GOOD]),
        ("disable", []),
        ("enable", []),
        ("operator", ["on"]),
        ("add", ["--name", "Somebody", "--password", GOOD]),
    ],
)
def test_an_e_mail_that_is_none_is_refused(command, seeded, verb, words, text):
    before = accounts(seeded)
    refused(command(verb, text, *words))
    assert accounts(seeded) == before


@pytest.mark.parametrize("name", [text for key, text in TEXTS.items() if key not in {"no at", "SQL", "wildcard"}])
def test_a_name_that_could_not_be_shown_is_refused(command, seeded, name):
    before = accounts(seeded)
    refused(command("add", "new@example.com", "--name", name, "--password", GOOD))
    assert accounts(seeded) == before


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 100_000, "nul in\x00 the midst of it", "no \udcff UTF-8 in it"]
)
def test_a_password_that_is_none_is_refused_and_not_repeated(command, seeded, password):
    before = accounts(seeded)
    for words in (["password", DEVON], ["add", "new@example.com", "--name", "New"]):
        said = refused(command(*words, "--password", password))
        assert password not in said or len(password) < 8
    assert accounts(seeded) == before


def test_a_prompt_takes_what_is_piped_and_refuses_what_differs(command, seeded):
    before = accounts(seeded)
    differing = command("password", DEVON, input=f"{GOOD}\n{GOOD}!\n")
    assert (differing.exit_code, "No password was given" in differing.output) == (2, True)
    assert accounts(seeded) == before
    assert command("password", DEVON, input="").exit_code == 2
    assert accounts(seeded) == before
    assert command("password", DEVON, input=f"{GOOD}\n{GOOD}\n").exit_code == 0
    assert accounts(seeded) != before


def test_an_e_mail_is_one_in_any_case_and_with_spaces_around_it(command, seeded):
    assert command("disable", " Devon.VIEWER@example.com ").exit_code == 0
    assert seeded.first("SELECT is_disabled FROM accounts WHERE email = :email", email=DEVON)["is_disabled"]
    refused(command("add", "DEVON.viewer@EXAMPLE.com", "--name", "Twice", "--password", GOOD))


def test_a_name_that_came_in_another_way_does_not_reach_the_terminal_raw(command, seeded):
    with seeded.transaction() as tx:
        tx.run("UPDATE accounts SET name = :name WHERE email = :email", name="\x1b[31mred\u202e", email=DEVON)
    listed = command("list")
    assert listed.exit_code == 0
    assert "\x1b" not in listed.stdout
    assert "\u202e" not in listed.stdout
    assert "\x1b" not in command("list", "--json").stdout
    assert DEVON in json.dumps(json.loads(command("list", "--json").stdout))


@pytest.mark.parametrize(
    "text", ["", "[app:main]\nuse = egg:releaseapp\nmode = sideways\n", "no ini at all \x00", "[app:main\n"]
)
def test_an_ini_file_that_is_none_is_told(ini, command, text):
    ini.write_text(text)
    result = command("list")
    assert result.exit_code in {1, 2}
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "words",
    [
        "user list INI",
        "user disable INI x@example.com",
        "user operator INI x@example.com on",
        "secrets status INI",
        "credentials rotate INI",
        "snapshot create INI",
        "release status INI",
        "maintenance show INI",
        "runs list INI --workspace aurora",
        "prune INI",
    ],
)
def test_only_what_begins_a_server_makes_a_database_where_there_is_none(tmp_path, words):
    done = CliRunner().invoke(main, words.replace("INI", str(write_ini(tmp_path))).split())
    assert (done.exit_code, "There is no database" in done.output) == (2, True)
    assert not (tmp_path / "agents.db").exists()
