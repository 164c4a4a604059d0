"""What the page and the JSON of the role matrix show."""

from typing import Any

import msgspec

from releaseapp.errors import AppError
from releaseapp.rolematrix.differing import may
from releaseapp.rolematrix.models import ROLES, Change, Matrix
from releaseapp.rolematrix.service import difference, frozen_matrix, matrix_now
from releaseapp.rolematrix.snapshots import matrix_of_snapshot, newest_name
from releaseapp.snapshots.resources import snapshots_of
from releaseapp.web.request import Request
from releaseapp.web.view_table import declared_views


class Row(msgspec.Struct, frozen=True):
    """A route of a workspace, what it asks for, and whether each role may call it."""

    route: str
    permission: str
    allowed: dict[str, bool]


class Space(msgspec.Struct, frozen=True):
    """A workspace with its people and API tokens, and its routes."""

    slug: str
    name: str
    people: dict[str, str]
    tokens: list[tuple[str, str, str]]
    rows: list[Row]


class Compared(msgspec.Struct, frozen=True):
    """How the matrix differs from another; ``fault`` when that one could not be read."""

    label: str
    at: str | None
    changes: list[Change]
    fault: str | None = None

    def of(self, way: str) -> list[Change]:
        """The changes of one way."""
        return [change for change in self.changes if change.way == way]


class View(msgspec.Struct, frozen=True):
    """The matrix as it is now, narrowed to what was asked for, and how it differs from others."""

    operators: list[str]
    spaces: list[Space]
    server_routes: list[tuple[str, str]]
    compared: list[Compared]


def current(request: Request) -> Matrix:
    """The matrix of this server, now."""
    return matrix_now(request.db, declared_views(request.registry))


def comparisons(request: Request, matrix: Matrix) -> list[Compared]:
    """With what the open release froze, and with the newest snapshot when that is asked for (``?against=snapshot``)."""
    found = []
    frozen = frozen_matrix(request.db)
    if frozen is not None:
        version, at, before = frozen
        found.append(Compared(f"the start of release {version}", at, difference(before, matrix)))
    if request.GET.get("against") == "snapshot":
        found.append(_with_snapshot(request, matrix))
    return found


def narrowed(matrix: Matrix, person: str, route: str) -> tuple[list[str], list[Space], list[tuple[str, str]]]:
    """Operators, workspaces and routes of the server with a text in a person's e-mail, or in a route."""
    operators = [email for email in matrix["operators"] if person in email]
    spaces = [_space(slug, one, matrix["routes"], person, route) for slug, one in matrix["workspaces"].items()]
    server = [
        (name, asked) for name, asked in matrix["routes"].items() if "{workspace}" not in name and route in name.lower()
    ]
    return operators, [one for one in spaces if not person or one.people or one.tokens], server


def _space(slug: str, one: dict[str, Any], routes: dict[str, str], person: str, wanted: str) -> Space:
    people = {email: role for email, role in one["people"].items() if person in email}
    tokens = [
        (email, name, role)
        for email, theirs in one["tokens"].items()
        if person in email
        for name, role in theirs.items()
    ]
    # Somebody who is looked for sees the columns of the roles that they have; the others say nothing of them.
    roles = [role for role in ROLES if not person or role in {*people.values(), *(role for _, _, role in tokens)}]
    rows = [
        Row(route, asked, {role: may(asked, one["roles"], role) for role in roles})
        for route, asked in routes.items()
        if "{workspace}" in route and wanted in route.lower()
    ]
    return Space(slug, one["name"], people, tokens, rows)


def _with_snapshot(request: Request, matrix: Matrix) -> Compared:
    snapshots = snapshots_of(request)
    name = newest_name(snapshots)
    if name is None:
        return Compared("the newest snapshot", None, [], "There is no snapshot yet.")
    try:
        before = matrix_of_snapshot(snapshots, name)
    except AppError as error:
        return Compared(f"the snapshot {name}", None, [], str(error))
    return Compared(f"the snapshot {name}", None, difference(before, matrix))


def view_of(request: Request) -> View:
    """What the page shows; ``?person=`` and ``?route=`` narrow it."""
    matrix = current(request)
    person, route = (request.GET.get(name, "").strip().lower()[:200] for name in ("person", "route"))
    operators, spaces, server = narrowed(matrix, person, route)
    return View(operators, spaces, server, comparisons(request, matrix))
