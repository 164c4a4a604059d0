"""Fixtures for accounts: a server's ini file beside the seeded database, and the command over it.

``ini``      names the database of ``seeded``, with the secrets of ``settings``
``command``  runs ``releaseapp`` over it, and gives click's result
"""

from functools import partial

import pytest
from click.testing import CliRunner
from conftest import SECRET, VAULT_SECRET

from releaseapp.cli import main


@pytest.fixture
def ini(seeded, tmp_path):
    path = tmp_path / "server.ini"
    path.write_text(
        "[app:main]\nuse = egg:releaseapp\nmode = development\n"
        f"jwt_secret = {SECRET}\ncredentials_secret = {VAULT_SECRET}\n"
        "agent_db_path = %(here)s/agents.db\nworkflow_store_path = %(here)s/workflows.json\n"
    )
    return path


def run(ini, group, verb, *words, **options):
    return CliRunner().invoke(main, [group, verb, str(ini), *map(str, words)], **options)


@pytest.fixture
def command(ini):
    return partial(run, ini, "user")
