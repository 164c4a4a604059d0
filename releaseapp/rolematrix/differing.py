"""How two role matrices differ, in sentences: data that changed, and routes that changed."""

from collections.abc import Iterator, Mapping
from typing import Any

from releaseapp.permissions import Role
from releaseapp.rolematrix.models import (
    EVERYBODY,
    NOBODY,
    OPERATOR,
    PERSON,
    ROLES,
    SIGNED_IN,
    Change,
    Kind,
    Matrix,
    Way,
)

_WRITING = ("POST", "PUT", "PATCH", "DELETE")
_WHO = {
    EVERYBODY: "everybody, without signing in",
    SIGNED_IN: "everybody who is signed in",
    PERSON: "every person who is signed in",
    OPERATOR: "operators",
    NOBODY: "nobody",
}
_WIDTH = {NOBODY: 0, OPERATOR: 1, PERSON: 3, SIGNED_IN: 4, EVERYBODY: 5}
_ROLE_WIDTH = 2
"""Behind operators and before everybody who is signed in: the members of a workspace whose role has it."""


def difference(before: Matrix, after: Matrix) -> list[Change]:
    """What is different in ``after``; parts that ``before`` lacks are not compared."""
    found: list[Change] = []
    if "operators" in before:
        found += _operators(before["operators"], after.get("operators", []))
    if "workspaces" in before:
        found += _workspaces(before["workspaces"], after)
    if "routes" in before:
        found += _routes(before, after)
    return found


def may(permission: str, roles: Mapping[str, list[str]], role: str) -> bool:
    """Whether the role of a workspace may call what asks for this."""
    return permission in {EVERYBODY, SIGNED_IN, PERSON} or permission in roles.get(role, ())


def _operators(before: list[str], after: list[str]) -> Iterator[Change]:
    then, now = set(before), set(after)
    for email in sorted(then ^ now):
        if email in now:
            yield Change(f"{email} is now an operator of the server.", Kind.OPERATOR, Way.MORE)
        else:
            yield Change(f"{email} is no longer an operator of the server.", Kind.OPERATOR, Way.LESS)


def _workspaces(before: dict[str, Any], after: Matrix) -> Iterator[Change]:
    now = after.get("workspaces", {})
    for slug in sorted({*before, *now}):
        if slug not in before:
            people = len(now[slug].get("people", {}))
            said = f"There is now a workspace {now[slug].get('name', slug)} with {people} {_people(people)}."
            yield Change(said, Kind.WORKSPACE, Way.MORE, slug)
        elif slug not in now:
            name = before[slug].get("name", slug)
            yield Change(f"The workspace {name} is gone.", Kind.WORKSPACE, Way.LESS, slug)
        else:
            yield from _workspace(slug, before[slug], now[slug], after.get("routes", {}))


def _workspace(slug: str, before: dict[str, Any], after: dict[str, Any], routes: dict[str, str]) -> Iterator[Change]:
    name = after.get("name", slug)
    if "name" in before and before["name"] != name:
        yield Change(f"The workspace {before['name']} is now called {name}.", Kind.WORKSPACE, Way.OTHER, slug)
    if "roles" in before:
        yield from _permissions(slug, before["roles"], after, routes)
    if "people" in before:
        yield from _members(slug, before["people"], after)
    if "tokens" in before:
        yield from _tokens(slug, before["tokens"], after)


def _permissions(
    slug: str, before: dict[str, list[str]], after: dict[str, Any], routes: dict[str, str]
) -> Iterator[Change]:
    name, now = after.get("name", slug), after.get("roles", {})
    for role in ROLES:
        then, new = set(before.get(role, ())), set(now.get(role, ()))
        for permission in sorted(then ^ new):
            opened = [_here(route, slug) for route, asked in routes.items() if asked == permission]
            more = permission in new
            said = f"{role.title()}s of {name} may {'now' if more else 'no longer'} {_acts(opened, permission)}."
            yield Change(said, Kind.PERMISSION, Way.MORE if more else Way.LESS, slug, opened)


def _members(slug: str, before: dict[str, str], after: dict[str, Any]) -> Iterator[Change]:
    name, now = after.get("name", slug), after.get("people", {})
    for email in sorted({*before, *now}):
        then, new = before.get(email), now.get(email)
        if then is None:
            yield Change(f"{email} is now {_a(new)} of {name}.", Kind.PERSON, Way.MORE, slug)
        elif new is None:
            yield Change(f"{email} is no longer {_a(then)} of {name}.", Kind.PERSON, Way.LESS, slug)
        elif then != new:
            said = f"{email} is now {_a(new)} of {name}, no longer {_a(then)}."
            yield Change(said, Kind.PERSON, _towards(then, new), slug)


def _tokens(slug: str, before: dict[str, dict[str, str]], after: dict[str, Any]) -> Iterator[Change]:
    name, now = after.get("name", slug), after.get("tokens", {})
    for email in sorted({*before, *now}):
        then, new = before.get(email, {}), now.get(email, {})
        for token in sorted({*then, *new}):
            whose = f"The API token “{token}” of {email}"
            if token not in then:
                said = f"{whose} now acts as {_a(new[token])} of {name}."
                yield Change(said, Kind.TOKEN, Way.MORE, slug)
            elif token not in new:
                said = f"{whose} no longer acts as {_a(then[token])} of {name}."
                yield Change(said, Kind.TOKEN, Way.LESS, slug)
            elif then[token] != new[token]:
                said = f"{whose} now acts as {_a(new[token])} of {name}, no longer as {_a(then[token])}."
                yield Change(said, Kind.TOKEN, _towards(then[token], new[token]), slug)


def _routes(before: Matrix, after: Matrix) -> Iterator[Change]:
    then, now = before["routes"], after.get("routes", {})
    spaces = after.get("workspaces", {})
    for route in sorted({*then, *now}, key=lambda one: tuple(reversed(one.split(" ", 1)))):
        if then.get(route) == now.get(route):
            continue
        if route not in now:
            yield Change(f"{route} is gone ({then[route]}).", Kind.ROUTE, Way.LESS, "", [route])
        elif route not in then:
            who = _who(now[route], spaces)
            yield Change(f"{route} is new, for {who} ({now[route]}).", Kind.ROUTE, Way.MORE, "", [route])
        else:
            yield from _changed(route, then[route], now[route], spaces)


def _changed(route: str, then: str, now: str, spaces: dict[str, Any]) -> Iterator[Change]:
    """A view that asks for another permission: said of each role that gains or loses by it, and where."""
    asks = f"it asks for {now}, and asked for {then}"
    gained = _where(spaces, lambda roles, role: may(now, roles, role) and not may(then, roles, role))
    lost = _where(spaces, lambda roles, role: may(then, roles, role) and not may(now, roles, role))
    # Strangers have no role: that they gain or lose is said besides.
    if EVERYBODY in {then, now} or not (gained or lost):
        way = Way.OTHER
        if {then, now} & _WIDTH.keys():
            width = _WIDTH.get(now, _ROLE_WIDTH) - _WIDTH.get(then, _ROLE_WIDTH)
            way = Way.MORE if width > 0 else Way.LESS
        yield Change(f"{route} is now for {_who(now, spaces)}: {asks}.", Kind.ROUTE, way, "", [route])
    for way, verb, found in ((Way.MORE, "now", gained), (Way.LESS, "no longer", lost)):
        for places, roles in found.items():
            of = "" if len(places) == len(spaces) else f" of {_listed([spaces[slug]['name'] for slug in places])}"
            who = _listed([f"{role}s" for role in roles]).capitalize()
            slug = places[0] if len(places) == 1 else ""
            yield Change(f"{who}{of} may {verb} {route}: {asks}.", Kind.ROUTE, way, slug, [route])


def _where(spaces: dict[str, Any], changes: Any) -> dict[tuple[str, ...], list[str]]:
    """The roles that a change concerns, by the workspaces in which it does."""
    found: dict[tuple[str, ...], list[str]] = {}
    for role in ROLES:
        places = tuple(slug for slug, one in spaces.items() if changes(one.get("roles", {}), role))
        if places:
            found.setdefault(places, []).append(role)
    return found


def _who(asked: str, spaces: dict[str, Any]) -> str:
    if asked in _WHO:
        return _WHO[asked]
    roles = [role for role in ROLES if any(asked in one.get("roles", {}).get(role, ()) for one in spaces.values())]
    return _listed([f"{role}s" for role in roles]) or "nobody"


def _acts(opened: list[str], permission: str) -> str:
    if not opened:
        return f"do what {permission} covers"
    first = min(opened, key=lambda route: (not route.startswith(_WRITING), len(route)))
    others = len(opened) - 1
    return f"{first}{f' and {others} more' if others else ''} ({permission})"


def _here(route: str, slug: str) -> str:
    return route.replace("{workspace}", slug)


def _towards(then: str, new: str) -> Way:
    return Way.MORE if Role(new).rank > Role(then).rank else Way.LESS


def _a(role: str | None) -> str:
    return f"{'an' if str(role)[:1] in 'aeo' else 'a'} {role}"


def _people(number: int) -> str:
    return "person" if number == 1 else "people"


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
