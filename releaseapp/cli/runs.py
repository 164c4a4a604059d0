"""Commands for runs: start one, look at it, cancel it, do it again."""

import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec

from releaseapp import clock
from releaseapp.cli.ini import INI, open_server, refusals_are_sentences
from releaseapp.errors import Invalid, NotFound
from releaseapp.runs import service
from releaseapp.runs.machine.kit import Runs
from releaseapp.runs.models import Run, RunStatus, TriggerType
from releaseapp.storage import open_workflows
from releaseapp.wakeups import Work, open_wakeups
from releaseapp.web.forms import json_or_text
from releaseapp.workflows.service import find_workflow, list_workflows
from releaseapp.workflows.store import Store
from releaseapp.workspaces.service import get_workspace_by_slug

WORKSPACE = click.option("--workspace", required=True, help="The workspace's name in addresses.")
_LOOK_SECONDS = 0.2
_FAILED = 1


@click.group()
def runs() -> None:
    """Runs of workflows: start them, look at them, cancel them, do them again."""


@runs.command("start")
@INI
@WORKSPACE
@click.argument("workflow")
@click.option("--input", "-i", "pairs", multiple=True, metavar="NAME=VALUE", help="An input: JSON, or text.")
@click.option("--inputs", "file", type=click.File("rb"), help="A JSON file with all inputs; - is the standard input.")
@click.option("--wait", is_flag=True, help="Wait for the end, print the output; exit with 1 when the run fails.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
@refusals_are_sentences
def start(ini: Path, workspace: str, workflow: str, **options: Any) -> None:
    """Starts a run of WORKFLOW, its name or id."""
    here = _open(ini)
    workspace_id = get_workspace_by_slug(here.db, workspace).id
    given = _inputs(options["pairs"], options["file"])
    chosen = _workflow_id(here, workspace_id, workflow)
    run = service.start_run(here, workspace_id, chosen, service.Start(given, TriggerType.COMMAND))
    if not options["wait"]:
        _print(run, as_json=options["as_json"])
        return
    while not run.is_over:
        time.sleep(_LOOK_SECONDS)
        run = _get(here, workspace_id, run.id)
    _print(run, as_json=options["as_json"])
    sys.exit(0 if run.status is RunStatus.SUCCEEDED else _FAILED)


@runs.command("list")
@INI
@WORKSPACE
@click.option("--status", type=click.Choice([one.value for one in RunStatus]), help="Only those that stand there.")
@click.option("--limit", default=20, type=click.IntRange(1, 1000), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one run a line.")
@refusals_are_sentences
def list_(ini: Path, workspace: str, status: str | None, limit: int, *, as_json: bool) -> None:
    """The newest runs of a workspace."""
    here = _open(ini)
    workspace_id = get_workspace_by_slug(here.db, workspace).id
    for run in service.list_runs(here.db, workspace_id, service.Filter(status=status), "\U0010ffff", limit):
        if as_json:
            click.echo(msgspec.json.encode(run))
        else:
            click.echo(f"{run.id}  {run.status:9}  {run.created_at}  {run.workflow_name} v{run.version}")


@runs.command("show")
@INI
@WORKSPACE
@click.argument("run_id")
@click.option("--log", is_flag=True, help="With the log.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@refusals_are_sentences
def show(ini: Path, workspace: str, run_id: str, *, log: bool, as_json: bool) -> None:
    """A run, and how its steps stand."""
    here = _open(ini)
    run = _get(here, get_workspace_by_slug(here.db, workspace).id, run_id)
    _print(run, as_json=as_json)
    if as_json:
        return
    for step in service.list_steps(here.db, run.id):
        again = f", attempt {step.attempt}" if step.attempt > 1 else ""
        click.echo(f"  {step.key}: {step.status}{again}{f' - {step.error}' if step.error else ''}")
    after = 0
    while log and (lines := service.list_log(here.db, run.id, after, 1000)):
        for line in lines:
            click.echo(f"  {line.at} {line.step_id}: {line.text}")
        after = lines[-1].seq


@runs.command("cancel")
@INI
@WORKSPACE
@click.argument("run_id")
@refusals_are_sentences
def cancel(ini: Path, workspace: str, run_id: str) -> None:
    """Ends a run that is not over."""
    here = _open(ini)
    run = _get(here, get_workspace_by_slug(here.db, workspace).id, run_id)
    _print(service.cancel_run(here, run, None), as_json=False)


@runs.command("retry")
@INI
@WORKSPACE
@click.argument("run_id", required=False)
@click.option("--from", "from_step", help="Begin with this step, instead of the one that failed.")
@click.option("--whole", is_flag=True, help="Begin anew.")
@click.option("--current", is_flag=True, help="With the version that is published now.")
@click.option("--failed-since", metavar="TIME", help="Instead of one run: all that failed and were begun since then.")
@refusals_are_sentences
def retry(ini: Path, workspace: str, run_id: str | None, **options: Any) -> None:
    """Does a run again, from the step that failed."""
    here = _open(ini)
    workspace_id = get_workspace_by_slug(here.db, workspace).id
    if (run_id is None) == (options["failed_since"] is None):
        raise click.UsageError("Name a run, or a time with --failed-since.")
    if run_id is not None:
        wanted = service.Retry(options["from_step"], options["whole"], options["current"])
        _print(service.retry_run(here, _get(here, workspace_id, run_id), wanted, None), as_json=False)
        return
    try:
        since = clock.first_id_at("run", clock.parse(options["failed_since"]))
    except ValueError as error:
        raise click.BadParameter("give a time such as 2030-01-31T08:00:00Z", param_hint="--failed-since") from error
    again = service.retry_failed(here, workspace_id, service.Filter(since=since), None)
    for run in again:
        _print(run, as_json=False)
    click.echo(f"{len(again)} retried.")


def _open(ini: Path) -> Runs:
    settings, db = open_server(ini)
    return Runs(db, Store(db, open_workflows(settings)), settings, open_wakeups(settings, Work.RUNS).wake)


def _workflow_id(here: Runs, workspace_id: str, name_or_id: str) -> str:
    if find_workflow(here.store, workspace_id, name_or_id) is not None:
        return name_or_id
    named = [
        one for one in list_workflows(here.store, workspace_id) if one.shown.name.casefold() == name_or_id.casefold()
    ]
    if not named:
        raise NotFound(f"There is no workflow {name_or_id!r} in this workspace.")
    if len(named) > 1:
        raise Invalid.at("", f"There are {len(named)} workflows of that name; name one by id: {named[0].id} …")
    return named[0].id


def _inputs(pairs: tuple[str, ...], file: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if file is not None:
        try:
            found = msgspec.json.decode(file.read(), type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise click.BadParameter(f"the file is no JSON object ({error})", param_hint="--inputs") from error
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--input")
        found[name] = json_or_text(value)
    return found


def _get(here: Runs, workspace_id: str, run_id: str) -> Run:
    run = service.find_run(here.db, workspace_id, run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id} in this workspace.")
    return run


def _print(run: Run, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(run))
        return
    click.echo(f"{run.id} {run.status}")
    if run.error:
        click.echo(f"  {f'{run.failed_step}: ' if run.failed_step else ''}{run.error}")
    if run.status is RunStatus.SUCCEEDED and run.output is not None:
        click.echo(msgspec.json.format(msgspec.json.encode(run.output), indent=2))
