"""What the documentation says is there, and what it shows works."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from servers import RunningServer

ROOT = Path(__file__).parent.parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "templates").glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_project_speaks_of_itself_alone(page):
    text = page.read_text().lower()
    for word in ("/work/", "chatgpt", "claude", "as an ai", "todo", "lorem ipsum"):
        assert word not in text


def test_every_command_that_the_readme_names_exists():
    from releaseapp.cli import main

    for line in re.findall(r"^releaseapp (.+)$", (ROOT / "README.md").read_text(), re.MULTILINE):
        command = main
        for word in line.split():
            if word in getattr(command, "commands", {}):
                command = command.commands[word]
        assert command is not main, line


def test_the_curl_lines_of_the_readme_end_in_a_completed_task(tmp_path):
    text = (ROOT / "README.md").read_text()
    script = re.search(r"```bash\n(base=.+?)```", text, re.DOTALL)[1]
    server = RunningServer(tmp_path).start()
    try:
        script = script.replace("http://127.0.0.1:6543", server.url)
        # What a person does between the last two commands: looks until it is there.
        *before, last = script.strip().split("\n\n")
        wait = f'for i in $(seq 100); do out=$({last}); case $out in *completed*) break;; esac; sleep 0.1; done; echo "$out"'
        done = subprocess.run(
            ["bash", "-euc", "\n\n".join([*before, wait])], capture_output=True, text=True, timeout=60, check=True
        )
        shown = json.loads(done.stdout[done.stdout.rindex('{"items"') :])
        assert shown["items"][0]["output"] == "Hello, Ada!"
    finally:
        server.end()


def test_the_console_block_names_the_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"^\$ make (\w+)", (ROOT / page).read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_tables_of_the_state_machine_are_its_data():
    from releaseapp.runs.models import RUN_TRANSITIONS, STEP_TRANSITIONS

    text = (ROOT / "docs" / "runs.md").read_text()
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|")) for line in text.splitlines() if line.startswith("|")
    ]
    runs = {
        (before.value, after.value, ", ".join(sorted(causes, reverse=True)))
        for before, moves in RUN_TRANSITIONS.items()
        for after, causes in moves.items()
    }
    states = {before.value for before in RUN_TRANSITIONS}
    told = {row for row in rows if len(row) == 3 and row[0] in states}
    assert {(a, b, ", ".join(sorted(c.split(", "), reverse=True))) for a, b, c in told} == runs
    steps = {before.value: {after.value for after in moves} for before, moves in STEP_TRANSITIONS.items() if moves}
    assert {row[0]: set(row[1].split(", ")) for row in rows if len(row) == 2 and row[0] in steps} == steps
