"""``http.request``: sends an HTTP request."""

import base64
from typing import Annotated, Any, Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
from msgspec import Meta

from releaseapp.credentials.models import CredentialType, Secret
from releaseapp.steps import web_call
from releaseapp.steps.api import Context, Done, Preset, StepFailed, StepType
from releaseapp.steps.fields import Reference, Text

_MOST_SECONDS = 300.0
_MOST_BYTES = 1_000_000


class HttpRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sends an HTTP request; the output has status, headers and body."""

    url: Annotated[Text, Meta(description="The whole address, with https://.")]
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"], Meta(description="What the request asks for.")
    ] = "GET"
    query: Annotated[
        dict[str, Any], Meta(description="Added to the address, encoded; a list is given once for each of its items.")
    ] = {}
    headers: Annotated[dict[str, str], Meta(description="Sent along; secrets belong into a credential.")] = {}
    body: Annotated[Any, Meta(description="Sent as JSON, or as it is when it is text.")] = None
    credential: Annotated[
        Reference | None, Meta(description="The name of the credential that signs the request in.")
    ] = None
    fail_on_status: Annotated[
        bool, Meta(description="Is an answer from 400 up a failure? If not, look at the output's status.")
    ] = True
    follow_redirects: Annotated[bool, Meta(description="Go on to the address that an answer points to?")] = True


def run(config: HttpRequest, context: Context) -> Done:
    """Sends it; the output is the answer."""
    secret = context.credential(config.credential) if config.credential else None
    call = web_call.Call(
        method=config.method,
        url=_address(config),
        headers=_headers(config, context),
        content=_content(config.body),
        signed=_signed(secret) if secret else {},
        follow_redirects=config.follow_redirects,
        most_seconds=_MOST_SECONDS,
        most_bytes=_MOST_BYTES,
    )
    answer = web_call.send(call, context, secret)
    context.log(f"{config.method} answered {answer.status} with {len(answer.body):,} bytes.")
    if config.fail_on_status and answer.is_failure:
        raise web_call.failure_of(answer, secret)
    body = answer.content()
    if answer.is_json and isinstance(body, str) and not answer.body.startswith(b'"'):
        context.log("The body is said to be JSON, but cannot be read as such; it is kept as text.")
    return Done({"status": answer.status, "headers": answer.headers, "body": body})


def _address(config: HttpRequest) -> str:
    url = config.url.strip()
    if not config.query:
        return url
    added = _encoded(config.query)
    try:
        parts = urlsplit(url)
    except ValueError:
        # It is refused with a sentence when it is to be used.
        return url
    return urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, added]))))


def _encoded(query: dict[str, Any]) -> str:
    """Text as it is, the rest as JSON writes it (true, 1.5); nothing for what is null."""
    try:
        return urlencode(
            [
                (name, value if isinstance(value, str) else msgspec.json.encode(value).decode())
                for name, values in query.items()
                for value in (values if isinstance(values, list) else [values])
                if value is not None
            ]
        )
    except UnicodeEncodeError:
        raise _half_a_character("query") from None


def _content(body: Any) -> bytes | None:
    try:
        if isinstance(body, str):
            return body.encode()
        return None if body is None else msgspec.json.encode(body)
    except UnicodeEncodeError:
        raise _half_a_character("body") from None


def _half_a_character(field: str) -> StepFailed:
    return StepFailed(f"{field} has a character that is half of one (a lone surrogate); leave it out.", retryable=False)


def _headers(config: HttpRequest, context: Context) -> dict[str, str]:
    """The writer's own, and those that are missing. No header can hold more than one line."""
    headers = dict(config.headers)
    given = {name.lower() for name in headers}
    if config.body is not None and "content-type" not in given:
        headers["Content-Type"] = "text/plain; charset=utf-8" if isinstance(config.body, str) else "application/json"
    if "idempotency-key" not in given:
        headers["Idempotency-Key"] = context.key
    return headers


def _signed(secret: Secret) -> dict[str, str]:
    """The header by which the credential signs in."""
    fields = secret.fields
    match secret.type:
        case CredentialType.API_KEY:
            return {fields["header"]: f"{fields['prefix']} {fields['key']}".strip()}
        case CredentialType.OAUTH_TOKEN:
            return {"Authorization": f"Bearer {fields['access_token']}"}
        case CredentialType.BASIC:
            pair = f"{fields['username']}:{fields['password']}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    raise StepFailed(
        f"The credential {secret.name!r} is of the type {secret.type}, which cannot sign a request in; "
        "that takes an api-key, a basic or an oauth-token.",
        retryable=False,
    )


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
