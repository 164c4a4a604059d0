"""What people's verbs and workers have at hand for runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from releaseapp.db.api import Database
from releaseapp.settings import Settings
from releaseapp.workflows.store import Store

if TYPE_CHECKING:
    from releaseapp.credentials.vault import Vault
    from releaseapp.outbound import Outbound


class Runs(msgspec.Struct, frozen=True):
    """Where runs and workflows are kept, and how to wake a worker for a run (any run, for an empty id)."""

    db: Database
    store: Store
    settings: Settings
    wake: Callable[[str], None]


class Kit(Runs, frozen=True):
    """What a worker needs besides: the vault, the way to the network, and how to wake those who do agents' tasks."""

    vault: "Vault"
    outbound: "Outbound"
    wake_task: Callable[[str], None]
