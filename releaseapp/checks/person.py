"""What one account finds at a live server; nothing of it is left there."""

from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec

from releaseapp import clock
from releaseapp.checks.line import Answer, Ended, Line, Listener, Refused, Unreachable
from releaseapp.checks.models import Check, Found, Severity
from releaseapp.numbers import many

HOST = "In nginx: proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme; or set public_url."
_HEAR_SECONDS = 5.0
_UPGRADE = (
    "In nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
)
_BUFFERING = "Let the proxy pass on at once what the server says; in nginx: proxy_buffering off; for /ws."
_TIMEOUT = "Let the proxy wait longer than live_ping_seconds (20 s); in nginx: proxy_read_timeout 75s; for /ws."
_CLOSED = "Is the password right, and the account open? releaseapp user list INI tells."
_WAIT = "Wait a quarter of an hour, and check again: attempts to sign in are limited."
_REFUSALS = {
    400: (" What is before the server drops Upgrade.", _UPGRADE),
    403: (" The server does not know that it is reached by this address.", HOST),
    426: (" What is before the server drops Upgrade.", _UPGRADE),
}


class Account(msgspec.Struct, frozen=True):
    """Who signs in. Neither is kept, nor told in any outcome but the e-mail."""

    email: str
    password: str


@dataclass
class Visit:
    """One account on its way through the server; what a step learns, the next ones use."""

    line: Line
    patience: float = 0.0
    account: Account | None = None
    token: str = ""
    workspaces: list[str] = field(default_factory=list)

    @property
    def who(self) -> Account:
        """The account; only steps of a person ask."""
        if self.account is None:
            raise AssertionError
        return self.account


def _signs_in(visit: Visit) -> Found:
    told = {"email": visit.who.email, "password": visit.who.password}
    answer = visit.line.ask("POST", "/auth/login", body=told)
    content = answer.json()
    if not answer.well or not isinstance(content, dict) or not isinstance(content.get("token"), str):
        cure = _WAIT if answer.status == HTTPStatus.TOO_MANY_REQUESTS else _CLOSED
        return Found(ok=False, sentence=f"Refused with {answer.status}: {_detail_of(answer)}", cure=cure)
    visit.token = content["token"]
    return Found(ok=True, sentence=f"Signed in within {answer.seconds * 1000:.0f} ms.")


def _knows_me(visit: Visit) -> Found:
    answer = visit.line.ask("GET", "/auth/me", token=visit.token)
    content = answer.json()
    if not answer.well or not isinstance(content, dict):
        sentence = f"/auth/me says {answer.status}. {_detail_of(answer)}".strip()
        return Found(ok=False, sentence=sentence, cure="Sign in by a browser once: it says what is to be done.")
    visit.workspaces = [str(one["slug"]) for one in content.get("workspaces", [])]
    return Found(ok=True, sentence=f"/auth/me tells of {many(len(visit.workspaces), 'workspace')}.")


def _lists_agents(visit: Visit) -> Found:
    paths = ["/agents", *(f"/workspaces/{slug}/agents" for slug in visit.workspaces)]
    said = {path: visit.line.ask("GET", path, token=visit.token) for path in paths}
    bad = [f"{path} says {answer.status}" for path, answer in said.items() if not answer.well]
    sentence = f"{'; '.join(bad)}." if bad else f"{many(len(paths), 'list')} of agents: all answer."
    return Found(ok=not bad, sentence=sentence, cure="The server's log says why." if bad else "")


def _is_live(visit: Visit) -> Found:
    """The person signs in once more and out again, and hears both: nothing is left of it."""
    try:
        with visit.line.hear(visit.token) as listener:
            if (listener.next(_HEAR_SECONDS) or {}).get("type") != "hello":
                return Found(ok=False, sentence="/ws opens, and says nothing.", cure=_BUFFERING)
            second = Visit(visit.line, account=visit.account)
            signed_in, seconds = _hear_of_a_sign_in(second, listener)
            if not signed_in.ok:
                sentence = f"Nothing could be made to happen; signing in once more: {signed_in.sentence}"
                return Found(ok=False, sentence=sentence, cure=signed_in.cure)
            if seconds is None:
                return Found(ok=False, sentence="An event did not come round on /ws.", cure=_BUFFERING)
            _wait_quietly(listener, visit.patience)
    except Refused as error:
        why, cure = _REFUSALS.get(error.status, ("", "The server's log says why."))
        return Found(ok=False, sentence=f"{error}{why}", cure=cure)
    except (Ended, Unreachable) as error:
        return Found(ok=False, sentence=f"/ws: {error}", cure=_TIMEOUT)
    quiet = f" It rested for {visit.patience:.0f} s, and stayed." if visit.patience else ""
    return Found(ok=True, sentence=f"An event came round on /ws in {seconds * 1000:.0f} ms.{quiet}")


def _hear_of_a_sign_in(visit: Visit, listener: Listener) -> tuple[Found, float | None]:
    """How it went, and after how many seconds it was heard of; None when it was not."""
    began = clock.monotonic()
    signed_in = _signs_in(visit)
    if not signed_in.ok:
        return signed_in, None
    try:
        while clock.monotonic() < began + _HEAR_SECONDS:
            heard = listener.next(began + _HEAR_SECONDS - clock.monotonic()) or {}
            if heard.get("type") == "event" and heard["event"]["type"].startswith("session."):
                return signed_in, clock.monotonic() - began
        return signed_in, None
    finally:
        with suppress(Unreachable):
            visit.line.ask("POST", "/auth/logout", token=visit.token)


def _wait_quietly(listener: Listener, seconds: float) -> None:
    deadline = clock.monotonic() + seconds
    while clock.monotonic() < deadline:
        listener.next(deadline - clock.monotonic())


def _detail_of(answer: Answer) -> str:
    """What a problem says of itself (RFC 9457), so far as it is readable."""
    content = answer.json()
    said = str(content.get("detail") or "") if isinstance(content, dict) else ""
    return "".join(character for character in said[:200] if character.isprintable())


OF_A_PERSON = (
    Check("sign-in", "Signing in", Severity.ERROR, _signs_in),
    Check("me", "The own account", Severity.ERROR, _knows_me),
    Check("agents", "Agents", Severity.ERROR, _lists_agents),
    Check("live", "The live channel", Severity.ERROR, _is_live),
)
