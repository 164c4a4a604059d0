"""Commands for definitions of workflows."""

import sys
from pathlib import Path

import click

from releaseapp.cli.difference import diff_workflows
from releaseapp.cli.transfer import export_workflows, import_workflows
from releaseapp.errors import Invalid
from releaseapp.workflows import yaml_text
from releaseapp.workflows.definition import check as check_definition


@click.group()
def workflows() -> None:
    """Workflows: check, compare, export and import them."""


for command in (diff_workflows, export_workflows, import_workflows):
    workflows.add_command(command)


@workflows.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check_workflows(files: tuple[Path, ...]) -> None:
    """Checks definitions in YAML or JSON; tells every fault with its line, and exits with 1 when there is one."""
    faults = 0
    for file in files:
        for line, sentence in _faults_of_file(file):
            faults += 1
            click.echo(f"{file}:{line}: {sentence}")
    click.echo(f"{len(files)} checked, {faults} {'fault' if faults == 1 else 'faults'}.")
    sys.exit(1 if faults else 0)


def _faults_of_file(file: Path) -> list[tuple[int, str]]:
    try:
        value, lines = yaml_text.load(file.read_text(encoding="utf-8"))
    except Invalid as error:
        return [(1, str(error))]
    except UnicodeDecodeError:
        return [(1, "This is not UTF-8 text.")]
    return [(yaml_text.line_of(lines, fault.pointer), fault.detail) for fault in check_definition(value)]
