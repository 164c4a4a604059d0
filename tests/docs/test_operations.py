"""The runbook: every block of commands in it is run, in order, against a real server."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from servers import RunningServer

from releaseapp import __version__
from releaseapp.seeds import SEED_PASSWORD

PAGE = Path(__file__).parent.parent.parent / "docs" / "operations.md"
SECONDS = 240


@pytest.fixture
def server(tmp_path):
    server = RunningServer(tmp_path)
    server.start()
    yield server
    server.end()


@pytest.mark.xdist_group("operations")
@pytest.mark.timeout(SECONDS + 30)
def test_every_command_of_the_runbook_works_as_it_stands(server, tmp_path):
    blocks = re.findall(r"^```bash\n(.+?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) > 10
    script = "\n".join(f"echo '== block {number}'\n{block}" for number, block in enumerate(blocks))
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "INI": str(server.ini),
        "URL": server.url,
        "ACCOUNT": "avery.owner@example.com",
        "RELEASEAPP_PASSWORD": SEED_PASSWORD,
        "VERSION": __version__,
        "WAIT": "0",
    }
    output = tmp_path / "said.txt"
    with output.open("wb") as file:
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            stdout=file,
            stderr=file,
            env=environ,
            cwd=tmp_path,
            start_new_session=True,
        )
        try:
            code = shell.wait(SECONDS)
        finally:
            # The server that the runbook started beside ours is in the same group.
            os.killpg(shell.pid, signal.SIGTERM)
    said = output.read_text()
    assert code == 0, said[-3000:]
    assert said.count("== block") == len(blocks)
    assert "An event came round on /ws" in said
    assert "All quiet." in said
    assert "Rolled back" in said or "rolled back" in said
    assert server.process.wait(30) == 0, "the old process leaves by itself once the new one serves"
