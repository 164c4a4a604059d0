"""A call over HTTP: how it goes out, how its answer is read, and what is said when it fails."""

import base64
import codecs
import re
import threading
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.credentials.models import Secret
from releaseapp.outbound import OutboundError
from releaseapp.steps.api import Context, StepFailed
from releaseapp.steps.words import shown

_FAILURES = 400
_LONGEST_NUMBER = 9
_SERVER_FAILURES = 500
_SUCCESSES = range(200, 300)
# It took too long, came too early, or there were too many: another attempt may do better.
_MAY_PASS = {408, 425, 429}
# Whoever reads the run could go on as the one that signed in.
_LEFT_OUT = {"set-cookie", "set-cookie2"}
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
# These say how a request is carried, which is not for the writer to say.
_CARRYING = {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}
_JSON = re.compile(r"application/([\w.+-]+\+)?json")
_TEXT = re.compile(
    r"text/.+|application/([\w.+-]+\+)?(xml|yaml)|application/(x-)?(javascript|ndjson|www-form-urlencoded)"
)


class Call(msgspec.Struct, frozen=True):
    """What is sent. ``signed`` are headers that sign in: only hosts that the credential allows get them."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None
    signed: dict[str, str]
    follow_redirects: bool
    most_seconds: float
    most_bytes: int


# Python knows these by name too: they are no charsets, and some take very long.
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7"}
_PORTS = {"https": 443, "http": 80}


class Answered(msgspec.Struct, frozen=True):
    """What came back; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the body is said to be JSON."""
        return _JSON.fullmatch(self._kind) is not None

    @property
    def _kind(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_success(self) -> bool:
        """Whether the other side says that it was done."""
        return self.status in _SUCCESSES

    @property
    def is_failure(self) -> bool:
        """Whether the other side says that it was not done."""
        return self.status >= _FAILURES

    def content(self) -> Any:
        """The body as JSON when it is said to be that, as text when it is text, as base 64 otherwise."""
        if not self.body:
            return None
        if self.is_json:
            try:
                return msgspec.json.decode(self.body.removeprefix(b"\xef\xbb\xbf"))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                # What the other side calls JSON need not be that; as text, nothing of it is lost.
                pass
        if not self._kind or _TEXT.fullmatch(self._kind) or self.is_json:
            charset = re.search(r"charset=\"?([\w.:-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
            text = _decoded(self.body, charset[1] if charset else "utf-8")
            if text is not None:
                return text
        return {"base64": base64.b64encode(self.body).decode()}


def _decoded(body: bytes, charset: str) -> str | None:
    for encoding in (charset, "utf-8"):
        try:
            if codecs.lookup(encoding).name in _NO_CHARSETS:
                continue
            text = body.decode(encoding)
            # What cannot be written as UTF-8 cannot be kept.
            text.encode()
        except (LookupError, ValueError):
            continue
        # A NUL is no part of any text, but of much that is none.
        return None if "\0" in text else text
    return None


def _seconds(retry_after: str) -> float:
    """What Retry-After asks for, in seconds (RFC 9110, section 10.2.3); 0 for what says nothing that can be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:_LONGEST_NUMBER])
    try:
        return max((parsedate_to_datetime(text) - clock.now()).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return 0.0


def send(call: Call, context: Context, secret: Secret | None) -> Answered:
    """Sends it and reads the answer, whatever its status; raises StepFailed, and Abandoned when nobody waits for it."""
    _check_headers(call.headers)
    abandoned = threading.Event()
    context.when_abandoned(abandoned.set)
    door = _Door(secret, call) if secret else None
    signed = {name.lower() for name in call.signed}
    own = {name: value for name, value in call.headers.items() if name.lower() not in signed}
    try:
        answer = context.outbound.request(
            call.method,
            call.url,
            headers={**own, **call.signed},
            content=call.content,
            timeout=context.seconds_left(call.most_seconds),
            max_bytes=call.most_bytes,
            allows=door,
            secret_headers=signed,
            follow_redirects=call.follow_redirects,
            abandoned=abandoned,
        )
    except OutboundError as error:
        context.check_alive()
        if door is not None and door.refused is not None:
            raise _not_allowed(door) from None
        raise StepFailed(f"{shown(str(error), secret)}.", retryable=error.retryable) from None
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in _LEFT_OUT}
    return Answered(answer.status, headers, answer.body)


def failure_of(answer: Answered, secret: Secret | None) -> StepFailed:
    """What is said of an answer that is none of success."""
    said = shown(answer.body.decode(errors="replace"), secret)
    later = shown(answer.headers.get("retry-after", ""), secret, 40)
    wait = f" It asks to come back after {later}{' seconds' if later.isdigit() else ''}." if later else ""
    may_pass = answer.status in _MAY_PASS or answer.status >= _SERVER_FAILURES
    what = f"The answer was {answer.status}{_phrase(answer.status)}{': ' if said else ''}{said}."
    after = _seconds(answer.headers.get("retry-after", ""))
    return StepFailed(f"{what}{wait}", retryable=may_pass, retry_after=after)


class _Door:
    """Asks where a credential may go, and remembers where it may not."""

    def __init__(self, secret: Secret, call: Call) -> None:
        self.refused: str | None = None
        self.name = secret.name
        self._secret = secret
        self._port = _PORTS.get(call.url.partition(":")[0].lower())

    def __call__(self, host: str, port: int | None) -> bool:
        # An address without a port means the usual one, which a credential may name.
        if self._secret.allows(host, port or self._port):
            return True
        self.refused = host if port is None else f"{host}:{port}"
        return False


def _not_allowed(door: _Door) -> StepFailed:
    return StepFailed(
        f"The credential {door.name!r} may not be sent to {door.refused}. If that host should get it, somebody who "
        f"manages credentials adds it to the allowed hosts of {door.name!r}.",
        retryable=False,
    )


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise StepFailed(
                f"The header {name[:40]!r} has a character that no header can have: names are one word, and values one "
                "line in ASCII.",
                retryable=False,
            )
        if name.lower() in _CARRYING:
            raise StepFailed(f"The header {name!r} is set by the server itself; leave it out.", retryable=False)


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
