"""Steps that work outside, with a real way to the network, and credentials given as data."""

import pytest
from conftest import settings_for
from databases import postgres, target  # noqa: F401 - fixtures
from steps.context import FakeContext

from releaseapp.outbound import Outbound


@pytest.fixture
def context(tmp_path):
    """Makes the context of a step: ``context(*secrets, seconds=30, ca_file=…)``; this machine may be reached."""

    def make(*secrets, ca_file="", allowed="127.0.0.0/8", **about):
        settings = settings_for(tmp_path, outbound_allowed_networks=allowed, outbound_ca_file=str(ca_file))
        return FakeContext(Outbound(settings), secrets, **about)

    return make
