"""Looks at a live server as its people meet it: by its address, through its proxy, signed in as one of them."""

import ipaddress
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

import releaseapp
from releaseapp import clock
from releaseapp.checks.line import Answer, Ended, Line, Listener, Refused, Unreachable
from releaseapp.checks.models import Check, Found, Outcome, Severity
from releaseapp.checks.service import carry_out
from releaseapp.errors import Invalid
from releaseapp.web.manners import FOR_PAGES, HEADERS

_CERTIFICATE_DAYS = 14
_SKEW_SECONDS = 5
_HEAR_SECONDS = 5.0
_DAY_SECONDS = 86_400
_BODY_BYTES = 1_000_000
_UPGRADE = (
    "In nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
)
_HOST = "In nginx: proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme; or set public_url."
_DISTRUSTED = "Give the server a certificate for this name; SSL_CERT_FILE names authorities of your own."
_NOBODY = "Is the server running, and is the address right?"
_BUFFERING = "Let the proxy pass on at once what the server says; in nginx: proxy_buffering off; for /ws."
_TIMEOUT = "Let the proxy wait longer than live_ping_seconds (20 s); in nginx: proxy_read_timeout 75s; for /ws."
_BODIES = (
    "Let the proxy pass on what the server takes (max_body_bytes, imports 16 MB); in nginx: client_max_body_size 16m;"
)
_REFUSALS = {
    400: (" What is before the server drops Upgrade.", _UPGRADE),
    403: (" The server does not know that it is reached by this address.", _HOST),
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


def visit(url: str, accounts: Iterable[Account], patience: float = 0.0) -> list[Outcome]:
    """What is found at an address, and what each account finds there; each step that fails ends those built on it.

    ``patience`` is how many seconds the live channel is held quietly, to meet a proxy that ends what rests.
    Raises Invalid for an address that is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise Invalid.at("/url", "Give an address such as https://releases.example.com, without name and password.")
    with closing(Line(url)) as line:
        outcomes = list(_until_one_fails(_BASIS, Visit(line)))
        if all(one.ok for one in outcomes):
            outcomes += [carry_out(one, Visit(line)) for one in _FOR_ALL]
            outcomes += _visit_as_each(line, accounts, patience)
        return outcomes


def visit_people(url: str, accounts: Iterable[Account], patience: float = 0.0) -> list[Outcome]:
    """As :func:`visit`, but only what each account finds: for a server of one's own."""
    with closing(Line(url)) as line:
        return _visit_as_each(line, accounts, patience)


def _visit_as_each(line: Line, accounts: Iterable[Account], patience: float) -> list[Outcome]:
    return [outcome for account in accounts for outcome in _visit_as(Visit(line, patience, account))]


def _visit_as(person: Visit) -> list[Outcome]:
    try:
        found = list(_until_one_fails(_OF_A_PERSON, person))
        return [msgspec.structs.replace(one, title=f"{one.title}, as {person.who.email}") for one in found]
    finally:
        if person.token:
            with suppress(Unreachable):
                person.line.ask("POST", "/auth/logout", token=person.token)


def _until_one_fails(checks: Iterable[Check[Visit]], visit: Visit) -> Iterator[Outcome]:
    for check in checks:
        outcome = carry_out(check, visit)
        yield outcome
        if not outcome.ok and outcome.severity is Severity.ERROR:
            return


def _answers(visit: Visit) -> Found:
    try:
        answer = visit.line.ask("GET", "/version")
    except Unreachable as error:
        distrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        return Found(ok=False, sentence=str(error), cure=_DISTRUSTED if distrusted else _NOBODY)
    if "location" in answer.headers:
        where = answer.headers["location"][:200]
        return Found(ok=False, sentence=f"It leads elsewhere: {where}.", cure="Give that address, if it is yours.")
    told = answer.json()
    if not isinstance(told, dict) or told.get("name") != "releaseapp":
        return Found(ok=False, sentence="What answers there is no releaseapp.", cure="Is the address right?")
    version = str(told.get("version"))[:40]
    note = "" if version == releaseapp.__version__ else f" This command is of {releaseapp.__version__}."
    return Found(ok=True, sentence=f"releaseapp {version} answers, in {answer.seconds * 1000:.0f} ms.{note}")


def _is_ready(visit: Visit) -> Found:
    answer = visit.line.ask("GET", "/readyz")
    told = answer.json()
    parts = told.get("parts") if isinstance(told, dict) else None
    bad = [f"{name}: {fault}" for name, fault in parts.items() if fault != "ok"] if isinstance(parts, dict) else []
    sentence = "It is ready." if answer.well else f"/readyz says {answer.status}. {'; '.join(bad)[:300]}".strip()
    return Found(ok=answer.well, sentence=sentence, cure="" if answer.well else "Its log says more.")


def _is_encrypted(visit: Visit) -> Found:
    if not visit.line.secure:
        if _is_this_machine(urlsplit(visit.line.url).hostname or ""):
            return Found(ok=True, sentence="Not encrypted, and does not leave this machine.")
        return Found(ok=False, sentence="Passwords travel in the open.", cure="Serve it by https.")
    until = ssl.cert_time_to_seconds(visit.line.certificate()["notAfter"])
    days = int((until - clock.now().timestamp()) // _DAY_SECONDS)
    return Found(
        ok=days >= _CERTIFICATE_DAYS,
        sentence=f"The certificate is good for {days:,} more days.",
        cure="" if days >= _CERTIFICATE_DAYS else "Renew it, and see why that did not happen by itself.",
    )


def _is_on_time(visit: Visit) -> Found:
    answer = visit.line.ask("GET", "/healthz")
    skew = (parsedate_to_datetime(answer.headers["date"]) - clock.now()).total_seconds()
    well = abs(skew) <= _SKEW_SECONDS
    words = "agree to a few seconds" if well else f"are {abs(skew):,.0f} s apart"
    cure = "" if well else "Keep both by NTP: times in the log, tokens and leases rest on it."
    return Found(ok=well, sentence=f"Its clock and this machine's {words}.", cure=cure)


def _has_headers(visit: Visit) -> Found:
    answer = visit.line.ask("GET", "/auth/login", accept="text/html")
    missing = [name for name, _value in (*FOR_PAGES, *HEADERS) if name not in answer.headers]
    if "unsafe-inline" in answer.headers.get("Content-Security-Policy", ""):
        missing.append("a Content-Security-Policy without unsafe-inline")
    return Found(
        ok=not missing,
        sentence=f"Pages come without {', '.join(missing)}."
        if missing
        else "Pages come with the headers that guard them.",
        cure="The server sends them: something before it takes them away or replaces them." if missing else "",
    )


def _takes_bodies(visit: Visit) -> Found:
    """What nobody can sign in with, as large as servers usually take: the server itself says what is wrong with it."""
    answer = visit.line.ask("POST", "/auth/login", body={"filling": "x" * _BODY_BYTES})
    own = answer.headers.get("content-type", "").startswith("application/problem+json")
    if own:
        return Found(ok=True, sentence=f"A body of {_BODY_BYTES / 1e6:.0f} MB reaches it.")
    return Found(
        ok=False,
        sentence=f"What is before the server refuses a body of {_BODY_BYTES / 1e6:.0f} MB with {answer.status}.",
        cure=_BODIES,
    )


def _knows_its_address(visit: Visit) -> Found:
    """The server leads to addresses made from the Host and X-Forwarded-Proto that reach it."""
    answer = visit.line.ask("GET", "/", accept="text/html")
    led = urlsplit(answer.headers.get("location", ""))
    own = urlsplit(visit.line.url)
    well = not led.netloc or (led.scheme, led.netloc) == (own.scheme, own.netloc)
    sentence = "It leads to its own address." if well else f"It takes itself for {led.scheme}://{led.netloc}."[:300]
    return Found(ok=well, sentence=sentence, cure="" if well else _HOST)


def _signs_in(visit: Visit) -> Found:
    told = {"email": visit.who.email, "password": visit.who.password}
    answer = visit.line.ask("POST", "/auth/login", body=told)
    content = answer.json()
    if not answer.well or not isinstance(content, dict) or not isinstance(content.get("token"), str):
        cure = "Is the password right, and the account open? releaseapp user list INI tells."
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
    return Found(ok=True, sentence=f"/auth/me tells of {_many(len(visit.workspaces), 'workspace')}.")


def _lists_agents(visit: Visit) -> Found:
    paths = ["/agents", *(f"/workspaces/{slug}/agents" for slug in visit.workspaces)]
    said = {path: visit.line.ask("GET", path, token=visit.token) for path in paths}
    bad = [f"{path} says {answer.status}" for path, answer in said.items() if not answer.well]
    sentence = f"{'; '.join(bad)}." if bad else f"{_many(len(paths), 'list')} of agents: all answer."
    return Found(ok=not bad, sentence=sentence, cure="The server's log says why." if bad else "")


def _is_live(visit: Visit) -> Found:
    """The person signs in once more and out again, and hears both: nothing is left of it."""
    try:
        with visit.line.hear(visit.token) as listener:
            if (listener.next(_HEAR_SECONDS) or {}).get("type") != "hello":
                return Found(ok=False, sentence="/ws opens, and says nothing.", cure=_BUFFERING)
            seconds = _hear_of_a_sign_in(visit, listener)
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


def _hear_of_a_sign_in(visit: Visit, listener: Listener) -> float | None:
    began = clock.monotonic()
    second = Visit(visit.line, account=visit.account)
    if not _signs_in(second).ok:
        return None
    try:
        while clock.monotonic() < began + _HEAR_SECONDS:
            heard = listener.next(began + _HEAR_SECONDS - clock.monotonic()) or {}
            if heard.get("type") == "event" and heard["event"]["type"].startswith("session."):
                return clock.monotonic() - began
        return None
    finally:
        with suppress(Unreachable):
            visit.line.ask("POST", "/auth/logout", token=second.token)


def _wait_quietly(listener: Listener, seconds: float) -> None:
    deadline = clock.monotonic() + seconds
    while clock.monotonic() < deadline:
        listener.next(deadline - clock.monotonic())


def _detail_of(answer: Answer) -> str:
    """What a problem says of itself (RFC 9457), so far as it is readable."""
    content = answer.json()
    said = str(content.get("detail") or "") if isinstance(content, dict) else ""
    return "".join(character for character in said[:200] if character.isprintable())


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check(name: str, title: str, severity: Severity, look: Callable[[Visit], Found]) -> Check[Visit]:
    return Check(name, title, severity, look)


_BASIS = (_check("version", "The server answers", Severity.ERROR, _answers),)
_FOR_ALL = (
    _check("ready", "The server is ready", Severity.ERROR, _is_ready),
    _check("tls", "The way to it is encrypted", Severity.WARNING, _is_encrypted),
    _check("clock", "Clocks agree", Severity.WARNING, _is_on_time),
    _check("headers", "Pages are guarded", Severity.WARNING, _has_headers),
    _check("bodies", "Large requests reach it", Severity.WARNING, _takes_bodies),
    _check("origin", "It knows its address", Severity.ERROR, _knows_its_address),
)
_OF_A_PERSON = (
    _check("sign-in", "Signing in", Severity.ERROR, _signs_in),
    _check("me", "The own account", Severity.ERROR, _knows_me),
    _check("agents", "Agents", Severity.ERROR, _lists_agents),
    _check("live", "The live channel", Severity.ERROR, _is_live),
)
