"""Fixtures for accounts: a server's ini file beside the seeded database, and the command over it.

``ini``      names the database of ``seeded``, with the secrets of ``settings``
``command``  runs ``releaseapp`` over it, and gives click's result
"""

from functools import partial

import pytest
from click.testing import CliRunner
from conftest import write_ini

from releaseapp.cli import main


@pytest.fixture
def ini(seeded, tmp_path):
    return write_ini(tmp_path)


def run(ini, group, verb, *words, **options):
    return CliRunner().invoke(main, [group, verb, str(ini), *map(str, words)], **options)


@pytest.fixture
def command(ini):
    return partial(run, ini, "user")
