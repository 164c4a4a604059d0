"""``http.request``: sends an HTTP request."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, Preset, Result, StepFailed, StepType
from releaseapp.steps.fields import Reference, Text


class HttpRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sends an HTTP request; the output has status, headers and body."""

    url: Annotated[Text, Meta(description="The whole address, with https://.")]
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"], Meta(description="What the request asks for.")
    ] = "GET"
    headers: Annotated[dict[str, str], Meta(description="Sent along; secrets belong into a credential.")] = {}
    body: Annotated[Any, Meta(description="Sent as JSON, or as it is when it is text.")] = None
    credential: Annotated[
        Reference | None, Meta(description="The name of the credential that signs the request in.")
    ] = None


def run(_config: HttpRequest, _context: Context) -> Result:
    """Sends it."""
    raise StepFailed("This server cannot send HTTP requests yet.", retryable=False)


TYPE = StepType(
    title="HTTP request",
    icon="globe",
    config=HttpRequest,
    run=run,
    output={"status": 200, "headers": {"content-type": "application/json"}, "body": {}},
    presets=(
        Preset("Fetch JSON", {"url": "https://", "headers": {"Accept": "application/json"}}),
        Preset("Post JSON", {"url": "https://", "method": "POST", "body": {"text": "Hello"}}),
    ),
    outside=True,
    has_effects=True,
)
