"""A sentence for the next page ("Saved."), carried over a redirect in a signed cookie."""

import base64
import hmac
from typing import Any, Literal

import msgspec

from releaseapp.web.csrf import sign
from releaseapp.web.request import Request

_COOKIE = "message"

Kind = Literal["success", "error", "info"]


class Message(msgspec.Struct, frozen=True):
    """What to tell, and in which tone."""

    kind: Kind
    text: str


def say(request: Request, text: str, kind: Kind = "success") -> None:
    """Has the next page that this browser gets show ``text``."""
    payload = base64.urlsafe_b64encode(msgspec.json.encode(Message(kind, text))).decode()
    value = f"{sign(request.settings.jwt_secret, 'message', payload)}.{payload}"

    def keep(_request: Request, response: Any) -> None:
        response.set_cookie(
            _COOKIE, value, httponly=True, samesite="Lax", max_age=60, secure=not request.settings.development
        )

    request.add_response_callback(keep)


def take_messages(request: Request) -> list[Message]:
    """What the page before left to say, once."""
    value = request.cookies.get(_COOKIE)
    if not value:
        return []
    signature, _, payload = value.partition(".")
    request.add_response_callback(lambda _request, response: response.delete_cookie(_COOKIE))
    if not hmac.compare_digest(signature.encode(), sign(request.settings.jwt_secret, "message", payload).encode()):
        return []
    try:
        return [msgspec.json.decode(base64.urlsafe_b64decode(payload), type=Message)]
    except (ValueError, msgspec.MsgspecError):
        return []
