"""The role matrix of the whole server: as it is, and how two differ."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from pyramid.security import NO_PERMISSION_REQUIRED

from releaseapp import clock
from releaseapp.db.api import Reader
from releaseapp.permissions import Role
from releaseapp.rolematrix import queries
from releaseapp.rolematrix.differing import difference
from releaseapp.rolematrix.models import EVERYBODY, NOBODY, PERMISSIONS, WHO, Change, Matrix
from releaseapp.web.view_table import DeclaredView
from releaseapp.workspaces.models import parse_matrix

_STATIC = re.compile(r"/static/[0-9a-f]{8,}")
"""Its name changes with every file, and says nothing of who may read it."""

__all__ = ["Change", "Matrix", "accounts", "difference", "frozen_matrix", "matrix_now", "routes_of"]


def matrix_now(db: Reader, views: Iterable[DeclaredView]) -> Matrix:
    """Who may do what where, at this moment: plain data in a stable order, for JSON and YAML."""
    return {"operators": queries.list_operators(db), "workspaces": _workspaces(db), "routes": routes_of(views)}


def routes_of(views: Iterable[DeclaredView]) -> dict[str, str]:
    """Each route and what it asks for; page and JSON stand apart where they ask for different things."""
    asked: dict[tuple[str, str], dict[str, str]] = {}
    for view in views:
        for method in view.methods:
            if method != "HEAD":
                by_form = asked.setdefault((_STATIC.sub("/static/{file}", view.path), method), {})
                by_form[{"html": "page", "json": "JSON"}.get(view.representation or "", "all")] = _who(view.permission)
    found = {}
    for (path, method), by_form in sorted(asked.items()):
        if len(set(by_form.values())) == 1:
            found[f"{method} {path}"] = next(iter(by_form.values()))
        else:
            found.update({f"{method} {path} ({form})": who for form, who in sorted(by_form.items())})
    return found


def accounts(db: Reader) -> set[str]:
    """The e-mails of all accounts, also of those that may not sign in."""
    return queries.list_emails(db)


def frozen_matrix(db: Reader) -> tuple[str, str, Matrix] | None:
    """What the open release froze when it started: its version, when, and the matrix; None without one."""
    row = queries.find_frozen(db)
    matrix: Matrix = msgspec.json.decode(row["roles"]) if row else {}
    return (str(row["to_version"]), str(row["started_at"]), matrix) if row and matrix else None


def _workspaces(db: Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    by_id: dict[str, Any] = {}
    for row in queries.list_workspaces(db):
        roles = {role.value: sorted(granted) for role, granted in _in_rank(parse_matrix(row["role_matrix"]))}
        found[row["slug"]] = {"name": row["name"], "roles": roles, "people": {}, "tokens": {}}
        by_id[row["id"]] = found[row["slug"]]
    for row in queries.list_people(db):
        by_id[row["workspace_id"]]["people"][row["email"]] = row["role"]
    for row in queries.list_tokens(db, clock.now_text()):
        theirs = by_id[row["workspace_id"]]["tokens"].setdefault(row["email"], {})
        # A token never does more than its owner may.
        theirs[_unused(row["name"], theirs)] = min(row["role"], row["member_role"], key=lambda one: Role(one).rank)
    return found


def _in_rank(matrix: Any) -> list[tuple[Role, Any]]:
    return [(role, matrix[role]) for role in Role]


def _unused(name: str, names: dict[str, str]) -> str:
    number = 1
    tried = name
    while tried in names:
        number += 1
        tried = f"{name} ({number})"
    return tried


def _who(permission: str | None) -> str:
    if permission == NO_PERMISSION_REQUIRED:
        return EVERYBODY
    return str(permission) if permission in PERMISSIONS or permission in WHO else NOBODY
