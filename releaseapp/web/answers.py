"""JSON answers, and the validators that come with them (RFC 9110, sections 8.8 and 13)."""

from typing import Any

import msgspec
from pyramid.response import Response

from releaseapp.errors import PreconditionFailed
from releaseapp.web.request import Request

_ENCODER = msgspec.json.Encoder()


def json_answer(value: object, status: int = 200, *, location: str | None = None, etag: str | None = None) -> Response:
    """``value`` (a struct, or plain data) as a JSON response."""
    body = _ENCODER.encode(value)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if location is not None:
        headers.append(("Location", location))
    if etag is not None:
        headers.append(("ETag", f'"{etag}"'))
    return Response(status=status, headerlist=headers, app_iter=[body])


def created(value: object, location: str, etag: str | None = None) -> Response:
    """201 with the new thing and where it is."""
    return json_answer(value, 201, location=location, etag=etag)


def no_content() -> Response:
    """204, for what has nothing left to say."""
    response = Response(status=204)
    response.headers.pop("Content-Type", None)
    return response


def entity(request: Request, value: object, etag: str) -> Response:
    """A mutable resource with its ETag, or 304 when the caller has this very state."""
    tags = request.environ.get("HTTP_IF_NONE_MATCH")
    if tags is not None and _lists(tags, etag, weak=True):
        response = Response(status=304)
        response.headers["ETag"] = f'"{etag}"'
        return response
    return json_answer(value, etag=etag)


def guard(request: Request, revision: int) -> None:
    """Raises PreconditionFailed when ``If-Match`` names another revision than the present one.

    An ETag is ``revision.rest``: the revision counts changes made by people,
    the rest changes with what the server counts along (tasks done, last
    activity). Only the revision guards a write, so that an edit is not refused
    because a task ended meanwhile.
    """
    tags = request.environ.get("HTTP_IF_MATCH")
    if tags is None or tags.strip() == "*":
        return
    revisions = [tag.strip().strip('"').partition(".")[0] for tag in tags.split(",")]
    if str(revision) not in revisions:
        raise PreconditionFailed("This was changed since you read it; read it again and repeat your change.")


def _lists(tags: str, etag: str, *, weak: bool) -> bool:
    found = [tag.strip() for tag in tags.split(",")]
    if weak:
        found = [tag.removeprefix("W/") for tag in found]
    return "*" in found or f'"{etag}"' in found


def dumps(value: Any) -> str:
    """JSON text, for columns and pages."""
    return _ENCODER.encode(value).decode()
