"""What a wheel brings, and that it works away from the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent


pytestmark = pytest.mark.xdist_group("install")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a clean copy: setuptools would take up what an older build left behind."""
    source = tmp_path_factory.mktemp("source")
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in files:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", out, source], check=True
    )
    return next(out.glob("*.whl"))


def test_the_wheel_holds_every_template_and_static_file(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "templates").rglob("*.jinja2"):
        assert f"releaseapp/templates/{path.relative_to(ROOT / 'templates')}" in names
    for path in (ROOT / "releaseapp" / "static").rglob("*"):
        if path.is_file():
            assert str(path.relative_to(ROOT)) in names
    for path in (ROOT / "releaseapp" / "workflows" / "templates").iterdir():
        if path.is_file():
            assert str(path.relative_to(ROOT)) in names
    assert not any(name.startswith(("tests/", "bench/", "var/")) for name in names)


def _only_in_extras(wheel: Path) -> set[str]:
    """The modules that an installation without extras does not have; but for webtest, by which it is asked here."""
    archive = zipfile.ZipFile(wheel)
    metadata = archive.read(next(name for name in archive.namelist() if name.endswith("METADATA"))).decode()
    needed = [
        Requirement(line.partition(": ")[2]) for line in metadata.splitlines() if line.startswith("Requires-Dist:")
    ]
    extra = {canonicalize_name(one.name) for one in needed if one.marker is not None and "extra" in str(one.marker)}
    always = {canonicalize_name(one.name) for one in needed if one.marker is None} | {"webtest"}
    return {
        module
        for module, distributions in packages_distributions().items()
        if {canonicalize_name(name) for name in distributions} & (extra - always)
    }


def test_what_only_the_extras_bring_is_known(wheel):
    assert {"psycopg", "hypothesis", "fastapi"} <= _only_in_extras(wheel)
    assert not {"pyramid", "webtest", "msgspec"} & _only_in_extras(wheel)


def test_an_installed_server_shows_its_pages_and_its_command_works(wheel, tmp_path):
    target = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel],
        check=True,
    )
    # The installed copy first, then what it depends on; the checkout is not on the path.
    environ = {**os.environ, "PYTHONPATH": f"{target}{os.pathsep}{sysconfig.get_paths()['purelib']}"}
    program = f"""
import sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
# What only the extras bring is not there.
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(_only_in_extras(wheel))!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
import releaseapp
assert releaseapp.__file__.startswith({str(target)!r}), releaseapp.__file__
from releaseapp import make_app
from releaseapp.settings import load
from webtest import TestApp
ini = {{"mode": "development", "agent_db_path": {str(tmp_path / "agents.db")!r},
        "workflow_store_path": {str(tmp_path / "workflows.json")!r}, "seed_demo": "true"}}
app = TestApp(make_app(load(ini, {{}})))
page = app.get("/auth/login", headers={{"Accept": "text/html"}})
assert "Sign in" in page.text
app.get(page.html.find("link", rel="stylesheet")["href"])
from releaseapp.cli import main
main(["settings"])
"""
    done = subprocess.run([sys.executable, "-c", program], env=environ, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "jwt_secret" in done.stdout


def test_the_entry_points_are_those_that_ini_files_and_the_shell_use(wheel):
    archive = zipfile.ZipFile(wheel)
    name = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
    text = archive.read(name).decode()
    for line in ("releaseapp = releaseapp.cli:main", "main = releaseapp:main", "all_in_one = releaseapp.server:all_in_one",
                 "live = releaseapp.server:live"):  # fmt: skip
        assert line in text
