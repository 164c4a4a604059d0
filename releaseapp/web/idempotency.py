"""``Idempotency-Key``: a POST sent twice is done once (IETF draft-ietf-httpapi-idempotency-key-header).

Two transactions. The first claims the key; the second holds the change itself
and the answer, so that a crash leaves either both or neither, and the claim of
a crashed request can be taken over once it is old, without doing anything twice.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import msgspec
from pyramid.response import Response

from releaseapp import clock
from releaseapp.errors import Conflict, Invalid, Unprocessable
from releaseapp.web import queries
from releaseapp.web.bodies import raw
from releaseapp.web.request import Request

KEPT_SECONDS = 24 * 3600
_CLAIM_SECONDS = 60
_LONGEST_KEY = 255
_KEPT_HEADERS = {"content-type", "location", "etag"}

View = Callable[[Any, Request], Response]


def idempotent_view(view: View, info: Any) -> View:
    """Pyramid view deriver: JSON views that take POST honour the header unless they say ``idempotent=False``."""
    options = info.options
    if options.get("representation") != "json" or options.get("request_method") != "POST":
        return view
    if options.get("idempotent") is False:
        return view

    def wrapper(context: Any, request: Request) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None or request.identity is None:
            return view(context, request)
        return _once(key, view, context, request)

    return wrapper


idempotent_view.options = ("idempotent",)  # type: ignore[attr-defined]


def _once(key: str, view: View, context: Any, request: Request) -> Response:
    if not key.strip() or len(key) > _LONGEST_KEY:
        raise Invalid.at("", f"Idempotency-Key must be 1 to {_LONGEST_KEY} characters.")
    account = request.identity.account.id
    owner = clock.new_id("idk")
    earlier = _claim(request, account, key, owner)
    if earlier is not None:
        return earlier
    try:
        with request.db.transaction() as tx:
            response = view(context, request)
            kept = [(name, value) for name, value in response.headerlist if name.lower() in _KEPT_HEADERS]
            answered = queries.answer_idempotency_key(
                tx, account, key, owner, response.status_int, msgspec.json.encode(kept).decode(), response.text
            )
            _still_ours(answered)
    except BaseException:
        with request.db.transaction() as tx:
            queries.release_idempotency_key(tx, account, key, owner)
        raise
    return response


def _still_ours(answered: int) -> None:
    if not answered:
        raise Conflict("Another request with this Idempotency-Key took over; send it again.")


def _claim(request: Request, account: str, key: str, owner: str) -> Response | None:
    """Takes the key for this request, or gives the answer that was given before."""
    asked = b"\n".join([request.method.encode(), request.path_qs.encode(), raw(request)])
    # Keyed: a body may hold a password, and must not be guessed from what is kept.
    fingerprint = hmac.new(request.settings.jwt_secret.encode(), asked, hashlib.sha256).hexdigest()
    with request.db.transaction() as tx:
        queries.delete_idempotency_keys(tx, before=clock.later_text(-KEPT_SECONDS))
        claim = queries.find_idempotency_key(tx, account, key)
        if claim is None:
            queries.insert_idempotency_key(tx, account, key, fingerprint, owner, clock.now_text())
            return None
        if claim["fingerprint"] != fingerprint:
            raise Unprocessable("This Idempotency-Key was used for another request; take a new key.")
        if claim["status"] is None:
            if claim["created_at"] > clock.later_text(-_CLAIM_SECONDS):
                raise Conflict("The first request with this Idempotency-Key is still under way; wait and repeat.")
            queries.take_over_idempotency_key(tx, account, key, owner, clock.now_text())
            return None
    headers = msgspec.json.decode(claim["headers"], type=list[tuple[str, str]])
    response = Response(claim["body"].encode(), status=claim["status"])
    response.headerlist = [*headers, ("Content-Length", str(len(response.body))), ("Idempotency-Replayed", "true")]
    return response


def includeme(config: Any) -> None:
    """Registers the deriver; it runs inside the permission and CSRF checks."""
    config.add_view_deriver(idempotent_view, name="idempotent_view", under="csrf_view", over="rendered_view")
