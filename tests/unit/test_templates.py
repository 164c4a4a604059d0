"""Templates as data: what they must have, and what the content security policy forbids."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, nodes

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


def test_every_icon_and_static_file_that_is_named_exists():
    sprite = (STATIC / "icons.svg").read_text()
    icons = set(re.findall(r'<symbol id="([a-z]+)"', sprite))
    used, files = set(), set()
    for path in FILES:
        text = path.read_text()
        used.update(re.findall(r'\b(?:icon|empty)\("([a-z]+)"', text))
        files.update(re.findall(r"static\('([^']+)'\)", text))
    assert used <= icons, used - icons
    assert all((STATIC / file).exists() for file in files)


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
