"""Hands an e-mail to a mail server: to all of its addresses, or to none."""

import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

import msgspec

from releaseapp import clock
from releaseapp.credentials.models import Secret
from releaseapp.outbound import OutboundError
from releaseapp.steps.api import Context, StepFailed
from releaseapp.steps.words import shown

_MOST_SECONDS = 300.0
_LONGEST_ADDRESS = 254
_ACCEPTED = 250
_WILL_FORWARD = 251
_LASTING = 500
# Neither what a header nor what a command of SMTP would read as more than one address.
_LOCAL = r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+"
_ADDRESS = re.compile(rf"({_LOCAL})@([^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+)")
_NAMED = re.compile(r"([^<>@\x00-\x1f\x7f]*)<([^<>]+)>")


class Letter(msgspec.Struct, frozen=True):
    """An e-mail. Its id is made from ``key``, so that one that comes twice can be told."""

    to: list[str]
    subject: str
    text: str
    key: str


def send(secret: Secret, letter: Letter, context: Context) -> str:
    """Hands it over; gives its Message-ID. Raises StepFailed, and Abandoned when nobody waits any more."""
    server = _Server(secret)
    recipients = [address_of(text) for text in letter.to]
    addresses = [address.addr_spec for address in (server.sender, *recipients)]
    message = _message(letter, server.sender, recipients)
    stage = _Stage()
    try:
        with _connected(server, context) as line:
            _sign_in(line, server, context.outbound.tls_context())
            _hand_over(line, message, addresses, stage)
    except (OSError, smtplib.SMTPException, UnicodeEncodeError) as error:
        context.check_alive()
        raise _refusal(error, server, stage) from None
    return str(message["Message-ID"])


def address_of(text: str) -> Address:
    """The address, and maybe the name, of ``ada@example.com`` or ``Ada <ada@example.com>``; raises StepFailed."""
    named = _NAMED.fullmatch(text.strip())
    name, plain = (named[1].strip(' "'), named[2].strip()) if named else ("", text.strip())
    found = _ADDRESS.fullmatch(plain)
    with suppress(UnicodeError):
        if found and len(plain.encode()) <= _LONGEST_ADDRESS:
            # A domain has a spelling in ASCII, which every mail server takes.
            return Address(name, found[1], found[2].encode("idna").decode())
    raise StepFailed(
        f"to has {text[:80]!r}, which is no address such as ada@example.com or Ada <ada@example.com>.", retryable=False
    )


class _Server:
    """What the credential says of the mail server."""

    def __init__(self, secret: Secret) -> None:
        fields = secret.fields
        self.host, self.port = fields["host"].strip(), int(fields["port"])
        self.security = fields["security"]
        self.username, self.password = fields["username"], fields["password"]
        self.sender = address_of(fields["sender"])
        self.name = secret.name
        self._secret = secret

    def shown(self, text: str) -> str:
        """What the server, or the line to it, says: fit for an error."""
        return shown(text, self._secret)


class _Stage:
    """How far it came: after the whole message went over, nobody knows whether the server took it."""

    handed_over = False


class _Line(smtplib.SMTP):
    """SMTP on a connection that is there already, to an address that was checked."""

    def __init__(self, opened: socket.socket, server: _Server, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._opened = opened
        self._security = server.security
        ours = opened.getsockname()[0]
        # The name of this machine would be looked up, which may take long, and says no more.
        super().__init__(server.host, server.port, local_hostname=f"[IPv6:{ours}]" if ":" in ours else f"[{ours}]")

    def _get_socket(self, host: str, _port: int, _timeout: float) -> socket.socket:
        if self._security == "tls":
            return self._tls.wrap_socket(self._opened, server_hostname=host)
        return self._opened


@contextmanager
def _connected(server: _Server, context: Context) -> Iterator[_Line]:
    opened = _opened(server, context)
    # TLS takes the socket over; this one stays, to end the connection by.
    with opened, opened.dup() as handle:
        context.when_abandoned(lambda: _cut(handle))
        line = _Line(opened, server, context.outbound.tls_context())
        try:
            yield line
            with suppress(OSError, smtplib.SMTPException):
                line.quit()
        finally:
            line.close()


def _opened(server: _Server, context: Context) -> socket.socket:
    """A connection to the first address that answers."""
    try:
        addresses = context.outbound.check_host(server.host, server.port)
    except OutboundError as error:
        raise StepFailed(str(error), retryable=error.retryable) from None
    problem: OSError = OSError("it has no address")
    for address in addresses:
        # Asked before there is anything that would have to be closed: it raises when no time is left.
        patience = context.seconds_left(_MOST_SECONDS)
        opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        opened.settimeout(patience)
        context.when_abandoned(lambda opened=opened: _cut(opened))  # type: ignore[misc]
        try:
            opened.connect((address, server.port))
        except OSError as error:
            opened.close()
            context.check_alive()
            problem = error
        else:
            return opened
    raise problem


def _cut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _sign_in(line: _Line, server: _Server, tls: ssl.SSLContext) -> None:
    line.ehlo_or_helo_if_needed()
    if server.security == "starttls":
        line.starttls(context=tls)
        line.ehlo_or_helo_if_needed()
    if server.username:
        line.login(server.username, server.password)


def _hand_over(line: _Line, message: EmailMessage, addresses: list[str], stage: _Stage) -> None:
    """Gives the message to all, or to none: one refused address is told before anything is sent."""
    needs_unicode = not all(address.isascii() for address in addresses)
    if needs_unicode and not line.has_extn("smtputf8"):
        raise StepFailed("The mail server takes only addresses in ASCII.", retryable=False)
    sender, *recipients = addresses
    code, said = line.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"] if needs_unicode else [])
    if code != _ACCEPTED:
        raise smtplib.SMTPSenderRefused(code, said, sender)
    refused = {}
    for recipient in recipients:
        code, said = line.rcpt(recipient)
        if code not in {_ACCEPTED, _WILL_FORWARD}:
            refused[recipient] = (code, said)
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)
    data = message.as_bytes(policy=SMTPUTF8 if needs_unicode else SMTP)
    stage.handed_over = True
    code, said = line.data(data)
    if code != _ACCEPTED:
        raise smtplib.SMTPDataError(code, said)


def _message(letter: Letter, sender: Address, recipients: list[Address]) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    subject = letter.subject.strip() or letter.text.strip().splitlines()[0][:78]
    if len(subject.splitlines()) > 1:
        raise StepFailed("subject has more than one line; what follows belongs into text.", retryable=False)
    try:
        message["From"] = sender
        message["To"] = recipients
        message["Subject"] = subject
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<{hashlib.sha256(letter.key.encode()).hexdigest()[:40]}@{sender.domain}>"
        # Asks programs that answer by themselves, such as those that tell of holidays, not to.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
    except (ValueError, UnicodeError):
        raise StepFailed("subject or text has characters that no e-mail can carry.", retryable=False) from None
    return message


def _refusal(error: Exception, server: _Server, stage: _Stage) -> StepFailed:
    """What went wrong, and what to do about it."""
    if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
        return _refused(error, server)
    if isinstance(error, ssl.SSLError | smtplib.SMTPNotSupportedError | UnicodeEncodeError):
        return StepFailed(f"{_mismatch(error, server)} of the credential {server.name!r}.", retryable=False)
    if stage.handed_over:
        return StepFailed("The mail server got the e-mail and then said nothing more: it may have been sent.")
    # The library turns what it catches while it reads into an error of its own.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return StepFailed("The mail server did not answer in time.")
    return StepFailed(f"The mail server cannot be reached: {server.shown(str(error))}.")


def _refused(error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused, server: _Server) -> StepFailed:
    """The server said no; what begins with 4 is for now, what begins with 5 for ever."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        each = [f"{to} ({_said(code, text, server)})" for to, (code, text) in error.recipients.items()]
        lasts = any(code >= _LASTING for code, _ in error.recipients.values())
        return StepFailed(f"Nothing was sent, because the mail server refused {'; '.join(each)}.", retryable=not lasts)
    said, lasts = _said(error.smtp_code, error.smtp_error, server), error.smtp_code >= _LASTING
    if isinstance(error, smtplib.SMTPAuthenticationError):
        cure = f"Change the credential {server.name!r}."
        return StepFailed(f"The mail server refused the user or the password: {said}. {cure}", retryable=not lasts)
    return StepFailed(f"The mail server refused: {said}.", retryable=not lasts)


def _mismatch(error: ssl.SSLError | smtplib.SMTPNotSupportedError | UnicodeEncodeError, server: _Server) -> str:
    """The server cannot do what the credential says: all but the end of a sentence."""
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"The certificate of the mail server is not to be trusted: {error.verify_message}. "
                "Have this server trust who signed it, or check the host"
            )
        case ssl.SSLError():
            return f"No TLS could be spoken with the mail server ({error.reason}). Check the port and security"
        case UnicodeEncodeError():
            return "The mail server takes a user and a password in ASCII alone. Change those"
    return f"The mail server cannot do it: {server.shown(str(error))}. Check the security and user"


def _said(code: int, text: bytes | str, server: _Server) -> str:
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {server.shown(words)}".strip()
