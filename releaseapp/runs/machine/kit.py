"""What people's verbs and workers have at hand for runs."""

from collections.abc import Callable

import msgspec

from releaseapp.credentials.vault import Vault
from releaseapp.db.api import Database
from releaseapp.outbound import Outbound
from releaseapp.settings import Settings
from releaseapp.workflows.store import Store

ANY = ""
"""Wakes a worker for whichever run is next."""


class Runs(msgspec.Struct, frozen=True):
    """Where runs and workflows are kept, and how to wake a worker for a run, or for ANY."""

    db: Database
    store: Store
    settings: Settings
    wake: Callable[[str], None]


class Kit(Runs, frozen=True):
    """What a worker needs besides: the vault, the way to the network, and how to wake those who do agents' tasks."""

    vault: Vault
    outbound: Outbound
    wake_task: Callable[[str], None]
