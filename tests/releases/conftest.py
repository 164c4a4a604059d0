"""Releases on a ground whose answers a test may choose."""

import pytest
from releases.world import AVERY, PLAN, World, ground_of

from releaseapp.releases.promoting import Wish
from releaseapp.releases.service import perform, promote, start


@pytest.fixture
def world():
    return World()


@pytest.fixture
def ground(db, settings, world):
    return ground_of(db, settings, world)


@pytest.fixture
def started(ground):
    return perform(ground, start(ground, AVERY, PLAN))


@pytest.fixture
def promoted(ground, started):
    return perform(ground, promote(ground, AVERY, Wish()))
