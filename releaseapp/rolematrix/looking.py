"""The role matrix of a server that is not running, or runs beside: read without writing a thing."""

import sqlite3
from typing import Any

from pyramid.config import Configurator

from releaseapp.db import connect
from releaseapp.db.api import Database
from releaseapp.db.migrate import verify
from releaseapp.errors import SettingsError
from releaseapp.pair import refuse_without_database
from releaseapp.settings import Settings
from releaseapp.web.view_table import DeclaredView, declared_views
from releaseapp.web.views import WITHOUT_VIEWS


def open_to_look(settings: Settings) -> Database:
    """The database of the settings as it is; raises SettingsError when there is none, or not at the newest schema."""
    refuse_without_database(settings)
    db = connect(settings.agent_db_path, busy_timeout=settings.busy_timeout_seconds)
    try:
        faults = verify(db)
    except sqlite3.DatabaseError as error:
        db.close()
        raise SettingsError(
            f"{settings.agent_db_path} cannot be read as a database: {error}. Nothing was changed."
        ) from error
    if faults:
        db.close()
        raise SettingsError(f"The database is not at the schema of this version. {faults[0]} Nothing was changed.")
    return db


def views_of(settings: Settings, tree: str = "releaseapp.tree") -> list[DeclaredView]:
    """Every view of this version, without the stores that a server would open and migrate."""
    config = Configurator(settings={})
    config.registry.app_settings = settings
    config.include("releaseapp.web")
    config.include("releaseapp.security")
    config.include("releaseapp.auth")
    config.include(tree)
    config.scan("releaseapp", ignore=WITHOUT_VIEWS)
    config.commit()
    registry: Any = config.registry
    return declared_views(registry)
