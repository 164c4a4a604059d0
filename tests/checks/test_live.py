"""``releaseapp check --url``: a live server is visited by its address, through a real nginx as well."""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
import urllib.request
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme
from click.testing import CliRunner
from servers import RunningServer, free_port

from releaseapp.cli import main
from releaseapp.seeds import SEED_PASSWORD

pytestmark = pytest.mark.xdist_group("check-live")

AVERY = "avery.owner@example.com"
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_buffer_size 2m; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {url}; proxy_http_version 1.1; {lines} }}
  }}
}}
"""
HOST = "proxy_set_header Host $http_host;"
IMPORTS = "client_max_body_size 16m;"
UPGRADE = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = RunningServer(tmp_path_factory.mktemp("visited"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def behind(server, tmp_path):
    """A real nginx before the server, with these lines for its location; gives its address."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        assert not os.environ.get("CI"), "CI needs nginx"
        pytest.skip("there is no nginx here")
    with contextlib.ExitStack() as stack:

        def start(lines):
            deadline = time.monotonic() + 20
            process = None
            while time.monotonic() < deadline:
                if process is None or process.poll() is not None:
                    # The port is somebody else's by now, if it ended: then another one.
                    port = free_port()
                    config = tmp_path / "nginx.conf"
                    config.write_text(NGINX.format(folder=tmp_path, port=port, url=server.url, lines=lines))
                    process = subprocess.Popen([program, "-e", str(tmp_path / "start.log"), "-c", str(config)])
                    stack.callback(process.wait)
                    stack.callback(process.terminate)
                if (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text() == f"{process.pid}\n":
                    # Written once it has the port, at which connections wait from then on.
                    return f"http://127.0.0.1:{port}"
                time.sleep(0.01)
            raise AssertionError((tmp_path / "start.log").read_text())

        yield start


def visit(url, *words, password=SEED_PASSWORD):
    done = CliRunner().invoke(
        main, ["check", "--url", url, "--json", *words], env={"RELEASEAPP_PASSWORD": password}, catch_exceptions=False
    )
    return done.exit_code, {one["name"]: one for one in json.loads(done.stdout)["outcomes"]}


def test_a_server_that_is_well_is_well_for_everybody_who_signs_in_and_nothing_is_left(server):
    code, found = visit(server.url, "--account", AVERY)
    assert (code, [one for one in found.values() if not one["ok"]]) == (0, [])
    assert list(found) == [
        "version",
        "ready",
        "tls",
        "clock",
        "headers",
        "bodies",
        "origin",
        "sign-in",
        "me",
        "agents",
        "live",
    ]
    assert "came round on /ws" in found["live"]["sentence"]
    with contextlib.closing(sqlite3.connect(server.folder / "var" / "agents.db")) as db:
        assert db.execute("SELECT count(*) FROM sessions WHERE ended_at IS NULL").fetchone()[0] == 0


def test_an_address_in_capitals_is_the_same_address(server):
    code, found = visit(server.url.replace("http://127.0.0.1", "HTTP://LOCALHOST"), "--account", AVERY)
    assert (code, [one for one in found.values() if not one["ok"]]) == (0, [])


def test_without_an_account_only_what_anybody_sees_is_looked_at(server):
    code, found = visit(server.url + "/")
    assert (code, list(found)) == (0, ["version", "ready", "tls", "clock", "headers", "bodies", "origin"])


def test_behind_a_proxy_as_the_docs_have_it_all_is_well(behind):
    code, found = visit(behind(HOST + UPGRADE + IMPORTS), "--account", AVERY)
    assert (code, [one for one in found.values() if not one["ok"]]) == (0, [])


def test_a_proxy_that_drops_upgrade_is_named_with_the_lines_that_help(behind):
    code, found = visit(behind(HOST), "--account", AVERY)
    assert (code, found["live"]["ok"]) == (2, False)
    assert "drops Upgrade" in found["live"]["sentence"]
    assert "proxy_set_header Upgrade $http_upgrade" in found["live"]["cure"]


def test_a_proxy_that_ends_what_rests_is_named_when_one_is_patient(behind):
    code, found = visit(behind(HOST + UPGRADE + "proxy_read_timeout 1s;"), "--account", AVERY, "--patience", "5")
    assert (code, found["live"]["ok"]) == (2, False)
    assert "proxy_read_timeout" in found["live"]["cure"]


@pytest.mark.parametrize(("lines", "size"), [("client_max_body_size 200k;", 1), ("", 16)])
def test_a_proxy_that_takes_smaller_bodies_than_the_server_is_named(behind, lines, size):
    # By itself nginx takes 1 MB, and so no import of workflows that is larger.
    code, found = visit(behind(HOST + UPGRADE + lines))
    assert (code, found["bodies"]["ok"]) == (0, False)
    assert f"refuses a body of {size} MB with 413" in found["bodies"]["sentence"]
    assert "client_max_body_size 16m" in found["bodies"]["cure"]


def test_a_server_that_itself_takes_less_is_not_taken_for_a_proxy_that_does():
    with stranger(partial(taking_at_most, size=1_500_000)) as (url, _heard):
        _code, found = visit(url)
    assert found["bodies"]["ok"]


def test_a_proxy_that_hides_the_host_is_named(behind, server):
    # By itself nginx conceals it in redirects, and pages meet it on the live channel.
    code, found = visit(behind(UPGRADE), "--account", AVERY)
    assert (code, found["live"]["ok"]) == (2, False)
    assert "proxy_set_header Host" in found["live"]["cure"]
    code, found = visit(behind(UPGRADE + "proxy_redirect off;"))
    assert (code, found["origin"]["ok"]) == (2, False)
    assert server.url in found["origin"]["sentence"]
    assert "proxy_set_header Host" in found["origin"]["cure"]


def test_a_wrong_password_is_told_without_it_and_ends_what_needs_it(server):
    code, found = visit(server.url, "--account", AVERY, password="not-this-one-5512")
    assert (code, found["sign-in"]["ok"], "me" in found) == (2, False, False)
    assert "not-this-one" not in json.dumps(found)


def test_what_is_no_address_is_refused_with_the_field():
    broken = ["http://127.0.0.1:abc", "http://127.0.0.1:99999", "http://[::1", "http://a..b", f"http://{'a' * 80}"]
    more = ["http://exa\u200bmple", "http://127.0.0.1/?a=b", "http://127.0.0.1/#a"]
    for url in ("ftp://example.com", "localhost:80", "http://me:secret@127.0.0.1", "", *broken, *more):
        done = CliRunner().invoke(main, ["check", "--url", url])
        assert (done.exit_code, "Give an address such as" in done.output) == (2, True), url
    assert CliRunner().invoke(main, ["check"]).exit_code == 2
    assert CliRunner().invoke(main, ["check", "--account", AVERY]).exit_code == 2


def test_a_port_where_nobody_listens_is_told():
    with socket.socket() as taken:
        # Held, and not listened at: nobody else can begin to meanwhile.
        taken.bind(("127.0.0.1", 0))
        code, found = visit(f"http://127.0.0.1:{taken.getsockname()[1]}", "--account", AVERY)
    assert (code, list(found), found["version"]["ok"]) == (2, ["version"], False)
    assert "running" in found["version"]["cure"]


@contextlib.contextmanager
def stranger(answer, context=None):
    """A server of another kind, that answers every request in one way; gives its address and what it was sent."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append((self.path, self.headers.get("Authorization")))
            with contextlib.suppress(OSError):
                answer(self)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_words):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{httpd.server_port}", heard
    finally:
        httpd.shutdown()
        httpd.server_close()


def says(status, body=b"", **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def taking_at_most(handler, size):
    """As a releaseapp whose largest body is set lower than by itself."""
    length = int(handler.headers.get("Content-Length", 0))
    handler.rfile.read(length if length <= size else 0)
    status, kind = (200, "application/json") if handler.path == "/version" else (413, "application/problem+json")
    said = {"Date": formatdate(usegmt=True), "Content-Type": kind}
    says(status, b'{"name": "releaseapp", "version": "1"}', **said)(handler)


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 1_000_000)


def babbling(handler, words):
    """As a releaseapp, but for ``/ws``, where it says the last of ``words`` and never stops."""
    said = {
        "/version": {"name": "releaseapp", "version": "1"},
        "/auth/login": {"token": "a-token"},
        "/auth/me": {"workspaces": []},
    }
    if handler.path != "/ws":
        return says(200, json.dumps(said.get(handler.path, {})).encode(), Date=formatdate(usegmt=True))(handler)
    key = handler.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    handler.send_response(101)
    for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade")):
        handler.send_header(name, value)
    handler.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
    handler.end_headers()
    *before, last = [bytes([0x81, len(word)]) + word for word in words]
    handler.wfile.write(b"".join(before))
    while True:
        handler.wfile.write(last * 1000)


def test_an_account_that_may_not_sign_in_again_is_not_taken_for_a_proxy_that_buffers(monkeypatch):
    monkeypatch.setattr("releaseapp.checks.line._LEAVE_SECONDS", 0.2)
    came = []

    def once(handler):
        if handler.path == "/auth/login" and int(handler.headers["Content-Length"]) < 1000:
            came.append(handler.path)
            if len(came) > 1:
                return says(429, b'{"detail": "Too many attempts."}')(handler)
        return babbling(handler, [b'{"type": "hello"}', b"{}"])

    with stranger(once) as (url, _heard):
        code, found = visit(url, "--account", AVERY)
    assert (code, found["live"]["ok"]) == (2, False)
    assert "signing in once more: Refused with 429" in found["live"]["sentence"]
    assert "Wait" in found["live"]["cure"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([b"[]"], "says nothing"),
        ([b"neither JSON"], "says nothing"),
        ([b'{"type": "hello"}', b'{"type": "event", "event": {"type": "agent.updated"}}'], "did not come round"),
    ],
)
def test_one_that_never_stops_to_talk_is_left_and_what_others_did_is_not_taken_for_ours(monkeypatch, words, sentence):
    monkeypatch.setattr("releaseapp.checks.line._LEAVE_SECONDS", 0.2)
    monkeypatch.setattr("releaseapp.checks.person._HEAR_SECONDS", 0.5)
    with stranger(partial(babbling, words=words)) as (url, _heard):
        code, found = visit(url, "--account", AVERY)
    assert code == 2
    assert sentence in found["live"]["sentence"]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says(200, b'{"name": "another"}'), "no releaseapp"),
        (says(200, b"[1, 2"), "no releaseapp"),
        (says(500, b"oops"), "no releaseapp"),
        (says(302, Location="http://127.0.0.1:1/elsewhere"), "leads elsewhere"),
        (endless, "larger than"),
    ],
)
def test_a_stranger_is_told_no_password(answer, sentence):
    with stranger(answer) as (url, heard):
        code, found = visit(url, "--account", AVERY)
    assert (code, list(found)) == (2, ["version"])
    assert sentence in found["version"]["sentence"]
    assert heard == [("/version", None)]


def test_a_certificate_that_nobody_vouches_for_is_told_and_no_password(monkeypatch, tmp_path):
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    body = b'{"name": "releaseapp", "version": "9.9.9"}'
    with stranger(says(200, body), context) as (url, heard):
        code, found = visit(url, "--account", AVERY)
        assert (code, list(found), heard) == (2, ["version"], [])
        assert "SSL_CERT_FILE" in found["version"]["cure"]
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        code, found = visit(url)
    assert "This command is of" in found["version"]["sentence"]
    assert "good for" in found["tls"]["sentence"]
    assert not found["headers"]["ok"]


@pytest.mark.parametrize("date", ["yesterday", "Thu, 01 Jan 1970 00:00:00 -0000", ""])
def test_a_clock_that_cannot_be_read_is_told_in_a_sentence(date):
    def answer(handler):
        handler.date_time_string = lambda: date
        says(200, b'{"name": "releaseapp", "version": "1"}')(handler)

    with stranger(answer) as (url, _heard):
        _code, found = visit(url)
    assert not found["clock"]["ok"]
    assert "broke" not in found["clock"]["sentence"]


def test_the_visitor_takes_leave_and_is_not_counted_among_those_who_vanished(tmp_path):
    server = RunningServer(tmp_path).start()
    try:
        assert visit(server.url, "--account", AVERY)[0] == 0
        with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
            closed = [line for line in answer.read().decode().splitlines() if line.startswith("releaseapp_ws_closed")]
    finally:
        server.stop()
    assert [line.split("{")[1] for line in closed] == ['code="1000"} 1.0']
