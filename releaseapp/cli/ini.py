"""What commands begin with: the server's ini file, and how a refusal is said."""

import configparser
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from plaster import get_settings

from releaseapp.db.api import Database
from releaseapp.errors import AppError, SettingsError
from releaseapp.pair import refuse_without_database
from releaseapp.settings import Settings, load
from releaseapp.storage import open_database

INI = click.argument("ini", type=click.Path(exists=True, dir_okay=False, path_type=Path))


def refusals_are_sentences(command: Callable[..., Any]) -> Callable[..., Any]:
    """A refusal is said in a sentence and exit code 2, without a traceback."""

    @wraps(command)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        try:
            _refuse_what_is_no_text(options)
            return command(*arguments, **options)
        except AppError as error:
            click.echo(str(error), err=True)
            sys.exit(2)

    return wrapper


def _refuse_what_is_no_text(options: dict[str, Any]) -> None:
    """Raises SettingsError for bytes that are no UTF-8, which Python passes on as lone surrogates (PEP 383)."""
    for name, value in options.items():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text):
                raise SettingsError(f"What was given as {name} is not UTF-8.")


def open_app(ini: Path) -> Any:
    """The registry of the server's application, for commands that need what it is made of: its views, its vault."""
    from releaseapp import make_app  # noqa: PLC0415 - other commands need no application

    settings = _settings(ini)
    refuse_without_database(settings)
    return make_app(settings).registry


def open_server(ini: Path) -> tuple[Settings, Database]:
    """The settings of an ini file, and its database; raises SettingsError when there is none."""
    settings = _settings(ini)
    refuse_without_database(settings)
    return settings, open_database(settings)


def make_server(ini: Path) -> tuple[Settings, Database]:
    """As :func:`open_server`, for what a new server begins with: a database is made where there is none."""
    settings = _settings(ini)
    return settings, open_database(settings)


def open_settings(ini: Path) -> Settings:
    """The settings of an ini file, for commands that open nothing by themselves, or otherwise."""
    return _settings(ini)


def own_address(ini: Path) -> str:
    """Where the ini's own server answers on this machine."""
    section = get_settings(str(ini), "server:main")
    host = section.get("host", "127.0.0.1")
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - where it listens, not where it is asked
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{section.get('port', 6543)}"


def _settings(ini: Path) -> Settings:
    try:
        section = get_settings(str(ini), "app:main")
    except (configparser.Error, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(f"{ini} cannot be read as an ini file: {' '.join(str(error).split())[:300]}") from error
    values = {name: value for name, value in section.items() if name not in {"use", "here", "__file__"}}
    return load(values, os.environ, ini_path=str(ini))
