"""Settings: what is unknown, contradictory or weak stops the start, and the sentence names place and cure."""

from pathlib import Path

import pytest

from releaseapp.errors import SettingsError
from releaseapp.settings import Mode, as_markdown, load, table

STRONG = "x7Kq-vT2m+Yp9Zr4Ld8Ws1Nf6Hb3Jc5Ga0Ue"
ROOT = Path(__file__).parent.parent.parent


def refusal(ini, environ=(), **options) -> str:
    with pytest.raises(SettingsError) as caught:
        load(ini, dict(environ), **options)
    return str(caught.value)


def test_production_is_the_default_and_needs_a_secret():
    assert "openssl rand -base64 48" in refusal({})
    settings = load({}, {"JWT_SECRET": STRONG})
    assert settings.mode is Mode.PRODUCTION
    assert settings.synchronous == "FULL"


@pytest.mark.parametrize("secret", ["short", "a" * 64, "abababab" * 8, "  "])
def test_a_weak_secret_stops_the_start(secret):
    assert "jwt_secret" in refusal({}, {"JWT_SECRET": secret})


def test_the_environment_wins_over_the_ini_file_and_the_ini_file_over_the_default():
    ini = {"jwt_secret": STRONG, "session_minutes": "60"}
    assert load(ini, {}).session_minutes == 60
    assert load(ini, {"SESSION_MINUTES": "30"}).session_minutes == 30
    assert load({"jwt_secret": STRONG}, {}).session_minutes == 240


def test_a_secret_may_come_from_a_file_but_not_from_two_places(tmp_path):
    path = tmp_path / "secret"
    path.write_text(STRONG + "\n")
    assert load({}, {"JWT_SECRET_FILE": str(path)}).jwt_secret == STRONG
    both = refusal({}, {"JWT_SECRET_FILE": str(path), "JWT_SECRET": STRONG})
    assert "both set" in both
    assert "cannot be read" in refusal({}, {"JWT_SECRET_FILE": str(tmp_path / "none")})


def test_every_fault_is_told_at_once_with_its_line(tmp_path):
    ini = tmp_path / "server.ini"
    ini.write_text("[app:main]\nmode = produktion\n\nagent_dbpath = x\nbcrypt_cost = 4\nsession_minutes = soon\n")
    section = {"mode": "produktion", "agent_dbpath": "x", "bcrypt_cost": "4", "session_minutes": "soon"}
    told = refusal(section, {}, ini_path=str(ini))
    assert "server.ini line 2: mode must be development or production." in told
    assert "server.ini line 4: there is no setting agent_dbpath. Did you mean agent_db_path?" in told
    assert "server.ini line 5: bcrypt_cost must be a whole number from 10 to 16, not 4." in told
    assert "server.ini line 6: session_minutes must be a whole number from 5 to 1440." in told


@pytest.mark.parametrize(
    ("ini", "told"),
    [
        ({"seed_demo": "true"}, "seed_demo is for development only"),
        ({"jwt_secret_previous": STRONG}, "the same as jwt_secret"),
        ({"jwt_secret_previous": "weak"}, "jwt_secret_previous is weak"),
        ({"public_url": "work.example.com"}, "public_url must be a scheme and a host"),
        ({"public_url": "https://work.example.com/app"}, "without a path"),
        ({"public_url": "ftp://work.example.com"}, "public_url must be"),
        ({"agent_db_path": ""}, "agent_db_path is empty"),
        ({"agent_db_path": "a.json", "workflow_store_path": "a.json"}, "name the same file"),
        ({"seed_demo": "perhaps"}, "seed_demo must be true or false"),
        ({"database_synchronous": "off"}, "must be full or normal"),
        ({"max_body_bytes": "1e6"}, "must be a whole number"),
    ],
)
def test_what_contradicts_or_cannot_be_stops_the_start(ini, told):
    assert told in refusal({"jwt_secret": STRONG, **ini})


def test_an_error_never_shows_a_secret():
    assert "hunter2" not in refusal({"jwt_secret": "hunter2"})


def test_development_makes_a_secret_and_keeps_it_private_beside_the_database(tmp_path):
    ini = {"mode": "development", "agent_db_path": str(tmp_path / "agents.db")}
    first, second = load(ini, {}), load(ini, {})
    assert first.jwt_secret == second.jwt_secret
    assert len(first.jwt_secret) >= 32
    assert (tmp_path / "jwt_secret").stat().st_mode & 0o077 == 0
    (tmp_path / "jwt_secret").write_text("")
    assert "damaged" in refusal(ini)


def test_settings_of_pyramid_pass():
    assert load({"jwt_secret": STRONG, "pyramid.reload_templates": "true"}, {}).jwt_secret == STRONG


def test_the_documentation_lists_every_setting_as_the_table_has_it():
    page = (ROOT / "docs" / "settings.md").read_text()
    assert page == as_markdown(), "run: releaseapp settings > docs/settings.md"


@pytest.mark.parametrize("name", ["development.ini", "production.ini"])
def test_the_shipped_ini_files_name_only_settings_there_are_and_explain_every_line(name):
    lines = (ROOT / name).read_text().splitlines()
    section = ""
    for number, line in enumerate(lines):
        if line.startswith("["):
            section = line
        if section == "[app:main]" and " = " in line and not line.startswith("#"):
            setting = line.split(" = ")[0]
            assert setting in {*table(), "use"}
            assert lines[number - 1].startswith("#"), f"{name} line {number + 1} has no comment above it"


def test_a_file_of_authorities_must_be_one(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path in (tmp_path / "gone.pem", empty):
        told = refusal({"outbound_ca_file": str(path)}, {"JWT_SECRET": STRONG})
        assert "outbound_ca_file must name a readable file of certificates" in told
