"""Templates as data: what they must have, and what the content security policy forbids."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, nodes

from releaseapp.agents.models import AgentStatus
from releaseapp.agents.tasks.models import TaskStatus
from releaseapp.permissions import Permission
from releaseapp.runs.approvals.models import ApprovalStatus
from releaseapp.steps import step_types

ROOT = Path(__file__).parent.parent.parent
FOLDER, STATIC = ROOT / "templates", ROOT / "releaseapp" / "static"
FILES = sorted(FOLDER.rglob("*.jinja2"))
PAGES = [path for path in FILES if not path.name.startswith("_") and path.name != "layout.html.jinja2"]


def name(path):
    return str(path.relative_to(FOLDER))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_is_inline_that_the_policy_forbids(path):
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert "| safe" not in text


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_extends_the_layout_and_has_a_title(path):
    environment = Environment(loader=FileSystemLoader(FOLDER))
    environment.filters["exact_time"] = str
    environment.get_template(name(path))
    tree = environment.parse(path.read_text())
    assert next(tree.find_all(nodes.Extends)).template.value == "layout.html.jinja2"
    titles = [block for block in tree.find_all(nodes.Block) if block.name == "title"]
    assert len(titles) == 1
    assert titles[0].body


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_form_that_posts_carries_the_token(path):
    for form in re.findall(r"<form method=\"post\".*?</form>", path.read_text(), re.DOTALL):
        assert "csrf()" in form


def test_every_static_file_that_is_named_exists():
    files = {file for path in FILES for file in re.findall(r"static\('([^']+)'\)", path.read_text())}
    assert {"app.css", "parts.css", "js/app.js", "icons.svg", "favicon.svg"} <= files
    assert {file for file in files if not (STATIC / file).is_file()} == set()


def test_every_icon_that_a_page_may_show_is_in_the_sprite_and_the_other_way_round():
    icons = set(re.findall(r'<symbol id="([a-z]+)"', (STATIC / "icons.svg").read_text()))
    used = {kind.icon for kind in step_types().values()}
    for path in FILES:
        used |= icons_of(Environment().parse(path.read_text()))
    assert used == icons


def icons_of(tree):
    """What ``icon(…)`` and its kin are given: texts, either side of a condition, and what a table of icons holds."""
    tables = {
        target.name: node.node
        for node in tree.find_all(nodes.Assign)
        if isinstance(target := node.target, nodes.Name) and isinstance(node.node, nodes.Dict)
    }
    found = set()
    for call in tree.find_all(nodes.Call):
        position = {"icon": 0, "empty": 0, "button_form": 3}.get(getattr(call.node, "name", ""))
        if position is None or len(call.args) <= position:
            continue
        given = [
            call.args[position],
            *(tables[name.name] for name in call.args[position].find_all(nodes.Name) if name.name in tables),
        ]
        found |= {text for one in given for text in results(one)}
    for loop in tree.find_all(nodes.For):
        names = [name.name for name in loop.target.find_all(nodes.Name)]
        if "icon_name" in names:
            rows = loop.iter.find_all(nodes.Tuple)
            found |= {row.items[names.index("icon_name")].value for row in rows if len(row.items) == len(names)}
    return found


def results(expression):
    """The texts that an expression may come to."""
    match expression:
        case nodes.Const():
            return {expression.value} - {""}
        case nodes.CondExpr():
            return results(expression.expr1) | results(expression.expr2)
        case nodes.Dict():
            return {text for pair in expression.items for text in results(pair.value)}
        case nodes.Call(node=nodes.Getattr(node=nodes.Dict() as table, attr="get")):
            return results(table) | {text for default in expression.args[1:] for text in results(default)}
    return set()


def test_every_row_that_is_fetched_again_can_be_known_again():
    """Else the focus on one row would be on another when a row is added above it."""
    for path in FILES:
        text = path.read_text()
        if path.name.startswith("_") and "<tbody>" in text:
            assert re.search(r"<tbody>.*?<tr id=", text, re.DOTALL), path.name


def test_the_table_of_roles_says_what_every_permission_means():
    tree = Environment().parse((FOLDER / "workspaces" / "roles.html.jinja2").read_text())
    table = next(node.node for node in tree.find_all(nodes.Assign) if node.target.name == "meaning")
    assert {pair.key.value for pair in table.items} == set(Permission)
    assert all(pair.value.value for pair in table.items)


def test_every_status_has_a_shape_of_its_own():
    """Told by text and shape, never by colour alone."""
    tree = Environment().parse((FOLDER / "_macros.html.jinja2").read_text())
    table = next(
        node.node for node in tree.find_all(nodes.Assign) if getattr(node.target, "name", "") == "status_icons"
    )
    shapes = {pair.key.value: pair.value.value for pair in table.items}
    assert set(shapes) == {*AgentStatus, *TaskStatus, *ApprovalStatus}
    for kind in (AgentStatus, TaskStatus, ApprovalStatus):
        assert len({shapes[status] for status in kind}) == len(kind)


def test_every_module_that_is_imported_exists_and_is_loaded_by_some_page():
    modules = {path.name for path in (STATIC / "js").glob("*.js")}
    imported = {"app.js"}
    for path in (STATIC / "js").glob("*.js"):
        imported.update(re.findall(r'^import .*?"\./([a-z.]+)";', path.read_text(), re.MULTILINE))
    assert imported == modules


def test_the_colours_of_text_are_readable_in_light_and_dark():
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text."""
    css = (STATIC / "app.css").read_text()
    light = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", css.split("@media")[0]))
    dark = {**light, **dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", css.split("@media")[1]))}
    pairs = [
        ("text", "bg"), ("text", "surface"), ("muted", "bg"), ("muted", "surface"), ("muted", "sunken"),
        ("accent", "surface"), ("accent", "accent-soft"), ("on-accent", "accent"), ("good", "good-soft"),
        ("bad", "bad-soft"), ("bad", "surface"), ("busy", "busy-soft"), ("learn", "learn-soft"), ("muted", "calm-soft"),
    ]  # fmt: skip
    for scheme in (light, dark):
        for front, back in pairs:
            assert contrast(scheme[front], scheme[back]) >= 4.5, (front, back)


def contrast(one, other):
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
