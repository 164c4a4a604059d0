"""Looks at a live server as its people meet it: by its address, through its proxy, signed in as one of them."""

import ipaddress
import ssl
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
import msgspec

import releaseapp
from releaseapp import clock
from releaseapp.checks.line import Answer, Line, Unreachable
from releaseapp.checks.models import Check, Found, Outcome, Severity
from releaseapp.checks.person import HOST, OF_A_PERSON, Account, Visit
from releaseapp.checks.service import carry_out
from releaseapp.errors import Invalid
from releaseapp.web.manners import FOR_PAGES, HEADERS

_LAST_PORT = 65_535
_CERTIFICATE_DAYS = 14
_SKEW_SECONDS = 5
_DAY_SECONDS = 86_400
_BODY_BYTES = 1_000_000
_IMPORT_BYTES = 16_000_000
_DISTRUSTED = "Give the server a certificate for this name; SSL_CERT_FILE names authorities of your own."
_NOBODY = "Is the server running, and is the address right?"
_BODIES = (
    "Let the proxy pass on what the server takes (max_body_bytes, imports 16 MB); in nginx: client_max_body_size 16m;"
)


def visit(url: str, accounts: Iterable[Account], patience: float = 0.0) -> list[Outcome]:
    """What is found at an address, and what each account finds there; each step that fails ends those built on it.

    ``patience`` is how many seconds the live channel is held quietly, to meet a proxy that ends what rests.
    Raises Invalid for an address that is none.
    """
    with closing(Line(_address_of(url))) as line:
        outcomes = list(_until_one_fails(_BASIS, Visit(line)))
        if all(one.ok for one in outcomes):
            outcomes += [carry_out(one, Visit(line)) for one in _FOR_ALL]
            outcomes += _visit_as_each(line, accounts, patience)
        return outcomes


def _address_of(url: str) -> str:
    """The address in the one spelling in which servers and browsers name it; raises Invalid when it is none."""
    try:
        address = httpx.URL(url)
        address.raw_host.decode().encode("idna")
        well = address.scheme in {"http", "https"} and bool(address.host) and (address.port or 0) <= _LAST_PORT
    except (httpx.InvalidURL, UnicodeError):
        well = False
    if not well or address.userinfo or address.query or address.fragment:
        raise Invalid.at("/url", "Give an address such as https://releases.example.com, without name and password.")
    return f"{address.scheme}://{address.netloc.decode()}{address.path}"


def visit_people(url: str, accounts: Iterable[Account], patience: float = 0.0) -> list[Outcome]:
    """As :func:`visit`, but only what each account finds: for a server of one's own."""
    with closing(Line(url)) as line:
        return _visit_as_each(line, accounts, patience)


def _visit_as_each(line: Line, accounts: Iterable[Account], patience: float) -> list[Outcome]:
    return [outcome for account in accounts for outcome in _visit_as(Visit(line, patience, account))]


def _visit_as(person: Visit) -> list[Outcome]:
    try:
        found = list(_until_one_fails(OF_A_PERSON, person))
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
    told = visit.line.ask("GET", "/healthz").headers.get("date", "")
    try:
        # Without a zone it is of no zone in particular (RFC 5322), which HTTP takes for UTC.
        skew = (parsedate_to_datetime(told).replace(tzinfo=UTC) - clock.now()).total_seconds()
    except ValueError:
        cure = "The server sends a Date: something before it takes it away or replaces it."
        return Found(ok=False, sentence="It does not say what time it is.", cure=cure)
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
    """What nobody can sign in with: the server itself says what is wrong with it.

    As large as most requests may be, it is sent; as large as an import, it is only announced.
    """
    sent = visit.line.ask("POST", "/auth/login", body={"filling": "x" * _BODY_BYTES})
    if not _is_own(sent):
        return _refused_before(_BODY_BYTES, sent)
    announced = visit.line.announce("/auth/login", _IMPORT_BYTES)
    if announced is not None and announced.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and not _is_own(announced):
        return _refused_before(_IMPORT_BYTES, announced)
    return Found(ok=True, sentence="Bodies reach it, and nothing before it refuses one as large as an import.")


def _is_own(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").startswith("application/problem+json")


def _refused_before(size: int, answer: Answer) -> Found:
    sentence = f"What is before the server refuses a body of {size / 1e6:.0f} MB with {answer.status}."
    return Found(ok=False, sentence=sentence, cure=_BODIES)


def _knows_its_address(visit: Visit) -> Found:
    """The server leads to addresses made from the Host and X-Forwarded-Proto that reach it."""
    answer = visit.line.ask("GET", "/", accept="text/html")
    led = urlsplit(answer.headers.get("location", ""))
    own = urlsplit(visit.line.url)
    well = not led.netloc or (led.scheme, led.netloc) == (own.scheme, own.netloc)
    sentence = "It leads to its own address." if well else f"It takes itself for {led.scheme}://{led.netloc}."[:300]
    return Found(ok=well, sentence=sentence, cure="" if well else HOST)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_BASIS = (Check("version", "The server answers", Severity.ERROR, _answers),)
_FOR_ALL = (
    Check("ready", "The server is ready", Severity.ERROR, _is_ready),
    Check("tls", "The way to it is encrypted", Severity.WARNING, _is_encrypted),
    Check("clock", "Clocks agree", Severity.WARNING, _is_on_time),
    Check("headers", "Pages are guarded", Severity.WARNING, _has_headers),
    Check("bodies", "Large requests reach it", Severity.WARNING, _takes_bodies),
    Check("origin", "It knows its address", Severity.ERROR, _knows_its_address),
)
