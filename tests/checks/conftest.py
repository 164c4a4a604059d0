"""``ini``  the ini file of a seeded server on SQLite, with an empty workflow file"""

import pytest
from conftest import write_ini

from releaseapp.storage import open_workflows


@pytest.fixture
def ini(tmp_path, settings, seeded):
    open_workflows(settings)
    return write_ini(tmp_path)
