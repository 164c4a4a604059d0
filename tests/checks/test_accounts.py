"""``releaseapp check`` names bad passwords by the accounts that have them, and never the passwords."""

import json

import pytest
from click.testing import CliRunner
from conftest import write_ini

from releaseapp import clock
from releaseapp.cli import main

CASEY, DEVON, EMERY = "casey.editor@example.com", "devon.viewer@example.com", "emery.owner@example.com"
GOOD = "plum-kettle-orbit-49"


@pytest.fixture
def command(tmp_path, seeded):
    def run(group, *words, more=()):
        ini = write_ini(tmp_path, "production", *more)
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


def test_an_old_password_is_found_when_they_may_not_be_old(command, seeded):
    at = clock.later_text(-100 * 86_400)
    with seeded.transaction() as tx:
        tx.run("UPDATE accounts SET password_changed_at = :at WHERE email = :it", at=at, it=EMERY)
    assert found(command, "passwords")["ok"]
    assert f"too old: {EMERY}." in found(command, "passwords", "password_max_days = 90")["sentence"]


def test_hashes_below_the_cost_are_told_and_raised_by_a_sign_in(command, seeded):
    command("user password", CASEY, "--password", GOOD)
    outcome = found(command, "hashes", "bcrypt_cost = 11")
    assert not outcome["ok"]
    assert CASEY in outcome["sentence"]
    assert "sign-in raises it" in outcome["cure"]


def test_the_demos_password_is_found_with_whoever_has_it(command, seeded):
    with seeded.transaction() as tx:
        tx.run("UPDATE accounts SET email = 'someone@example.com' WHERE email = :it", it=CASEY)
    outcome = found(command, "demo")
    assert not outcome["ok"]
    assert "someone@example.com" in outcome["sentence"]
    assert "user password INI" in outcome["cure"]
