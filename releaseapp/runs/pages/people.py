"""Who or what started a run, in words."""

from collections.abc import Callable
from functools import cache

from releaseapp.auth.service import get_account
from releaseapp.db.api import Reader
from releaseapp.errors import NotFound
from releaseapp.runs.models import Run, TriggerType

_THINGS: dict[str | None, str] = {
    TriggerType.CRON: "a schedule",
    TriggerType.EVENT: "an event",
    TriggerType.QUEUE: "a queue",
    TriggerType.WEBHOOK: "a webhook",
    TriggerType.WORKFLOW: "another run",
}


def starters(db: Reader) -> Callable[[Run], str]:
    """Gives who or what started a run; each person is looked up once."""

    @cache
    def name_of(account_id: str) -> str | None:
        try:
            return get_account(db, account_id).name
        except NotFound:
            return None

    def starter(run: Run) -> str:
        account, by = run.trigger.get("account"), run.trigger.get("by")
        name = name_of(account) if isinstance(account, str) else None
        return str(name or by or _THINGS.get(run.trigger.get("type"), "releaseapp"))

    return starter
