"""``here``  a seeded server on SQLite, as the verbs of snapshots want it; ``changed`` gives it other settings"""

import pytest
from conftest import settings_for

from releaseapp.credentials.vault import open_vault
from releaseapp.snapshots.service import Snapshots
from releaseapp.storage import open_workflows


@pytest.fixture
def here(seeded, settings):
    return Snapshots(seeded, open_workflows(settings), settings, open_vault(settings))


@pytest.fixture
def changed(here):
    def change(**changes):
        settings = settings_for(here.settings.data_folder, **changes)
        return Snapshots(here.db, here.file, settings, open_vault(settings))

    return change
