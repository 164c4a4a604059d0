"""Signing in and out, over JSON."""

from dataclasses import replace

import jwt
import pytest
from conftest import SECRET, App

from releaseapp import clock, make_app
from releaseapp.seeds import SEED_PASSWORD

AVERY = "avery.owner@example.com"


def sign_in(app, email=AVERY, password=SEED_PASSWORD, **options):
    return app.post_json("/auth/login", {"email": email, "password": password}, **options)


@pytest.mark.parametrize(
    ("email", "roles"),
    [
        ("avery.owner@example.com", {"aurora": "owner", "lumen": "admin"}),
        ("bailey.admin@example.com", {"cobalt": "admin"}),
        ("casey.editor@example.com", {"aurora": "editor"}),
        ("devon.viewer@example.com", {"cobalt": "viewer"}),
        ("emery.owner@example.com", {"cobalt": "owner", "lumen": "owner"}),
    ],
)
def test_each_demo_account_signs_in_and_is_told_its_workspaces(app, email, roles):
    answer = sign_in(app, email).json
    assert answer["user"]["email"] == email
    assert {one["slug"]: one["role"] for one in answer["workspaces"]} == roles
    me = app.with_token(answer["token"]).get("/auth/me").json
    assert me["user"] == answer["user"]
    assert me["workspaces"] == answer["workspaces"]


def test_the_email_is_the_same_in_any_case(app):
    assert sign_in(app, "Avery.OWNER@Example.com").json["user"]["email"] == AVERY


def test_the_token_lasts_four_hours_and_says_who_and_which_session(app):
    token = sign_in(app).json["token"]
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == 4 * 3600
    assert set(claims) == {"sub", "jti", "iat", "exp", "ver"}


def test_a_wrong_password_and_an_unknown_email_are_told_the_same(app):
    wrong = sign_in(app, password="not the password", status=401)
    unknown = sign_in(app, email="nobody@example.com", status=401)
    assert wrong.json == unknown.json
    assert wrong.content_type == "application/problem+json"


def test_a_wrong_password_and_an_unknown_email_cost_the_same_hash(app, monkeypatch):
    import bcrypt

    checked = []
    real = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda *given: checked.append(given[1]) or real(*given))
    sign_in(app, password="not the password", status=401)
    sign_in(app, email="nobody@example.com", status=401)
    assert [value.split(b"$")[2] for value in checked] == [b"10", b"10"]


def test_no_token_a_bad_one_and_an_old_one_are_refused(app, monkeypatch):
    app.get("/auth/me", status=401)
    app.with_token("nonsense").get("/auth/me", status=401)
    app.with_token(jwt.encode({"sub": "x"}, SECRET)).get("/auth/me", status=401)
    token = sign_in(app).json["token"]
    forged = jwt.encode(jwt.decode(token, SECRET, algorithms=["HS256"]), "another secret, as long as it needs to be!!")
    app.with_token(forged).get("/auth/me", status=401)
    unsigned = jwt.encode(jwt.decode(token, SECRET, algorithms=["HS256"]), None, algorithm="none")
    app.with_token(unsigned).get("/auth/me", status=401)
    app.with_token(token).get("/auth/me", status=200)
    later = clock.parse(clock.later_text(4 * 3600 + 1))
    monkeypatch.setattr(clock, "now", lambda: later)
    app.with_token(token).get("/auth/me", status=401)


def test_signing_out_ends_the_token_at_once(app):
    program = app.as_program(AVERY)
    program.post_json("/auth/logout", {}, status=204)
    program.get("/auth/me", status=401)


def test_signing_out_everywhere_ends_every_session(app):
    first, second = app.as_program(AVERY), app.as_program(AVERY)
    assert len(first.get("/auth/sessions").json["items"]) == 2
    second.delete("/auth/sessions", status=204)
    first.get("/auth/me", status=401)


def test_one_session_of_several_can_be_ended_but_not_another_persons(app):
    here, there, other = app.as_program(AVERY), app.as_program(AVERY), app.as_program("casey.editor@example.com")
    sessions = here.get("/auth/sessions").json["items"]
    elsewhere = next(session["id"] for session in sessions if not session["current"])
    other.delete(f"/auth/sessions/{elsewhere}", status=404)
    here.delete(f"/auth/sessions/{elsewhere}", status=204)
    there.get("/auth/me", status=401)
    here.get("/auth/me", status=200)


def test_a_new_password_ends_the_sessions_and_is_asked_for_from_then_on(app):
    program = app.as_program(AVERY)
    change = {"current_password": SEED_PASSWORD, "new_password": "a better password"}
    program.post_json("/auth/password", change, status=204)
    program.get("/auth/me", status=401)
    sign_in(app, status=401)
    sign_in(app, password="a better password", status=200)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"current_password": "wrong", "new_password": "a better password"}, "/current_password"),
        ({"current_password": SEED_PASSWORD, "new_password": "short"}, "/new_password"),
        ({"current_password": SEED_PASSWORD, "new_password": "x" * 73}, "/new_password"),
        ({"current_password": SEED_PASSWORD, "new_password": AVERY}, "/new_password"),
        ({"current_password": SEED_PASSWORD, "new_password": SEED_PASSWORD}, "/new_password"),
        ({"current_password": SEED_PASSWORD}, "/new_password"),
        ({"current_password": SEED_PASSWORD, "new_password": 7}, "/new_password"),
    ],
)
def test_a_password_that_will_not_do_is_refused_and_nothing_changes(app, change, pointer):
    program = app.as_program(AVERY)
    refused = program.post_json("/auth/password", change, status=400)
    assert pointer in [error["pointer"] for error in refused.json["errors"]]
    program.get("/auth/me", status=200)


def test_too_many_attempts_must_wait_and_may_try_again_later(app, monkeypatch):
    for _ in range(10):
        sign_in(app, password="a guess", status=401)
    refused = sign_in(app, status=429)
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    later = clock.parse(clock.later_text(901))
    monkeypatch.setattr(clock, "now", lambda: later)
    sign_in(app, status=200)


def test_strangers_who_guess_cannot_lock_out_somebody_who_signed_in_from_here_before(app):
    sign_in(app, extra_environ={"REMOTE_ADDR": "10.0.0.1"})
    for _ in range(10):
        sign_in(app, password="a guess", status=401, extra_environ={"REMOTE_ADDR": "10.6.6.6"})
    sign_in(app, status=429, extra_environ={"REMOTE_ADDR": "10.6.6.6"})
    sign_in(app, status=200, extra_environ={"REMOTE_ADDR": "10.0.0.1"})


def test_one_address_cannot_try_many_accounts_without_end(app, seeded, settings):
    strict = App(make_app(replace(settings, sign_in_attempts_per_address=5)))
    for number in range(5):
        sign_in(strict, email=f"nobody{number}@example.com", status=401)
    sign_in(strict, email="another@example.com", status=429)


def test_a_hash_below_the_configured_cost_is_raised_at_sign_in(settings, seeded):
    dearer = App(make_app(replace(settings, bcrypt_cost=11)))
    sign_in(dearer)
    row = seeded.first("SELECT password_hash FROM accounts WHERE email = :email", email=AVERY)
    assert row["password_hash"].split("$")[2] == "11"
    sign_in(dearer)


def test_both_secrets_verify_while_one_replaces_the_other(settings, seeded):
    token = sign_in(App(make_app(settings))).json["token"]
    after = replace(settings, jwt_secret="a new secret for tests: ABCDEFGHIJKLMNOP")
    rotating = App(make_app(replace(after, jwt_secret_previous=settings.jwt_secret)))
    rotating.with_token(token).get("/auth/me", status=200)
    App(make_app(after)).with_token(token).get("/auth/me", status=401)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"email": 1, "password": 2}', b'{"email": "a@b"}',
     b'{"email": "a@b", "password": "x", "admin": true}', b'{"email": " ", "password": "x"}', b"[" * 100_000],
)  # fmt: skip
def test_a_bad_body_is_400_with_a_reason(app, body):
    refused = app.post("/auth/login", body, content_type="application/json", status=400)
    assert refused.json["detail"]


def test_a_disabled_account_is_told_what_a_wrong_password_is_told(app, seeded):
    from releaseapp.auth.service import disable_account, find_account_by_email

    program = app.as_program(AVERY)
    disable_account(seeded, find_account_by_email(seeded, AVERY).id, actor=None)
    program.get("/auth/me", status=401)
    assert sign_in(app, status=401).json == sign_in(app, password="wrong", status=401).json


def test_an_api_token_works_in_its_workspace_alone_and_never_above_its_role(app):
    avery = app.as_program(AVERY)
    made = avery.post_json("/auth/tokens", {"name": "ci", "workspace": "aurora", "role": "viewer"}, status=201).json
    program = app.with_token(made["token"])
    assert [one["slug"] for one in program.get("/auth/me").json["workspaces"]] == ["aurora"]
    program.get("/workspaces/aurora/agents", status=200)
    program.post_json("/workspaces/aurora/agents", {"name": "x"}, status=403)
    program.get("/workspaces/lumen", status=404)
    program.post_json("/auth/tokens", {"name": "more", "workspace": "aurora"}, status=403)
    program.get("/auth/sessions", status=403)
    listed = avery.get("/auth/tokens").json["items"]
    assert [token["name"] for token in listed] == ["ci"]
    assert "token" not in listed[0]
    avery.delete(f"/auth/tokens/{made['id']}", status=204)
    program.get("/auth/me", status=401)


def test_an_api_token_cannot_be_given_a_higher_role_than_its_maker_has(app):
    casey = app.as_program("casey.editor@example.com")
    casey.post_json("/auth/tokens", {"name": "x", "workspace": "aurora", "role": "admin"}, status=403)
    casey.post_json("/auth/tokens", {"name": "x", "workspace": "cobalt", "role": "viewer"}, status=400)


def test_an_api_token_falls_with_its_makers_role_and_ends_in_time(app, monkeypatch):
    avery, casey = app.as_program(AVERY), app.as_program("casey.editor@example.com")
    made = casey.post_json("/auth/tokens", {"name": "ci", "workspace": "aurora", "role": "editor"}, status=201).json
    program = app.with_token(made["token"])
    program.post_json("/workspaces/aurora/agents", {"name": "x"}, status=201)
    casey_id = casey.get("/auth/me").json["user"]["id"]
    avery.patch_json(f"/workspaces/aurora/members/{casey_id}", {"role": "viewer"}, status=200)
    program.post_json("/workspaces/aurora/agents", {"name": "x"}, status=403)
    later = clock.parse(clock.later_text(91 * 24 * 3600))
    monkeypatch.setattr(clock, "now", lambda: later)
    program.get("/auth/me", status=401)


def test_when_a_session_and_a_token_were_last_used_is_kept_to_the_minute(app, monkeypatch):
    avery = app.as_program(AVERY)
    token = avery.post_json("/auth/tokens", {"name": "ci", "workspace": "aurora"}, status=201).json
    assert avery.get("/auth/tokens").json["items"][0]["last_used_at"] is None
    app.with_token(token["token"]).get("/auth/me")
    used = avery.get("/auth/tokens").json["items"][0]["last_used_at"]
    assert used is not None
    seen = avery.get("/auth/sessions").json["items"][0]["last_seen_at"]
    real = clock.now
    later = clock.parse(clock.later_text(90)) - real()
    monkeypatch.setattr(clock, "now", lambda: real() + later)
    app.with_token(token["token"]).get("/auth/me")
    avery.get("/auth/me")
    assert avery.get("/auth/tokens").json["items"][0]["last_used_at"] > used
    assert avery.get("/auth/sessions").json["items"][0]["last_seen_at"] > seen
