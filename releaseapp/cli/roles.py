"""Commands for the role matrix."""

import sys
from pathlib import Path

import click
import msgspec

from releaseapp.cli.ini import INI, open_settings, refusals_are_sentences
from releaseapp.errors import Invalid
from releaseapp.rolematrix.expected import LARGEST_BYTES, as_yaml, read_expected
from releaseapp.rolematrix.looking import open_to_look, views_of
from releaseapp.rolematrix.models import Change, Kind, Matrix, Way
from releaseapp.rolematrix.service import accounts, difference, matrix_now
from releaseapp.rolematrix.snapshots import matrix_of_snapshot, snapshots_at
from releaseapp.rolematrix.telling import tell_changes, tell_matrix

FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SAID_NO = 1


@click.group()
def roles() -> None:
    """Who may do what: the role matrix of the whole server.

    Nothing is written by these. Exit codes: 0 as expected, 1 something differs, 2 it could not be read.
    """


@roles.command("show")
@INI
@click.option("--workspace", help="Only this one, by its slug.")
@click.option("--person", default="", metavar="TEXT", help="Only people with this in their e-mail.")
@click.option("--route", default="", metavar="TEXT", help="Only routes with this in them.")
@click.option("--yaml", "as_yaml_", is_flag=True, help="Print the whole as a file to keep in git, for `roles verify`.")
@JSON
@refusals_are_sentences
def show(ini: Path, workspace: str | None, person: str, route: str, *, as_yaml_: bool, as_json: bool) -> None:
    """People, roles, permissions and routes of every workspace; operators; API tokens."""
    if as_yaml_ and as_json:
        raise click.UsageError("Give either --yaml or --json.")
    if (as_yaml_ or as_json) and (workspace or person or route):
        raise click.UsageError("--workspace, --person and --route narrow the table; YAML and JSON are whole.")
    matrix, _ = _now(ini)
    if workspace is not None and workspace not in matrix["workspaces"]:
        raise Invalid.at("/workspace", f"There is no workspace {workspace}; there are {_named(matrix)}.")
    if as_yaml_:
        click.echo(as_yaml(matrix), nl=False)
    elif as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(matrix)))
    else:
        click.echo(tell_matrix(matrix, workspace, person, route))


@roles.command("verify")
@INI
@click.argument("expected", type=FILE)
@JSON
@refusals_are_sentences
def verify(ini: Path, expected: Path, *, as_json: bool) -> None:
    """Holds the server to a file that `roles show --yaml` wrote; exits with 1 and the difference when it is another."""
    wanted = _read(expected)
    matrix, emails = _now(ini)
    changes = [*difference(wanted, matrix), *_strangers(wanted, emails)]
    _tell(changes, "expected", "The role matrix is as expected.", as_json=as_json)


@roles.command("diff")
@INI
@click.argument("old", metavar="SNAPSHOT|FILE")
@click.argument("new", metavar="[FILE]", required=False)
@JSON
@refusals_are_sentences
def diff(ini: Path, old: str, new: str | None, *, as_json: bool) -> None:
    """What has changed since a snapshot, or since a file was written; or between two files."""
    before = _read(Path(old)) if _is_file(old) else _of_snapshot(ini, old)
    after = _read(Path(new)) if new is not None else _now(ini)[0]
    _tell(difference(before, after), "before", "The role matrix is the same.", as_json=as_json)


def _now(ini: Path) -> tuple[Matrix, set[str]]:
    settings = open_settings(ini)
    db = open_to_look(settings)
    try:
        return matrix_now(db, views_of(settings)), accounts(db)
    finally:
        db.close()


def _of_snapshot(ini: Path, name: str) -> Matrix:
    settings = open_settings(ini)
    db = open_to_look(settings)
    try:
        matrix = matrix_of_snapshot(snapshots_at(db, settings), name)
    finally:
        db.close()
    click.echo("A snapshot has no routes: compared are operators, workspaces, roles, people and tokens.", err=True)
    return matrix


def _read(path: Path) -> Matrix:
    if not _is_file(str(path)):
        raise Invalid.at("", f"There is no file {path}.")
    with click.open_file(str(path), "rb") as stream:
        raw = stream.read(LARGEST_BYTES + 1)
    try:
        return read_expected(raw.decode())
    except UnicodeDecodeError:
        raise Invalid.at("", f"{path}: this is not UTF-8 text.") from None
    except Invalid as error:
        lines = "\n".join(f"{path}: {fault.detail}" for fault in error.faults)
        raise Invalid.at("", lines) from None


def _is_file(name: str) -> bool:
    return name == "-" or Path(name).is_file()


def _strangers(wanted: Matrix, emails: set[str]) -> list[Change]:
    """People of the file who have no account at all: mistyped perhaps, which no difference would say."""
    named = {*wanted.get("operators", ())}
    for workspace in wanted.get("workspaces", {}).values():
        named |= {*workspace.get("people", ()), *workspace.get("tokens", ())}
    return [
        Change(f"{email} has no account on this server; is it mistyped?", Kind.PERSON, Way.OTHER)
        for email in sorted(named - emails)
    ]


def _tell(changes: list[Change], against: str, nothing: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode({"same": not changes, "changes": changes}))
    else:
        click.echo(tell_changes(changes, against) if changes else nothing)
    sys.exit(_SAID_NO if changes else 0)


def _named(matrix: Matrix) -> str:
    return ", ".join(matrix["workspaces"]) or "none"
