"""``releaseapp user``: what operators do with accounts, seen from the front door."""

import json
from dataclasses import replace

import pytest

from releaseapp import clock
from releaseapp.events.queries import list_events_after
from releaseapp.seeds import SEED_PASSWORD

AVERY = "avery.owner@example.com"
CASEY = "casey.editor@example.com"
GOOD = "tulip canyon ferry"


def happened(db, event_type):
    return [event for event in list_events_after(db, 0, 10_000) if event.type == event_type]


def sign_in(app, email, password, **options):
    return app.post_json("/auth/login", {"email": email, "password": password}, **options)


def listed(command, email):
    accounts = json.loads(command("list", "--json").stdout)["accounts"]
    return next(one for one in accounts if one["email"] == email)


def test_a_password_is_set_and_has_to_be_changed_at_the_next_sign_in(app, command):
    casey = app.as_program(CASEY)
    done = command("password", CASEY, "--password", GOOD)
    assert done.exit_code == 0, done.output
    assert "has to be changed at the next sign-in" in done.output
    casey.get("/auth/me", status=401)
    sign_in(app, CASEY, SEED_PASSWORD, status=401)
    assert sign_in(app, CASEY, GOOD).json["user"]["must_change_password"] is True


def test_a_password_that_is_asked_for_is_asked_for_twice(app, command):
    differs = command("password", CASEY, input=f"{GOOD}\nsomething else\n{GOOD}\n{GOOD}\n")
    assert differs.exit_code == 0, differs.output
    assert "do not match" in differs.output
    assert GOOD not in differs.output
    sign_in(app, CASEY, GOOD)


def test_a_generated_password_is_printed_once_and_opens_the_account(app, command, seeded):
    done = command("password", CASEY, "--generate")
    password = done.output.split("shown this once: ")[1].split("\n")[0]
    assert done.output.count(password) == 1
    sign_in(app, CASEY, password)
    assert all(password not in str(event.data) for event in list_events_after(seeded, 0, 10_000))


def test_a_password_may_be_left_to_its_person(app, command):
    command("password", CASEY, "--password", GOOD, "--no-change-at-next-sign-in")
    assert sign_in(app, CASEY, GOOD).json["user"]["must_change_password"] is False


def test_the_present_password_may_be_kept_until_the_next_sign_in(app, command, seeded):
    casey = app.as_program(CASEY)
    assert command("password", CASEY, "--keep-until-sign-in").exit_code == 0
    casey.get("/auth/me", status=401)
    assert sign_in(app, CASEY, SEED_PASSWORD).json["user"]["must_change_password"] is True
    assert happened(seeded, "account.updated")[-1].data == {"must_change_password": True}


@pytest.mark.parametrize(
    "words",
    [
        ("--password", GOOD, "--generate"),
        ("--keep-until-sign-in", "--generate"),
        ("--keep-until-sign-in", "--password", GOOD),
        ("--keep-until-sign-in", "--no-change-at-next-sign-in"),
    ],
)
def test_options_that_contradict_are_refused_and_nothing_changes(app, command, words):
    assert command("password", CASEY, *words).exit_code == 2
    assert sign_in(app, CASEY, SEED_PASSWORD).json["user"]["must_change_password"] is False


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 10"),
        ("x" * 10_000, "at most 72 bytes"),
        ("tulip\ncanyon ferry", "control characters"),
        ("P@ssw0rd2026!", "anybody tries"),
        ("casey likes tulips", "your name"),
        ("abcdefghijkl", "keyboard"),
        ("zazazazazaza", "repeats"),
    ],
)
def test_a_bad_password_is_refused_with_the_reason(app, command, password, why):
    refused = command("password", CASEY, "--password", password)
    assert refused.exit_code == 2
    assert why in refused.output
    sign_in(app, CASEY, SEED_PASSWORD)


def test_an_unknown_account_is_named_with_the_cure(command):
    for verb in (("password", "--generate"), ("disable",), ("enable",), ("operator", "on")):
        refused = command(verb[0], "nobody@example.com", *verb[1:])
        assert refused.exit_code == 2
        assert "user list" in refused.output


def test_who_is_added_has_to_change_the_password_unless_an_operator_or_told_otherwise(app, command):
    def must_change(email, *words):
        assert command("add", email, "--name", "New", "--password", GOOD, *words).exit_code == 0
        return sign_in(app, email, GOOD).json["user"]["must_change_password"]

    assert must_change("one@example.com") is True
    assert must_change("two@example.com", "--operator") is False
    assert must_change("three@example.com", "--no-change-at-next-sign-in") is False
    assert must_change("four@example.com", "--operator", "--change-at-next-sign-in") is True


def test_a_disabled_account_loses_sessions_and_tokens_for_good(app, command, seeded):
    casey = app.as_program(CASEY)
    made = casey.post_json("/auth/tokens", {"name": "ci", "workspace": "aurora"}, status=201).json
    program = app.with_token(made["token"])
    program.get("/auth/me", status=200)
    assert command("disable", CASEY).exit_code == 0
    casey.get("/auth/me", status=401)
    program.get("/auth/me", status=401)
    sign_in(app, CASEY, SEED_PASSWORD, status=401)
    assert happened(seeded, "account.disabled")[-1].data == {"tokens_revoked": 1}
    assert command("disable", CASEY).exit_code == 1

    assert command("enable", CASEY).exit_code == 0
    casey.get("/auth/me", status=401)
    program.get("/auth/me", status=401)
    sign_in(app, CASEY, SEED_PASSWORD)
    assert len(happened(seeded, "account.enabled")) == 1
    assert command("enable", CASEY).exit_code == 1


def test_tokens_of_programs_outlive_a_new_password_unless_they_are_revoked_with_it(app, command):
    casey = app.as_program(CASEY)
    program = app.with_token(casey.post_json("/auth/tokens", {"name": "ci", "workspace": "aurora"}).json["token"])
    command("password", CASEY, "--password", GOOD)
    program.get("/workspaces/aurora/agents", status=200)
    done = command("password", CASEY, "--keep-until-sign-in", "--revoke-tokens")
    assert "revoked: 1" in done.output
    program.get("/workspaces/aurora/agents", status=401)


def test_the_last_operator_who_can_sign_in_stays_unless_forced(app, command):
    for words in (("disable", AVERY), ("operator", AVERY, "off")):
        refused = command(*words)
        assert refused.exit_code == 2
        assert "last operator" in refused.output
    assert command("operator", CASEY, "on").exit_code == 0
    assert command("disable", CASEY).exit_code == 0
    # A disabled operator does not count.
    assert command("disable", AVERY).exit_code == 2
    assert command("enable", CASEY).exit_code == 0
    assert command("operator", AVERY, "off").exit_code == 0
    assert command("operator", CASEY, "off").exit_code == 2
    assert command("operator", CASEY, "off", "--force").exit_code == 0
    assert command("operator", CASEY, "off").exit_code == 1


def test_an_operator_opens_the_release_page_and_one_no_more_does_not(app, command, seeded):
    casey = app.as_program(CASEY)
    casey.get("/release", status=403)
    command("operator", CASEY, "on")
    casey.get("/release", status=200)
    command("operator", CASEY, "off")
    casey.get("/release", status=403)
    assert [event.data for event in happened(seeded, "account.updated")] == [
        {"is_operator": True},
        {"is_operator": False},
    ]


def test_the_list_tells_how_each_account_stands(app, command):
    app.as_program(CASEY)
    casey = listed(command, CASEY)
    assert casey["roles"] == {"aurora": "editor"}
    assert (casey["is_operator"], casey["is_disabled"], casey["must_change_password"]) == (False, False, False)
    assert (casey["sessions"], casey["api_tokens"], casey["hash_cost"], casey["password_age_days"]) == (1, 0, 10, 0)
    assert casey["last_sign_in_at"]
    assert listed(command, "devon.viewer@example.com")["last_sign_in_at"] is None
    command("disable", "devon.viewer@example.com")
    table = command("list").output
    line = next(line for line in table.splitlines() if line.startswith(AVERY))
    assert "owner of aurora, admin of lumen" in line
    assert "operator" in line
    assert "disabled" in next(line for line in table.splitlines() if line.startswith("devon.viewer"))
    assert "password_hash" not in table + command("list", "--json").stdout


def test_hostile_names_and_addresses_are_refused(command):
    for email in ("a b@example.com", "x", "@", "a@b\x00", f"{'a' * 300}@example.com"):
        assert command("add", email, "--name", "New", "--password", GOOD).exit_code == 2
    for name in ("", " ", "a\x00b", "x" * 121, "a\nb"):
        assert command("add", "new@example.com", "--name", name, "--password", GOOD).exit_code == 2


def test_a_person_sees_how_old_the_own_password_is(app, seeded, settings):
    at = clock.later_text(-100 * 86_400)
    with seeded.transaction() as tx:
        tx.run("UPDATE accounts SET password_changed_at = :at WHERE email = :it", at=at, it=CASEY)
    browser = app.as_browser(CASEY)
    page = browser.get("/account")
    assert f'datetime="{at}"' in page.text
    assert "That is long ago" not in page
    app.app.registry.app_settings = replace(settings, password_max_days=90)
    assert "That is long ago: take another one." in browser.get("/account")
