"""Tries a credential where it is meant to open something. One function for each type; all may be slow, none writes."""

import smtplib
import sqlite3
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from releaseapp.credentials import addresses, service
from releaseapp.credentials.contents import whole_file
from releaseapp.credentials.models import Credential, CredentialType, Secret
from releaseapp.credentials.vault import Vault
from releaseapp.db.api import Database
from releaseapp.errors import Invalid
from releaseapp.masking import Masker
from releaseapp.outbound import Outbound, OutboundError, open_outbound
from releaseapp.settings import Settings

_SECONDS = 10.0
_LARGEST_ANSWER_BYTES = 65_536
_FIRST_REFUSAL = 400
_WRONG = {401, 403}
_QUESTION = "select 1"


class Outcome(msgspec.Struct, frozen=True):
    """Whether it opens what it should, and a sentence for people, free of secrets."""

    ok: bool
    detail: str


class Trial(msgspec.Struct, frozen=True):
    """A credential, opened, with what its test needs: the way to the network, an address."""

    secret: Secret
    outbound: Outbound
    url: str

    def __repr__(self) -> str:
        return f"Trial({self.secret!r})"


def try_out(vault: Vault, db: Database, settings: Settings, credential: Credential, url: str) -> Outcome:
    """Tries a credential, and notes the use.

    Raises Invalid for an address that is missing, or that the credential may not
    be sent to; NotFound and VaultLocked when it cannot be opened.
    """
    secret = service.open_credential(db, vault, credential.workspace_id, credential.id)
    with closing(open_outbound(settings)) as outbound:
        outcome = TESTERS[secret.type](Trial(secret, outbound, url.strip()))
    service.note_use(db, secret.id, "a test")
    return msgspec.structs.replace(outcome, detail=Masker(secret.secrets).text(outcome.detail))


def headers_of(secret: Secret) -> dict[str, str]:
    """The headers that carry a credential over HTTP; none for a type that has no such."""
    fields = secret.fields
    if secret.type is CredentialType.API_KEY:
        return {fields["header"]: f"{fields['prefix']} {fields['key']}".strip()}
    if secret.type is CredentialType.OAUTH_TOKEN:
        return {"Authorization": f"Bearer {fields['access_token']}"}
    if secret.type is CredentialType.BASIC:
        return {"Authorization": f"Basic {addresses.basic(fields['username'], fields['password'])}"}
    return {}


def _http(trial: Trial) -> Outcome:
    host = addresses.host_of_web_address(trial.url)
    if host is None:
        raise Invalid.at("/url", "url must be an address to try, such as https://api.example.com/me.")
    if not trial.secret.allows(host, addresses.port_of_web_address(trial.url)):
        allowed = ", ".join(trial.secret.allowed_hosts) or "none: add one first"
        raise Invalid.at("/url", f"{host} is not among the allowed hosts of this credential ({allowed}).")
    headers = headers_of(trial.secret)
    try:
        answer = trial.outbound.request(
            "GET",
            trial.url,
            headers=headers,
            secret_headers=headers,
            timeout=_SECONDS,
            max_bytes=_LARGEST_ANSWER_BYTES,
            allows=trial.secret.allows,
        )
    except OutboundError as error:
        return Outcome(ok=False, detail=str(error))
    if answer.status in _WRONG:
        return Outcome(ok=False, detail=f"{host} answered {answer.status}: it does not accept this credential there.")
    if answer.status >= _FIRST_REFUSAL:
        return Outcome(ok=False, detail=f"{host} answered {answer.status}, which tells nothing of the credential.")
    return Outcome(ok=True, detail=f"{host} answered {answer.status}.")


def _smtp(trial: Trial) -> Outcome:
    fields = trial.secret.fields
    host, port = fields["host"], int(fields["port"])
    try:
        with closing(_mail_server(trial, host, port)) as server:
            if fields["username"]:
                server.login(fields["username"], fields["password"])
            server.noop()
    except OutboundError as error:
        return Outcome(ok=False, detail=str(error))
    except smtplib.SMTPAuthenticationError as error:
        return Outcome(ok=False, detail=f"{host} refused the user and password (code {error.smtp_code}).")
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        return Outcome(ok=False, detail=f"{host} port {port} could not be used: {_brief(error)}.")
    signed_in = " and accepts the user" if fields["username"] else ""
    return Outcome(ok=True, detail=f"{host} answers{signed_in}.")


def _mail_server(trial: Trial, host: str, port: int) -> smtplib.SMTP:
    """Connects to the first address that answers, each of them checked; the certificate must be that of the host."""
    context = trial.outbound.tls_context()
    problem: Exception = OSError("it has no address")
    for address in trial.outbound.check_host(host, port):
        try:
            return _connected(trial.secret.fields["security"], host, (address, port), context)
        except OSError as error:
            problem = error
    raise problem


def _connected(security: str, host: str, place: tuple[str, int], context: ssl.SSLContext) -> smtplib.SMTP:
    if security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(timeout=_SECONDS, context=context)
    else:
        server = smtplib.SMTP(timeout=_SECONDS)
    # By this name it asks for the certificate, whatever it was connected to.
    server._host = host  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        server.connect(*place)
        if security == "starttls":
            server.starttls(context=context)
        server.ehlo_or_helo_if_needed()
    except BaseException:
        server.close()
        raise
    return server


def _database(trial: Trial) -> Outcome:
    url = trial.secret.fields["url"]
    if addresses.is_sqlite(url):
        return _sqlite(whole_file(url))
    try:
        import psycopg  # noqa: PLC0415 - an extra: who uses SQLite alone has no such driver
    except ModuleNotFoundError:
        return Outcome(ok=False, detail="This server has no driver for PostgreSQL: install releaseapp[postgres].")
    host, port = addresses.host_and_port_of_database(url)
    try:
        found = trial.outbound.check_host(host, port)
        # The driver takes lists, and tries one address after the other.
        place = {"host": ",".join([host] * len(found)), "hostaddr": ",".join(found), "port": str(port)}
        said = {"connect_timeout": str(int(_SECONDS)), **addresses.login_of_database(url)}
        with closing(psycopg.connect(**{**said, **place}, autocommit=True)) as connection:  # type: ignore[arg-type]
            connection.execute(_QUESTION)
    except OutboundError as error:
        return Outcome(ok=False, detail=str(error))
    except (psycopg.Error, UnicodeError) as error:
        return Outcome(ok=False, detail=f"{host} port {port} could not be used: {_brief(error)}.")
    return Outcome(ok=True, detail=f"{host} answers and accepts the user.")


def _sqlite(file: Path) -> Outcome:
    if not file.is_file():
        return Outcome(ok=False, detail=f"There is no file {file.name} in this server's folder for databases.")
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=_SECONDS)) as connection:
            # Looks into the file, unlike the question alone.
            connection.execute("PRAGMA schema_version").fetchone()
            connection.execute(_QUESTION).fetchone()
    except sqlite3.Error as error:
        return Outcome(ok=False, detail=f"{file.name} could not be opened: {_brief(error)}.")
    return Outcome(ok=True, detail=f"{file.name} is a database and can be read.")


def _opens(_trial: Trial) -> Outcome:
    return Outcome(ok=True, detail="It decrypts. Whether it is right shows when it is used.")


def _brief(error: Exception) -> str:
    """The first line of a driver's words."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:300]


TESTERS: Mapping[CredentialType, Callable[[Trial], Outcome]] = {
    CredentialType.API_KEY: _http,
    CredentialType.BASIC: _http,
    CredentialType.OAUTH_TOKEN: _http,
    CredentialType.SMTP: _smtp,
    CredentialType.DATABASE: _database,
    CredentialType.WEBHOOK_SECRET: _opens,
    CredentialType.CUSTOM: _opens,
}


def needs_url(kind: CredentialType) -> bool:
    """Whether the test needs an address to send the credential to."""
    return TESTERS[kind] is _http
