"""Fixtures that every kind of test may use, from light to heavy.

``db``        a fresh SQLite database, at the newest schema, with nothing in it
``seeded``    the same with the demo workspaces and accounts
``app``       a WebTest app on ``seeded``: the front door, without a server
"""

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pyramid.router import Router
from webtest import TestApp

from releaseapp import make_app
from releaseapp.releases.opening import open_ground
from releaseapp.seeds import SEED_PASSWORD, seed
from releaseapp.settings import Mode, Settings
from releaseapp.storage import open_database, open_stores

SECRET = "a secret for tests, long enough and varied: 0123456789"
VAULT_SECRET = "another secret for tests, which seals credentials: 9876"


def settings_for(folder: Path, **changes) -> Settings:
    values = {
        "mode": Mode.DEVELOPMENT,
        "agent_db_path": str(folder / "agents.db"),
        "workflow_store_path": str(folder / "workflows.json"),
        "jwt_secret": SECRET,
        "credentials_secret": VAULT_SECRET,
        "worker_threads": 0,
    }
    return Settings(**{**values, **changes})


def write_ini(folder: Path, mode: str = "development", *more: str) -> Path:
    """The ini file of a server whose data is in ``folder``, with the secrets of tests."""
    path = folder / "server.ini"
    lines = (
        "[app:main]",
        "use = egg:releaseapp",
        f"mode = {mode}",
        f"jwt_secret = {SECRET}",
        f"credentials_secret = {VAULT_SECRET}",
        "agent_db_path = %(here)s/agents.db",
        "workflow_store_path = %(here)s/workflows.json",
        *more,
    )
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def settings(tmp_path) -> Settings:
    return settings_for(tmp_path)


@pytest.fixture
def db(settings):
    database = open_database(settings)
    yield database
    database.close()


@pytest.fixture(scope="session")
def seeded_folder(tmp_path_factory) -> Path:
    """Made once: hashing the demo passwords takes half a second."""
    folder = tmp_path_factory.mktemp("seeded")
    settings = settings_for(folder)
    database = open_database(settings)
    seed(database, settings)
    database.close()
    return folder


@pytest.fixture
def seeded(settings, seeded_folder, tmp_path):
    shutil.copytree(seeded_folder, tmp_path, dirs_exist_ok=True)
    database = open_database(settings)
    yield database
    database.close()


@pytest.fixture
def app(settings, seeded) -> "App":
    wsgi = front_door(settings)
    yield App(wsgi)
    wsgi.registry.db.close()
    at_work = [thread.name for thread in threading.enumerate() if thread.name.startswith("ope_")]
    assert not at_work, "an operation is at work beyond its test; wait for its end"


_BUILT: dict[Settings, Router] = {}


def front_door(settings: Settings) -> Router:
    """An application for these settings, whose views are derived once for all that differ in where data lies alone."""
    kind = replace(settings, agent_db_path="", workflow_store_path="")
    built = _BUILT.get(kind)
    if built is None:
        built = _BUILT[kind] = make_app(settings)
    else:
        built.registry.app_settings = settings
        open_stores(built.registry)
        built.registry.release_ground = open_ground(built.registry)
    return built


class App(TestApp):
    """A front door that knows how to sign in as one of the demo accounts."""

    def as_program(self, email: str, password: str = SEED_PASSWORD) -> "App":
        """The same front door for a program with that account's bearer token."""
        answer = self.post_json("/auth/login", {"email": email, "password": password})
        return self.with_token(answer.json["token"])

    def with_token(self, token: str) -> "App":
        other = App(self.app)
        other.authorization = ("Bearer", token)
        return other

    def as_browser(self, email: str, password: str = SEED_PASSWORD) -> "App":
        """The same front door for a browser in which that account has signed in."""
        other = App(self.app, extra_environ={"HTTP_ACCEPT": "text/html"})
        form = other.get("/auth/login").forms["sign-in"]
        form["email"] = email
        form["password"] = password
        form.submit(status=303)
        return other
