"""``message.send`` to real mail servers and webhooks on this machine."""

import asyncio
import base64
import hmac
import json
import socket
import ssl
import threading
from email import message_from_bytes, policy

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult
from hypothesis import given
from hypothesis import strategies as st
from steps.context import Abandoning, secret
from steps.web_server import WebServer

from releaseapp.steps.api import Abandoned, StepFailed
from releaseapp.steps.mail import address_of
from releaseapp.steps.message_send import MessageSend, run

PASSWORD = "pass-word-123"


class Inbox:
    """What a mail server was handed; ``replies`` are what it says instead of OK, by command or address."""

    def __init__(self):
        self.letters = []
        self.replies = {}

    async def handle_MAIL(self, _server, _session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        envelope.mail_from, envelope.mail_options = address, options
        return self.replies.get("MAIL", "250 OK")

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        reply = self.replies.get(address, "250 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - aiosmtpd's name
        reply = self.replies.get("DATA", "250 OK")
        if reply.startswith("250"):
            self.letters.append((envelope, session))
        return reply

    def message(self):
        return message_from_bytes(self.letters[-1][0].original_content, policy=policy.default)


def accept(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"bot" and data.password == PASSWORD.encode(), handled=False)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def certificate(authority):
    """What a server called localhost shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority, tmp_path):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


@pytest.fixture
def inbox():
    return Inbox()


class MailServer:
    """aiosmtpd on a free port of this machine, in a thread of its own."""

    def __init__(self, inbox, tls, options):
        self._loop = asyncio.new_event_loop()
        listening = self._loop.create_server(
            lambda: SMTP(inbox, hostname="mail.example.com", loop=self._loop, **options), "127.0.0.1", 0, ssl=tls
        )
        # In a thread of its own: tests in a browser may have a loop running in this one.
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self):
        asyncio.run_coroutine_threadsafe(self._end_sessions(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end_sessions(self):
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)


@pytest.fixture
def mail_server(inbox):
    """Starts a mail server with options of aiosmtpd; gives its port."""
    running = []

    def start(*, tls=None, **options):
        running.append(MailServer(inbox, tls, options))
        return running[-1].port

    yield start
    for server in running:
        server.stop()


def mailbox(port, *, security="none", host="127.0.0.1", username="", password="", sender="bot@example.com"):
    fields = {"host": host, "port": str(port), "security": security, "username": username, "password": password}
    return secret("smtp", {**fields, "sender": sender}, name="post")


def letter(**changes):
    values = {"credential": "post", "text": "It is done.", "to": ["ada@example.com"], "subject": "Release"}
    return MessageSend(**{**values, **changes})


def failure(config, context):
    with pytest.raises(StepFailed) as caught:
        run(config, context)
    assert PASSWORD not in str(caught.value)
    return caught.value


def test_an_email_arrives_with_its_subject_text_and_sender(mail_server, inbox, context):
    given = context(mailbox(mail_server()))
    output = run(
        letter(text="Grüße\n.\nFrom here ☃", to=["Ada L. <ada@example.com>", "grace@example.com"]), given
    ).output
    assert output["sent"] is True
    envelope, _ = inbox.letters[0]
    assert envelope.rcpt_tos == ["ada@example.com", "grace@example.com"]
    assert envelope.mail_from == "bot@example.com"
    message = inbox.message()
    assert message["To"] == '"Ada L." <ada@example.com>, grace@example.com'
    assert (message["From"], message["Subject"]) == ("bot@example.com", "Release")
    assert message["Message-ID"] == output["message_id"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == "Grüße\n.\nFrom here ☃\n"


def test_a_repeat_has_the_same_message_id_and_another_step_another(mail_server, inbox, context):
    box = mailbox(mail_server())
    ids = [run(letter(), context(box, key=key)).output["message_id"] for key in ("run_1/a/1", "run_1/a/1", "run_1/b/1")]
    assert ids[0] == ids[1] != ids[2]


def test_without_a_subject_the_first_line_of_the_text_is_it(mail_server, inbox, context):
    run(letter(subject=" ", text="All is well.\nReally."), context(mailbox(mail_server())))
    assert inbox.message()["Subject"] == "All is well."


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_user_and_password_go_over_a_protected_line(mail_server, inbox, context, certificate, ca_file, security):
    if security == "tls":
        port = mail_server(tls=certificate, authenticator=accept, auth_require_tls=False)
    else:
        port = mail_server(tls_context=certificate, require_starttls=True, authenticator=accept, auth_required=True)
    box = mailbox(port, security=security, host="localhost", username="bot", password=PASSWORD)
    assert run(letter(), context(box, ca_file=ca_file)).output["sent"]
    _, session = inbox.letters[0]
    assert session.authenticated
    assert security == "tls" or session.ssl is not None


def test_a_wrong_password_is_told_and_not_tried_again(mail_server, inbox, context):
    port = mail_server(authenticator=accept, auth_require_tls=False)
    error = failure(letter(), context(mailbox(port, username="bot", password="wrong-word-1")))
    assert "user or the password" in str(error)
    assert "'post'" in str(error)
    assert "wrong-word-1" not in str(error)
    assert not error.retryable
    assert not inbox.letters


def test_a_server_without_starttls_gets_nothing_in_the_clear(mail_server, inbox, context):
    box = mailbox(mail_server(), security="starttls", username="bot", password=PASSWORD)
    error = failure(letter(), context(box))
    assert "STARTTLS" in str(error)
    assert not error.retryable
    assert not inbox.letters


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_another_name_or_signer_is_refused(mail_server, context, certificate, ca_file, security):
    port = mail_server(tls=certificate) if security == "tls" else mail_server(tls_context=certificate)
    error = failure(letter(), context(mailbox(port, security=security, host="127.0.0.1"), ca_file=ca_file))
    assert "not to be trusted" in str(error)
    assert not error.retryable
    error = failure(letter(), context(mailbox(port, security=security, host="localhost")))
    assert "not to be trusted" in str(error)


def test_tls_to_a_port_without_it_is_told(mail_server, context):
    error = failure(letter(), context(mailbox(mail_server(), security="tls")))
    assert "No TLS" in str(error)
    assert not error.retryable


def test_one_refused_address_keeps_the_email_from_all(mail_server, inbox, context):
    inbox.replies["gone@example.com"] = "550 no such user"
    error = failure(letter(to=["ada@example.com", "gone@example.com"]), context(mailbox(mail_server())))
    assert "gone@example.com (550 no such user)" in str(error)
    assert "Nothing was sent" in str(error)
    assert not error.retryable
    assert not inbox.letters


@pytest.mark.parametrize("command", ["ada@example.com", "DATA", "MAIL"])
@pytest.mark.parametrize(("reply", "retryable"), [("451 later", True), ("550 never", False)])
def test_what_is_refused_for_now_may_be_tried_again(mail_server, inbox, context, command, reply, retryable):
    inbox.replies[command] = reply
    error = failure(letter(), context(mailbox(mail_server())))
    assert reply in str(error)
    assert error.retryable is retryable


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "ada@",
        "@example.com",
        "ada@example.com, eve@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "ada@example.com\r\nRCPT TO:<eve@example.com>",
        "<ada@example.com> <eve@example.com>",
        "Ada\r\nBcc: eve@example.com <ada@example.com>",
        "ada@example.com> SIZE=1",
        "ada @example.com",
        "a" * 250 + "@example.com",
        "ada@" + "x" * 64 + ".com",
    ],
)
def test_an_address_that_is_none_is_named_before_anything_is_sent(mail_server, inbox, context, address):
    error = failure(letter(to=["grace@example.com", address]), context(mailbox(mail_server())))
    assert "no address such as" in str(error)
    assert not error.retryable
    assert not inbox.letters


@given(st.text(alphabet=st.sampled_from('ab@.<>,;:"() \r\n\0ü-')))
def test_what_is_taken_for_an_address_is_one_address(text):
    try:
        plain = address_of(text).addr_spec
    except StepFailed:
        return
    assert plain.count("@") == 1
    assert not set(plain) & set('<>,;:"() \r\n\0')


@pytest.mark.parametrize("text", ["a\ud800b"])
def test_text_that_cannot_be_written_is_a_failure(mail_server, hook, context, text):
    assert "no email can carry" in str(failure(letter(text=text), context(mailbox(mail_server())))).replace("e-", "e")
    assert "half" in str(failure(note(text=text), context(webhook(hook.url + PATH))))


@pytest.mark.parametrize("subject", ["Hello\nBcc: eve@example.com", "Hello\r\n\r\nbody", "Hello\rX: y", "a\u2028b"])
def test_a_subject_cannot_bring_headers_along(mail_server, inbox, context, subject):
    error = failure(letter(subject=subject), context(mailbox(mail_server())))
    assert "one line" in str(error)
    assert not inbox.letters


def test_a_name_beside_an_address_cannot_bring_addresses_along(mail_server, inbox, context):
    run(letter(to=["Ada, Eve; Grace <ada@example.com>"]), context(mailbox(mail_server())))
    assert inbox.letters[0][0].rcpt_tos == ["ada@example.com"]
    assert [one.addr_spec for one in inbox.message()["To"].addresses] == ["ada@example.com"]


def test_a_domain_beyond_ascii_is_written_in_ascii(mail_server, inbox, context):
    run(letter(to=["ada@bücher.example"]), context(mailbox(mail_server())))
    assert inbox.letters[0][0].rcpt_tos == ["ada@xn--bcher-kva.example"]


def test_a_user_beyond_ascii_needs_a_server_that_takes_it(mail_server, inbox, context):
    run(letter(to=["ädä@example.com"]), context(mailbox(mail_server(enable_SMTPUTF8=True))))
    assert inbox.letters[0][0].rcpt_tos == ["ädä@example.com"]
    error = failure(letter(to=["ädä@example.com"]), context(mailbox(mail_server(enable_SMTPUTF8=False))))
    assert "ASCII" in str(error)


def test_an_email_without_an_address_is_refused(context):
    assert "needs an address" in str(failure(letter(to=[]), context(mailbox(1))))


# ── servers that misbehave ───────────────────────────────────────────────────


class Script:
    """A server that says line after line, one for each that it reads, and then nothing more."""

    def __init__(self, *lines, close=False):
        self._lines, self._close = lines, close
        self.silent = threading.Event()
        self._done = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as file:
            for number, line in enumerate(self._lines):
                if number:
                    file.readline()
                connection.sendall(line.encode() + b"\r\n")
            self.silent.set()
            if not self._close:
                self._done.wait(20)

    def end(self):
        self._done.set()
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def script():
    made = []

    def start(*lines, **options):
        made.append(Script(*lines, **options))
        return made[-1]

    yield start
    for one in made:
        one.end()


def test_a_server_that_says_nothing_is_given_up_in_time(script, context):
    # Time enough to connect, however busy the machine is.
    error = failure(letter(), context(mailbox(script().port), seconds=1.5))
    assert "did not answer in time" in str(error)
    assert error.retryable


def test_an_abandoned_step_leaves_a_server_that_hangs_at_once(script, context):
    server = script("220 hello", "250 hello")
    given = context(mailbox(server.port))
    step = Abandoning(run, letter(), given)
    assert server.silent.wait(10)
    error, seconds = step.abandon()
    assert isinstance(error, Abandoned)
    assert seconds < 1


def test_an_abandoned_step_leaves_a_server_that_hangs_behind_tls(context, certificate, ca_file):
    shaken = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with certificate.wrap_socket(connection, server_side=True) as line:
                line.sendall(b"220 hello\r\n")
                line.recv(100)
                shaken.set()
                line.recv(100)

        thread = threading.Thread(target=serve)
        thread.start()
        given = context(mailbox(listener.getsockname()[1], security="tls", host="localhost"), ca_file=ca_file)
        step = Abandoning(run, letter(), given)
        assert shaken.wait(10)
        error, seconds = step.abandon()
        thread.join(10)
    assert isinstance(error, Abandoned)
    assert seconds < 1


def test_an_abandoned_step_does_not_wait_for_a_connection(context):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        # A queue that is full lets further callers wait.
        callers = [socket.socket() for _ in range(3)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
        given = context(mailbox(port))
        step = Abandoning(run, letter(), given)
        assert given.waited_on.wait(10)
        error, seconds = step.abandon()
        for caller in callers:
            caller.close()
    assert isinstance(error, Abandoned)
    assert seconds < 1


def test_a_server_that_hangs_up_may_be_tried_again(script, context):
    error = failure(letter(), context(mailbox(script("220 hello", "250 hello", close=True).port)))
    assert "cannot be reached" in str(error)
    assert error.retryable


def test_silence_after_the_message_is_told_apart_for_it_may_have_been_sent(script, context):
    server = script("220 hello", "250 hello", "250 from", "250 to", "354 go on", close=True)
    error = failure(letter(), context(mailbox(server.port)))
    assert "may have been sent" in str(error)
    assert error.retryable


def test_nobody_at_the_port_may_be_tried_again(context):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(letter(), context(mailbox(port)))
    assert "cannot be reached" in str(error)
    assert error.retryable


def test_a_server_that_repeats_the_password_does_not_get_it_into_the_error(script, context):
    echo = f"535 bad {PASSWORD}"
    server = script("220 hello", "250-hello\r\n250 AUTH PLAIN", echo, echo)
    error = failure(letter(), context(mailbox(server.port, username="bot", password=PASSWORD)))
    assert "***" in str(error)


def test_another_type_of_credential_is_refused(context):
    error = failure(letter(), context(secret("api-key", {"key": "k-123456"}, name="post")))
    assert "mail server (smtp) or a webhook" in str(error)
    assert not error.retryable


def test_a_mail_server_on_this_servers_own_network_is_out_of_reach_unless_allowed(mail_server, inbox, context):
    error = failure(letter(), context(mailbox(mail_server()), allowed=""))
    assert "not a public address" in str(error)
    assert not inbox.letters


# ── webhooks ─────────────────────────────────────────────────────────────────

PATH = "/services/T0000/B0000/xyzzy-secret-path"


@pytest.fixture
def hook():
    server = WebServer()
    server.answers[PATH] = (200, {}, b"ok")
    yield server
    server.end()


def webhook(url, **fields):
    return secret("webhook-secret", {"url": url, "secret": "", **fields}, name="channel")


def note(**changes):
    return MessageSend(**{"credential": "channel", "text": "It is done.", **changes})


def test_a_webhook_gets_the_text_as_slack_takes_it(hook, context):
    given = context(webhook(hook.url + PATH))
    assert run(note(text="Done ☃"), given).output == {"sent": True, "status": 200}
    asked = hook.asked[0]
    assert (asked["method"], asked["path"]) == ("POST", PATH)
    assert asked["headers"]["content-type"] == "application/json"
    assert asked["headers"]["idempotency-key"] == given.key
    assert "webhook-signature" not in asked["headers"]
    assert json.loads(asked["body"]) == {"text": "Done ☃"}
    assert "xyzzy" not in given.log_text


def test_a_subject_stands_before_the_text_of_a_webhook(hook, context):
    run(note(subject="Release"), context(webhook(hook.url + PATH)))
    assert json.loads(hook.asked[0]["body"]) == {"text": "Release\nIt is done."}


@pytest.mark.parametrize("key", [b"some-signing-text", b"\x00\x01\xfe" * 8])
def test_a_webhook_with_a_secret_is_signed_so_that_the_receiver_can_check(hook, context, key):
    text = key.decode() if key.isascii() and b"\0" not in key else "whsec_" + base64.b64encode(key).decode()
    box = webhook(hook.url + PATH, secret=text)
    for _ in range(2):
        run(note(), context(box))
    for asked in hook.asked:
        headers = asked["headers"]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + asked["body"]
        expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
    assert hook.asked[0]["headers"]["webhook-id"] == hook.asked[1]["headers"]["webhook-id"]


@pytest.mark.parametrize(
    ("status", "retryable"), [(301, False), (302, False), (400, False), (404, False), (429, True), (503, True)]
)
def test_a_webhook_that_does_not_take_it_is_a_failure_without_its_address(hook, context, status, retryable):
    url = hook.url + PATH
    hook.answers[PATH] = (status, {"Location": "/elsewhere"}, f"no_service at {url}".encode())
    error = failure(note(), context(webhook(url)))
    assert str(status) in str(error)
    assert "no_service" in str(error)
    assert "xyzzy" not in str(error)
    assert error.retryable is retryable
    assert len(hook.asked) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1" + PATH, "ftp://127.0.0.1" + PATH, "xyzzy" * 40])
def test_an_error_of_a_webhook_does_not_show_its_address(context, url):
    assert "xyzzy" not in str(failure(note(), context(webhook(url))))


def test_a_webhook_has_an_address_and_no_recipients(context):
    assert "has no url" in str(failure(note(), context(webhook(""))))
    error = failure(note(to=["ada@example.com"]), context(webhook("https://hooks.example.com/x")))
    assert "has no addresses" in str(error)
