"""Self-hosted workspace server for teams that run AI agents and workflows."""

import os
from collections.abc import Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.router import Router

from releaseapp.errors import AppError
from releaseapp.settings import Settings, load
from releaseapp.web.views import WITHOUT_VIEWS

__version__ = "0.1.0"


def main(global_config: Mapping[str, str], **local: str) -> Router:
    """The app factory that ``pserve`` calls with an ini file's sections; what is against a start ends it in words."""
    try:
        return make_app(load(local, os.environ, ini_path=global_config.get("__file__")), local)
    except AppError as error:
        raise SystemExit(f"{error}") from error


def make_app(settings: Settings, ini: Mapping[str, Any] | None = None) -> Router:
    """The WSGI application for these settings; the order of the lines is the order of building."""
    config = Configurator(settings=dict(ini or {}))
    config.registry.app_settings = settings
    config.include("releaseapp.web")
    config.include("releaseapp.storage")
    config.include("releaseapp.security")
    config.include("releaseapp.auth")
    config.include("releaseapp.tree")
    config.include("releaseapp.pages")
    config.include("releaseapp.health")
    config.include("releaseapp.web_app")
    config.include("releaseapp.releases")
    config.scan("releaseapp", ignore=WITHOUT_VIEWS)
    return config.make_wsgi_app()
