"""Steps that work outside, with a real way to the network, and credentials given as data."""

import pytest
from conftest import settings_for
from databases import postgres, target  # noqa: F401 - fixtures
from releaseapp.outbound import Outbound
from steps.context import FakeContext


@pytest.fixture
def settings(tmp_path):
    """Of a server whose steps may reach this machine."""
    return settings_for(tmp_path)


@pytest.fixture
def context(settings):
    """Makes the context of a step: ``context(*secrets, seconds=30)``."""
    outbound = Outbound(settings)
    return lambda *secrets, **about: FakeContext(outbound, secrets, **about)
