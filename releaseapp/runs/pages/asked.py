"""Which runs the list's page is asked for: a filter, a span of time, a text."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode

import msgspec

from releaseapp import clock
from releaseapp.errors import Invalid
from releaseapp.runs.models import RunStatus, TriggerType
from releaseapp.runs.queries import LAST, Filter
from releaseapp.web.paging import choice
from releaseapp.web.request import Request

LONGEST_TEXT = 200
_NAMES = ("status", "workflow", "trigger", "span", "since", "until", "q")


class Span(StrEnum):
    """A span of time up to now."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return {Span.HOUR: timedelta(hours=1), Span.DAY: timedelta(days=1), Span.WEEK: timedelta(weeks=1)}[self]


class Asked(msgspec.Struct, frozen=True):
    """What was asked for. ``since_at`` and ``until_at`` are the span's ends, None where it has none."""

    filter: Filter
    text: str
    span: Span | None
    since: str
    until: str
    since_at: str | None
    until_at: str | None
    query: dict[str, str]

    @property
    def narrows(self) -> bool:
        """Is anything but the whole list asked for?"""
        return bool(self.query)

    def link(self, **changes: str) -> str:
        """The query of the same list with some of it changed; what is empty is left out."""
        kept = {name: value for name, value in {**self.query, **changes}.items() if value}
        return f"?{urlencode(kept)}" if kept else "?"


def asked_of(request: Request) -> Asked:
    """What the query string asks for; raises Invalid for what makes no sense."""
    status, trigger = choice(request, "status", RunStatus), choice(request, "trigger", TriggerType)
    span = choice(request, "span", Span)
    text = request.GET.get("q", "").replace("\0", "").strip()
    if len(text) > LONGEST_TEXT:
        raise Invalid.at("/q", f"q may have {LONGEST_TEXT} characters.")
    since, until = request.GET.get("since", "").strip(), request.GET.get("until", "").strip()
    begin = clock.now() - span.length if span else _moment("since", since, 0)
    end = None if span else _moment("until", until, 1)
    return Asked(
        filter=Filter(
            status=status.value if status else None,
            workflow_id=_workflow(request),
            trigger_type=trigger.value if trigger else None,
            since=clock.first_id_at("run", begin) if begin else "",
            until=clock.first_id_at("run", end) if end else LAST,
        ),
        text=text,
        span=span,
        since=since,
        until=until,
        since_at=clock.text(begin) if begin else None,
        until_at=clock.text(end) if end else None,
        query={name: value for name in _NAMES if (value := request.GET.get(name, "").replace("\0", "").strip())},
    )


def span_filter(request: Request) -> Filter:
    """The failed runs that a form names by ``since``, ``until``, ``workflow`` and ``trigger``; raises Invalid."""
    given = request.POST
    trigger = given.get("trigger", "")
    if trigger and trigger not in set(TriggerType):
        raise Invalid.at("/trigger", f"trigger must be one of {', '.join(TriggerType)}.")
    since, until = _moment("since", given.get("since", ""), 0), _moment("until", given.get("until", ""), 1)
    return Filter(
        status=RunStatus.FAILED.value,
        workflow_id=given.get("workflow", "").replace("\0", "") or None,
        trigger_type=trigger or None,
        since=clock.first_id_at("run", since) if since else "",
        until=clock.first_id_at("run", until) if until else LAST,
    )


def _workflow(request: Request) -> str | None:
    return request.GET.get("workflow", "").replace("\0", "").strip() or None


def _moment(name: str, text: str, days: int) -> datetime | None:
    """A date (with ``days`` added, for an end that is meant to be part of it) or a time, in UTC where it says none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        if len(text) == len("2030-01-31"):
            found += timedelta(days=days)
        # Ids count from 1970; what is asked of times before it finds the same.
        return max(found.astimezone(UTC), datetime.fromtimestamp(0, UTC))
    except (ValueError, OverflowError):
        raise Invalid.at(f"/{name}", f"{name} must be a date such as 2030-01-31, or a time.") from None
