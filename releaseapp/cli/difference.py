"""A command that tells what is different between two definitions, as diff(1) does of two texts."""

import re
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from releaseapp.errors import Invalid
from releaseapp.workflows import yaml_text
from releaseapp.workflows.differences import (
    Difference,
    Entry,
    Piece,
    Row,
    ShownField,
    compare,
    sections_of,
    summary,
    unified,
)

_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_COLOURS = {"removed": "red", "added": "green", "gap": "cyan"}
_MARKS = {"removed": ("[-", "-]"), "added": ("{+", "+}"), "same": ("", "")}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SIGNS = {"removed": "-", "added": "+", "same": " "}


@click.command("diff")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.option("--text", "as_text", is_flag=True, help="A unified diff of the two files.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def diff_workflows(old: Path, new: Path, *, as_text: bool, as_json: bool) -> None:
    """Tells what is different between two definitions, by meaning. Exits with 0: nothing; 1: something; 2: trouble."""
    if as_text and as_json:
        raise click.UsageError("Give either --text or --json.")
    texts = _read(old), _read(new)
    if as_text:
        told = unified(*texts, (str(old), str(new)))
        for line in told.splitlines(keepends=True):
            click.echo(_coloured_line(line), nl=False)
        sys.exit(1 if told else 0)
    found = compare(_definition(old, texts[0]), _definition(new, texts[1]))
    if as_json:
        answer = {"same": found.same, "summary": summary(found), "difference": found}
        click.echo(msgspec.json.format(msgspec.json.encode(answer)))
    else:
        _tell(found)
    sys.exit(0 if found.same else 1)


def _read(file: Path) -> str:
    try:
        with click.open_file(str(file), encoding="utf-8") as stream:
            return str(stream.read())
    except UnicodeDecodeError:
        raise _trouble(file, "this is not UTF-8 text.") from None
    except OSError as error:
        raise _trouble(file, error.strerror or "it cannot be read.") from error


def _definition(file: Path, text: str) -> dict[str, Any]:
    try:
        value, _ = yaml_text.load(text)
    except Invalid as error:
        raise _trouble(file, str(error)) from error
    if not isinstance(value, dict):
        raise _trouble(file, "a definition is a mapping with a name and steps.")
    return value


class _Trouble(click.ClickException):
    exit_code = 2


def _trouble(file: Path, sentence: str) -> _Trouble:
    return _Trouble(f"{file}: {sentence}")


def _tell(found: Difference) -> None:
    click.echo(summary(found))
    for section in sections_of(found):
        click.echo()
        click.secho(section.title, bold=True)
        for entry in section.entries:
            _tell_entry(entry)


def _tell_entry(entry: Entry) -> None:
    pad = "  "
    if entry.title:
        about = f" ({entry.code})" if entry.code and entry.code != entry.title else ""
        about += f" {entry.tag}" if entry.tag else ""
        words = ", ".join(entry.words) or "as before"
        click.echo(f"  {click.style(_visible(entry.title), bold=True)}{_visible(about)}: {words}")
        pad = "    "
    for note in entry.notes:
        click.echo(pad + _visible(note))
    for field in entry.fields:
        _tell_field(field, pad)
    if entry.following:
        paths = ", ".join(field.path for field in entry.following)
        click.echo(f"{pad}Only a new id: {_visible(paths)}")


def _tell_field(field: ShownField, pad: str) -> None:
    name = f"{pad}{_visible(field.path) or 'value'}:"
    if field.rows:
        click.echo(name)
        for row in field.rows:
            click.echo(f"{pad}  {_row(row)}")
        return
    told = "".join(map(_marked, field.words)).replace("\n", f"\n{pad}  ")
    click.echo(f"{name} {told}")


def _row(row: Row) -> str:
    if row.kind == "gap":
        return click.style(f"… {row.count} {'line' if row.count == 1 else 'lines'} as before", fg="cyan")
    plain = len(row.pieces) == 1
    pieces = [Piece(piece.kind, piece.text.removesuffix("\n")) for piece in row.pieces]
    text = "".join(_visible(piece.text) if plain else _marked(piece) for piece in pieces if piece.text)
    line = f"{_SIGNS[row.kind]} {text}"
    return click.style(line, fg=_COLOURS.get(row.kind)) if plain else line


def _marked(piece: Piece) -> str:
    first, last = _MARKS[piece.kind]
    return click.style(f"{first}{_visible(piece.text)}{last}", fg=_COLOURS.get(piece.kind))


def _visible(text: str) -> str:
    """The text without what a terminal would obey."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _coloured_line(line: str) -> str:
    kinds = {"-": "red", "+": "green", "@": "cyan"}
    return click.style(line, fg=kinds.get(line[:1]), bold=line.startswith(("--- ", "+++ ")))
