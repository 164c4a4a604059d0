"""Types of step that other packages bring, by the entry point ``releaseapp.steps``."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from releaseapp.workflows.definition import check

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "releaseapp-step-example"

# It builds a package, as tests/install does: one after the other.
pytestmark = pytest.mark.xdist_group("install")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder in which the example is installed; built from a copy, which building leaves its traces in."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder / "site", folder / "source"],
        check=True,
    )
    return folder / "site"


def python(*arguments, path, check=True, cwd=ROOT):
    """Another process that sees what is installed in the folder ``path``."""
    environ = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
    return subprocess.run(
        [sys.executable, *arguments], env=environ, cwd=cwd, check=check, capture_output=True, text=True
    )


def test_an_installed_type_is_offered_and_does_its_step(site):
    program = """
import json
import msgspec
from releaseapp.steps import step_types
from releaseapp.workflows.definition import json_schema
kind = step_types()["text.slug"]
class Context:
    def log(self, text): pass
config = msgspec.convert({"text": "Release notes"}, kind.config)
print(json.dumps({
    "types": list(step_types()), "title": kind.title, "help": kind.help,
    "output": kind.run(config, Context()).output, "schema": "text.slug" in json.dumps(json_schema()),
}))
"""
    said = json.loads(python("-c", program, path=site).stdout)
    assert said["title"] == "Slug"
    assert said["help"].startswith("Makes a short name")
    assert said["output"] == {"slug": "release-notes"}
    assert said["schema"]
    assert {"text.slug", "http.request", "transform"} <= set(said["types"])


def test_an_installed_type_is_part_of_a_run(site, tmp_path):
    program = """
import sys
from pathlib import Path
from running import Lab
lab = Lab(Path(sys.argv[1]))
steps = [
    {"id": "name", "type": "text.slug", "config": {"text": "{{ inputs.title }}", "max_length": 14}},
    {"id": "none", "type": "text.slug", "config": {"text": "…"}, "on_error": "continue"},
]
output = {"slug": "{{ steps.name.output.slug }}", "error": "{{ steps.none.error }}"}
run = lab.run(lab.workflow(*steps, output=output), {"title": "Release notes 2"})
print(run.status.value, run.output["slug"], run.output["error"])
lab.close()
"""
    done = python("-c", program, str(tmp_path), path=f"{site}{os.pathsep}{ROOT / 'tests'}")
    assert done.stdout.strip() == "succeeded release-notes Nothing of '…' can stand in a name."


def test_a_workflow_with_an_installed_type_is_checked_whole(site, tmp_path):
    step = {"id": "name", "type": "text.slug", "config": {"text": "{{ inputs.title }}"}}
    good, bad = {"name": "Good", "steps": [step]}, {"name": "Bad", "steps": [step | {"config": {"separator": "/"}}]}
    (tmp_path / "good.json").write_text(json.dumps(good))
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    program = "import sys; from releaseapp.cli import main; main(['workflows', 'check', 'good.json', 'bad.json'])"
    done = python("-c", program, path=site, check=False, cwd=tmp_path)
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 1
    assert any("bad.json" in line and "separator" in line for line in said)
    assert not any("good.json" in line and "text.slug" in line for line in said)
    # Where the package is not installed, there is no such type.
    assert any("text.slug" in fault.detail for fault in check(good))


def test_the_tests_of_the_example_pass(site, tmp_path):
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", path=site, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_a_type_that_cannot_be_used_is_logged_and_harms_nobody(tmp_path):
    metadata = tmp_path / "broken-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[releaseapp.steps]\n"
        "own.missing = no_such_module:TYPE\n"
        "own.number = broken_step:NUMBER\n"
        "own.fails = broken_step:NOTHING\n"
        "transform = broken_step:TYPE\n"
    )
    (tmp_path / "broken_step.py").write_text("from releaseapp.steps.fail import TYPE\nNUMBER = 7\n")
    program = """
import logging
logging.basicConfig()
from releaseapp.steps import step_types
print(sorted(name for name in step_types() if name.startswith("own.")), step_types()["transform"].title)
"""
    done = python("-c", program, path=tmp_path)
    assert done.stdout.strip() == "[] Transform"
    for name in ("own.missing", "own.number", "own.fails"):
        assert name in done.stderr
