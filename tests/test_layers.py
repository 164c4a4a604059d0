"""The floors of the house: a file imports from floors below it and from its own domain, never upward.

docs/architecture.md draws the same picture for people.
"""

import ast
import gc
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "releaseapp"

FLOORS = [
    {"clock", "errors", "numbers", "permissions"},
    {"settings", "expressions", "db", "masking", "json_schema"},
    {"outbound", "wakeups"},
    {"events"},
    {"operations", "maintenance"},
    {"web"},
    {"auth"},
    {"workspaces"},
    {"credentials"},
    {"agents", "keys", "served"},
    {"steps"},
    {"workflows"},
    {"runs"},
    {"live"},
    {"seeds", "workers", "snapshots"},
    {"caretaker", "pair"},
    {"storage", "connections", "rolematrix", "checks", "banner"},
    {"releases"},
    {"security", "tree"},
    {"pages", "overview", "health", "web_app"},
    {"releaseapp"},
    {"server"},
    {"cli"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
# Of another domain, only these modules may be used. The db door, events and web are foundations: open to all.
OPEN_TO_OTHER_DOMAINS = {
    "service",
    "models",
    "resources",
    "schemas",
    "api",
    "views",
    "activity",
    "file",
    "store",
    "definition",
    "yaml_text",
    "templates",
    "vault",
    "worker",
    "kit",
    "counters",
    "pending",
    "hygiene",
}
DOMAINS = {"auth", "workspaces", "credentials", "agents", "workflows", "runs", "live"}
# The sub-rooms of a domain, and what in them may be used from outside.
FILES = sorted(PACKAGE.rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    # What the collector ends meanwhile may run code, which the parser of Python 3.11 takes amiss (gh-106905).
    gc.disable()
    try:
        return ast.parse(path.read_text())
    finally:
        gc.enable()


def home_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "releaseapp" if parts == ("__init__",) else parts[0]


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{name.name}" for name in node.names)
    return {name for name in found if name.split(".")[0] == "releaseapp"}


def is_module(name: str) -> bool:
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_from_its_own_domain_and_from_floors_below(path):
    home = home_of(path)
    assert home in FLOOR, f"{home} is on no floor; say in FLOORS where it stands"
    for name in filter(is_module, imports_of(path)):
        parts = name.split(".")
        if name == "releaseapp":
            # Only the version, which belongs to no floor.
            continue
        other = parts[1]
        assert other == home or FLOOR[other] < FLOOR[home], f"{path.name} on floor {home} imports {name} from above"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_stands_in_queries_and_behind_the_door_alone(path):
    if path.name == "queries.py" or home_of(path) == "db":
        return
    verbs = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ")
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not node.value.strip().startswith(verbs), f"{path}:{node.lineno} holds SQL"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_of_another_domain_only_the_front_rooms_are_used(path):
    home = home_of(path)
    if home == "server":
        return  # the live room's own front door: it puts its parts together
    for name in filter(is_module, imports_of(path)):
        parts = name.split(".")
        if len(parts) < 3 or parts[1] not in DOMAINS or parts[1] == home:
            continue
        rooms = [part for part in parts[2:] if (PACKAGE / parts[1] / part).is_dir()]
        last = parts[-1] if parts[-1] not in rooms else None
        assert last is None or last in OPEN_TO_OTHER_DOMAINS, f"{path.name} reaches into {name}"


ASKING = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time"), ("time", "monotonic")}


def test_only_the_clock_asks_for_the_time():
    for path in FILES:
        if path.name == "clock.py":
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in ASKING, (
                    f"{path.name}:{node.lineno} asks for the time by itself"
                )


def test_gevent_is_met_in_the_live_room_and_the_server_alone():
    for path in FILES:
        where = str(path.relative_to(PACKAGE))
        names = set()
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Import):
                names.update(name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
        met = {name for name in names if name.split(".")[0] in {"gevent", "geventwebsocket"}}
        assert not met or where.startswith(("live/", "server/")), f"{where} imports {met}"
