"""Places with a past; see ``tests/pasts.py``.

``place``  the demo's workspaces and accounts, on each engine
``lab``    a workspace with workflows and workers, on SQLite, with a past as well
"""

import pytest
from conftest import settings_for
from databases import postgres, target  # noqa: F401 - fixtures
from pasts import Place, tools
from running import Lab

from releaseapp.seeds import seed
from releaseapp.storage import open_database, open_workflows


@pytest.fixture
def place(target, tmp_path):  # noqa: F811 - the fixture
    on_postgres = target.startswith("postgresql")
    settings = settings_for(tmp_path, agent_db_path=target, postgres_tools=tools(target) if on_postgres else "")
    db = open_database(settings)
    seed(db, settings)
    yield Place(tmp_path, settings, db, open_workflows(settings))
    db.close()


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    lab.place = Place(tmp_path, lab.settings, lab.db, lab.store.file)
    yield lab
    lab.close()
