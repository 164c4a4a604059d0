"""Commands that export workflows to files and import them from files, also while the server runs."""

import sys
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from releaseapp.cli.ini import INI, open_server, refusals_are_sentences
from releaseapp.errors import Fault, Invalid, NotFound, TooLarge
from releaseapp.storage import open_workflows
from releaseapp.workflows.service import find_workflow
from releaseapp.workflows.store import By, Store
from releaseapp.workflows.transfer import service
from releaseapp.workflows.transfer.service import Format, Incoming, Outcome, Plan
from releaseapp.workspaces.service import get_workspace_by_slug

_WORKSPACE = click.option("--workspace", "slug", required=True, help="The workspace's name in addresses.")
_FORMATS = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}
_WORDS = {
    Outcome.CREATED: "new",
    Outcome.MATCHED: "is here, gets a draft",
    Outcome.UNCHANGED: "is here and says the same",
    Outcome.REFUSED: "refused",
}


@click.command("export")
@INI
@_WORKSPACE
@click.option("--workflow", "workflow_id", help="The id of one workflow; left out: all.")
@click.option("--version", "number", type=click.IntRange(min=1), help="One version of that workflow.")
@click.option("--format", "wanted", type=click.Choice(["yaml", "json"]), help="Left out: as the file's name says.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Left out: shown.")
@refusals_are_sentences
def export_workflows(
    ini: Path, slug: str, workflow_id: str | None, number: int | None, wanted: str | None, output: Path | None
) -> None:
    """Writes a version, a workflow with its history, or all workflows of a workspace."""
    if number is not None and workflow_id is None:
        raise click.UsageError("--version needs --workflow.")
    store, workspace_id = _open(ini, slug)
    bundle = _bundle(store, workspace_id, workflow_id, number)
    chosen = wanted or _FORMATS.get(output.suffix.lower() if output else "", "yaml")
    text = service.as_text(bundle, cast("Format", chosen))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.FileError(str(output), error.strerror or "it cannot be written") from error
    click.echo(f"{output}: {len(bundle['workflows'])} exported.", err=True)


@click.command("import")
@INI
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_WORKSPACE
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--publish", is_flag=True, help="Publish what a file has as published.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@refusals_are_sentences
def import_workflows(
    ini: Path, files: tuple[Path, ...], slug: str, *, dry_run: bool, publish: bool, as_json: bool
) -> None:
    """Imports exported files or definitions; when one is refused, exits with 1 and does nothing."""
    store, workspace_id = _open(ini, slug)
    into = service.surroundings(store.db, workspace_id)
    read = [(file, *_read(file)) for file in files]
    plans = [
        (file, incoming, faults, service.plan_import(store, incoming, into, publish=publish) if incoming else None)
        for file, incoming, faults in read
    ]
    refused = any(faults or (plan is not None and plan.faults) for _, _, faults, plan in plans)
    told = []
    for file, incoming, faults, plan in plans:
        if incoming is not None and not dry_run and not refused:
            plan = service.import_workflows(store, incoming, into, By(None), publish=publish)  # noqa: PLW2901
        told.append(_told(file, incoming, plan, faults, as_json=as_json))
    if as_json:
        done = not dry_run and not refused
        click.echo(msgspec.json.format(msgspec.json.encode({"done": done, "publish": publish, "files": told})))
    elif dry_run or refused:
        click.echo("Nothing was done.")
    sys.exit(1 if refused else 0)


def _open(ini: Path, slug: str) -> tuple[Store, str]:
    settings, db = open_server(ini)
    return Store(db, open_workflows(settings)), get_workspace_by_slug(db, slug).id


def _bundle(store: Store, workspace_id: str, workflow_id: str | None, number: int | None) -> dict[str, Any]:
    if workflow_id is None:
        return service.export_all(store, workspace_id)
    workflow = find_workflow(store, workspace_id, workflow_id)
    if workflow is None:
        raise NotFound(f"There is no workflow {workflow_id!r} in this workspace.")
    if number is None:
        return service.export_workflow(store, workflow)
    version = workflow.version(number)
    if version is None:
        raise NotFound(f"{workflow.shown.name} has no version {number}.")
    return service.export_version(store, workflow, version)


def _read(file: Path) -> tuple[Incoming | None, list[Fault]]:
    given = cast("Format | None", _FORMATS.get(file.suffix.lower()))
    try:
        return service.read_incoming(file.read_bytes(), given, service.FROM_THE_SHELL), []
    except OSError as error:
        raise click.FileError(str(file), error.strerror or "it cannot be read") from error
    except Invalid as error:
        return None, list(error.faults)
    except TooLarge as error:
        return None, [Fault("", str(error))]


def _told(
    file: Path, incoming: Incoming | None, plan: Plan | None, faults: list[Fault], *, as_json: bool
) -> dict[str, Any]:
    """What becomes of a file: said to people, or given back for programs."""
    if as_json:
        errors = [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults]
        return {"file": str(file), "errors": errors, **(service.shown(plan, incoming) if plan and incoming else {})}
    for fault in faults:
        click.echo(f"{file}: {fault.detail}")
    if plan is None or incoming is None:
        return {}
    for item in plan.items:
        published = f"; version {item.publishes} is published" if item.publishes else ""
        click.echo(f"{file}: {item.candidate.name or 'without a name'}: {_WORDS[item.outcome]}{published}")
        for fault in incoming.told(list(item.faults)):
            click.echo(f"  {fault.detail} ({fault.pointer or 'the whole'})")
    for kind, names in msgspec.structs.asdict(plan.missing).items():
        for name, by in sorted(names.items()):
            click.echo(f"{file}: this workspace has no {kind.removesuffix('s')} {name!r}, for {', '.join(by)}")
    return {}
