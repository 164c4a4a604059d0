"""The measurements can be run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(240)
def test_the_smoke_run_measures_every_row_on_every_server():
    command = [sys.executable, "-m", "bench", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    names, *rows = rows
    assert names[:3] == ["all-in-one", "waitress", "FastAPI"]
    figures = {title: values for title, *values in rows}
    sizes = figures["list of 50 agents, body bytes"][:3]
    assert len(set(sizes)) == 1, "both sides serve the same list"
    assert figures["fan-out, delivered %"][0] == "100.00"
    assert figures["releaseapp"][:2] == ["json module", "SQLite rows"]
    sizes = figures["list of 50, body bytes"][:3]
    assert len(set(sizes)) == 1, "all three ways list the same workflows"
    assert {"write of one draft, ms", "first read after the start, ms", "list of 50 by a text, ms"} <= set(figures)
    assert figures["three steps that compute, runs/s"][2] != "—"
    assert len(figures["page, ms"]) == 3
    figures = {title: values for title, values in figures.items() if len(values) > 3}
    assert not [title for title, values in figures.items() if values[0] == "—" or values[2] == "—"]
