"""What a release asks of the world outside: whether a server is well, and the hook that is called, signed."""

from contextlib import closing
from dataclasses import replace

import msgspec

from releaseapp import clock
from releaseapp.outbound import OutboundError, open_outbound
from releaseapp.outbound.client import Answer
from releaseapp.releases.models import Health, HookAnswer
from releaseapp.settings import Settings
from releaseapp.steps.signature import signature_headers

_SECONDS = 10
_HOOK_SECONDS = 30
_MOST_BYTES = 100_000
_LONGEST_SHOWN = 200
_ANYWHERE = "0.0.0.0/0, ::/0"
_OK = 200


def ask_health(settings: Settings, url: str) -> Health:
    """Whether the server at ``url`` is ready, and its version.

    An operator's shell may ask any server, its own machine's too, which people's runs may not.
    """
    root = url.rstrip("/")
    try:
        with closing(open_outbound(replace(settings, outbound_allowed_networks=_ANYWHERE))) as outbound:
            ready, version = (
                outbound.request("GET", f"{root}/{path}", timeout=_SECONDS, max_bytes=_MOST_BYTES)
                for path in ("readyz", "version")
            )
    except OutboundError as error:
        return Health(url, reached=False, ready=False, version=None, faults=[str(error)])
    return read_health(url, ready.status, ready.body, version.body)


def read_health(url: str, status: int, ready: bytes, version: bytes) -> Health:
    """What the answers of ``/readyz`` and ``/version`` say."""
    parts = _members(ready).get("parts")
    faults = [f"{name}: {said}." for name, said in parts.items() if said != "ok"] if isinstance(parts, dict) else []
    is_ready = status == _OK
    if not is_ready and not faults:
        faults = [f"/readyz answered {status}."]
    named = _members(version).get("version")
    return Health(url, reached=True, ready=is_ready, version=named if isinstance(named, str) else None, faults=faults)


def call_hook(settings: Settings, release_id: str, content: bytes) -> HookAnswer:
    """Sends ``content`` to the hook's address, signed as Standard Webhooks says; a repeat for a release has its id.

    What cannot be signed is not sent.
    """
    if not settings.release_hook_secret:
        return HookAnswer(None, "The hook was not called: release_hook_secret, which signs it, is not set.", 0.0)
    headers = {"content-type": "application/json"}
    headers |= signature_headers(settings.release_hook_secret, release_id, content)
    began = clock.monotonic()
    try:
        with closing(open_outbound(settings)) as outbound:
            answer = outbound.request(
                "POST", settings.release_hook_url, headers=headers, content=content, timeout=_HOOK_SECONDS,
                max_bytes=_MOST_BYTES, follow_redirects=False,
            )  # fmt: skip
    except OutboundError as error:
        return HookAnswer(None, f"The hook was not answered: {error}", clock.monotonic() - began)
    return HookAnswer(answer.status, _told(answer), clock.monotonic() - began)


def _told(answer: Answer) -> str:
    body = " ".join(answer.body.decode("utf-8", "replace").split())[:_LONGEST_SHOWN]
    said = f": {body}" if body else "."
    return f"The hook answered {answer.status}{said}"


def _members(body: bytes) -> dict[str, object]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return {}
    return found if isinstance(found, dict) else {}
