"""What of a run's page is open: a step, an attempt at it, the items of a repeated step, a place in list and log."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from releaseapp.runs.models import WHOLE, StepStatus
from releaseapp.web.paging import choice, whole
from releaseapp.web.request import Request

_MOST_STEPS = 1_000_000
_LAST_LINE = 10_000_000
_LONGEST_NAME = 200
_LONGEST_ITEM = 6


class Here(msgspec.Struct, frozen=True):
    """What is open. ``step_id`` and ``item`` name the step, ``attempt`` 0 is its newest.

    ``items`` is the repeated step whose items are shown, from ``first_item`` on, maybe those of one status ``only``;
    ``place`` is where the page of steps begins, ``after`` the line of the log that its page follows.
    """

    step_id: str = ""
    item: int = WHOLE
    attempt: int = 0
    items: str = ""
    first_item: int = 0
    only: StepStatus | None = None
    place: int = 0
    after: int = 0

    @property
    def step(self) -> str:
        """The key of the open step; empty for the run itself."""
        return self.step_id if self.item == WHOLE else f"{self.step_id}.{self.item}"

    def link(self, **changes: Any) -> str:
        """The query of the same page with something else open; what is empty is left out.

        Another step, other items and another page of steps begin at their beginning.
        """
        present: dict[str, Any] = {
            "step": self.step,
            "attempt": self.attempt,
            "items": self.items,
            "from": self.first_item,
            "only": self.only.value if self.only else "",
            "steps": self.place,
        }
        if "step" in changes:
            present["attempt"] = 0
        if "items" in changes:
            present |= {"from": 0, "only": ""}
        if "steps" in changes:
            present |= {"items": "", "from": 0, "only": ""}
        kept = {name: value for name, value in {**present, **changes}.items() if value}
        return f"?{urlencode(kept)}" if kept else "?"


def here_of(request: Request) -> Here:
    """What the query string asks for; raises Invalid for numbers that make no sense."""
    step_id, item = read_key(request.GET.get("step", ""))
    return Here(
        step_id=step_id,
        item=item,
        attempt=whole(request, "attempt", default=0, low=0, high=_MOST_STEPS),
        items=_name(request.GET.get("items", "")),
        first_item=whole(request, "from", default=0, low=0, high=_MOST_STEPS),
        only=choice(request, "only", StepStatus),
        place=whole(request, "steps", default=0, low=0, high=_MOST_STEPS),
        after=whole(request, "after", default=0, low=0, high=_LAST_LINE),
    )


def read_key(key: str) -> tuple[str, int]:
    """The step and the item that ``step`` or ``step.item`` names."""
    step_id, _, number = _name(key).partition(".")
    known = number.isascii() and number.isdigit() and len(number) <= _LONGEST_ITEM
    return step_id, int(number) if known else WHOLE


def _name(text: str) -> str:
    return text.replace("\0", "")[:_LONGEST_NAME]
