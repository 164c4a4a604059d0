"""``releaseapp check`` names bad passwords by the accounts that have them, and never the passwords."""

import json
from contextlib import closing
from dataclasses import replace

import pytest
from click.testing import CliRunner
from conftest import settings_for, write_ini
from databases import postgres, target  # noqa: F401 - fixtures

from releaseapp import clock
from releaseapp.auth.service import Caller, sign_in
from releaseapp.cli import main
from releaseapp.seeds import seed
from releaseapp.storage import open_database

CASEY, DEVON, EMERY = "casey.editor@example.com", "devon.viewer@example.com", "emery.owner@example.com"
GOOD = "plum-kettle-orbit-49"


@pytest.fixture
def data(target, tmp_path):  # noqa: F811 - the fixture
    """The demo's accounts, on each engine."""
    settings = settings_for(tmp_path, agent_db_path=target)
    with closing(open_database(settings)) as db:
        seed(db, settings)
        yield db


@pytest.fixture
def command(tmp_path, target, data):  # noqa: F811 - the fixture
    def run(group, *words, more=()):
        ini = write_ini(tmp_path, "production", *more)
        ini.write_text(ini.read_text().replace("%(here)s/agents.db", target.replace("%", "%%")))
        return CliRunner().invoke(main, [*group.split(), str(ini), *words])

    return run


def found(command, name, *more):
    done = command("check", "--only", name, "--json", more=more)
    (outcome,) = json.loads(done.stdout)["outcomes"]
    assert GOOD not in done.output
    return outcome


def test_a_password_of_two_accounts_is_found(command):
    assert found(command, "passwords")["ok"]
    for email in (CASEY, DEVON):
        assert command("user password", email, "--password", GOOD).exit_code == 0
    outcome = found(command, "passwords")
    assert not outcome["ok"]
    assert f"shared by several: {CASEY}, {DEVON}" in outcome["sentence"]
    assert f"releaseapp user password INI {CASEY}" in outcome["cure"]


def test_an_old_password_is_found_when_they_may_not_be_old(command, data):
    at = clock.later_text(-100 * 86_400)
    with data.transaction() as tx:
        tx.run("UPDATE accounts SET password_changed_at = :at WHERE email = :it", at=at, it=EMERY)
    assert found(command, "passwords")["ok"]
    assert f"too old: {EMERY}." in found(command, "passwords", "password_max_days = 90")["sentence"]


def test_hashes_below_the_cost_are_told_and_raised_by_a_sign_in(command, data):
    command("user password", CASEY, "--password", GOOD)
    outcome = found(command, "hashes", "bcrypt_cost = 11")
    assert not outcome["ok"]
    assert CASEY in outcome["sentence"]
    assert "sign-in raises it" in outcome["cure"]


def test_the_demos_password_is_found_with_whoever_has_it(command, data):
    with data.transaction() as tx:
        tx.run("UPDATE accounts SET email = 'someone@example.com' WHERE email = :it", it=CASEY)
    outcome = found(command, "demo")
    assert not outcome["ok"]
    assert "someone@example.com" in outcome["sentence"]
    assert "user password INI" in outcome["cure"]


def test_a_forced_change_and_a_raised_hash_hold_on_each_engine(command, data, settings):
    command("user password", CASEY, "--password", GOOD)
    account = data.first("SELECT must_change_password, password_hash FROM accounts WHERE email = :it", it=CASEY)
    assert (account["must_change_password"], account["password_hash"][4:6]) == (1, "10")
    dearer = replace(settings, bcrypt_cost=11)
    assert sign_in(data, dearer, CASEY, GOOD, Caller("127.0.0.1", "")).account.must_change_password
    assert data.first("SELECT password_hash AS it FROM accounts WHERE email = :it", it=CASEY)["it"][4:6] == "11"
    assert found(command, "hashes", "bcrypt_cost = 11")["ok"] is False
    # The mark went with the hash: that two share it is seen at the new cost.
    command("user password", DEVON, "--password", GOOD, more=("bcrypt_cost = 11",))
    told = found(command, "passwords", "bcrypt_cost = 11")["sentence"]
    assert f"shared by several: {CASEY}, {DEVON}" in told


def test_of_how_many_passwords_nothing_is_known_is_said(command, data):
    assert "next sign-in" not in found(command, "passwords")["sentence"]
    with data.transaction() as tx:
        tx.run("UPDATE accounts SET password_mark = NULL WHERE email IN (:one, :other)", one=CASEY, other=DEVON)
    assert "Of 2 accounts it is known after the next sign-in." in found(command, "passwords")["sentence"]
