"""``house``: the demo server, and as many further processes of it as are started; all are ended at the end."""

import pytest
from handover.houses import House


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.end()
