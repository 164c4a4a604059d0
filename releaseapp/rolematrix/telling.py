"""The role matrix and its differences for people: texts for a terminal."""

from typing import Any

from releaseapp.rolematrix.differing import may
from releaseapp.rolematrix.models import ROLES, Change, Matrix, Way

_TITLES = {Way.MORE: "More than {}:", Way.LESS: "Less than {}:", Way.OTHER: "Different from {}:"}


def tell_changes(changes: list[Change], against: str) -> str:
    """The changes, those that open something first; ``against`` is what is compared with."""
    lines: list[str] = []
    for way, title in _TITLES.items():
        sentences = [change.sentence for change in changes if change.way is way]
        if sentences:
            lines += [title.format(against), *(f"  {sentence}" for sentence in sentences)]
    return "\n".join(lines)


def tell_matrix(matrix: Matrix, workspace: str | None = None, person: str = "", route: str = "") -> str:
    """The matrix as tables: people, and for each route which roles may call it; last the routes of the server."""
    person, route = person.lower(), route.lower()
    parts = [_operators(matrix, person)]
    spaces = {slug: one for slug, one in matrix["workspaces"].items() if workspace in {None, slug}}
    for slug, one in spaces.items():
        parts.append(_people(slug, one, person))
        parts.append(_routes(one, matrix["routes"], route))
    if workspace is None and not person:
        parts.append(_of_the_server(matrix["routes"], route))
    return "\n\n".join(part for part in parts if part)


def _operators(matrix: Matrix, person: str) -> str:
    found = [email for email in matrix["operators"] if person in email]
    return f"Operators: {', '.join(found) or 'none'}"


def _people(slug: str, one: dict[str, Any], person: str) -> str:
    people = {email: role for email, role in one["people"].items() if person in email}
    wide = max([len(email) for email in people] + [6])
    lines = [f"{one['name']} ({slug})", *(f"  {email:{wide}}  {role}" for email, role in people.items())]
    for email, tokens in one["tokens"].items():
        lines += [f"  {email:{wide}}  {role} (API token {name})" for name, role in tokens.items() if person in email]
    return "\n".join(lines)


def _routes(one: dict[str, Any], routes: dict[str, str], wanted: str) -> str:
    lines = []
    shown = {route: asked for route, asked in routes.items() if "{workspace}" in route and wanted in route.lower()}
    wide = max([len(route) for route in shown] + [5])
    if shown:
        lines.append(f"  {'route':{wide}}  {'  '.join(ROLES)}  permission")
    for route, asked in shown.items():
        marks = "  ".join(f"{'yes' if may(asked, one['roles'], role) else '-':{len(role)}}" for role in ROLES)
        lines.append(f"  {route:{wide}}  {marks}  {asked}")
    return "\n".join(lines)


def _of_the_server(routes: dict[str, str], wanted: str) -> str:
    shown = {route: who for route, who in routes.items() if "{workspace}" not in route and wanted in route.lower()}
    wide = max([len(route) for route in shown] + [5])
    lines = ["The server", f"  {'route':{wide}}  for", *(f"  {route:{wide}}  {who}" for route, who in shown.items())]
    return "\n".join(lines) if shown else ""
