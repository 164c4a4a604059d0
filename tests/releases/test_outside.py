"""What a release asks of other servers: whether the new process is well, and the hook, which is signed."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from servers import free_port

from releaseapp.releases.outside import ask_health, call_hook
from tests.conftest import settings_for

SECRET = "a hook's secret that is long enough 0123456789"


class Other(BaseHTTPRequestHandler):
    """Answers what the server has been told to answer, and keeps what it was sent."""

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        status, body = self.server.answers.get(self.path, (404, b""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 - names of the library

    def log_message(self, *_words):
        pass


@pytest.fixture
def other():
    server = HTTPServer(("127.0.0.1", 0), Other)
    server.asked, server.answers = [], {}
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ready(parts, version):
    status = 200 if set(parts.values()) == {"ok"} else 503
    return {
        "/readyz": (status, json.dumps({"status": "x", "parts": parts}).encode()),
        "/version": (200, json.dumps({"name": "releaseapp", "version": version}).encode()),
    }


def test_a_server_that_is_ready_says_its_version(other, settings):
    other.answers = ready({"database": "ok"}, "0.2.0")
    health = ask_health(settings, f"{other.url}/")
    assert (health.reached, health.ready, health.version, health.faults) == (True, True, "0.2.0", [])


def test_what_is_wrong_with_a_server_is_named(other, settings):
    other.answers = ready({"database": "ok", "worker": "no worker is alive"}, "0.2.0")
    health = ask_health(settings, other.url)
    assert (health.reached, health.ready, health.faults) == (True, False, ["worker: no worker is alive."])
    other.answers = {"/readyz": (502, b"<html>Bad gateway"), "/version": (502, b"[]")}
    health = ask_health(settings, other.url)
    assert (health.ready, health.version, health.faults) == (False, None, ["/readyz answered 502."])


def test_a_server_that_is_not_there_is_not_reached(settings):
    health = ask_health(settings, f"http://127.0.0.1:{free_port()}")
    assert (health.reached, health.ready) == (False, False)
    assert health.faults


def test_the_hook_can_tell_who_called_and_when_and_knows_a_repeat(other, tmp_path):
    settings = settings_for(
        tmp_path,
        release_hook_url=f"{other.url}/clear",
        release_hook_secret=SECRET,
        outbound_allowed_networks="127.0.0.0/8",
    )
    other.answers = {"/clear": (202, b"Clears\nit.")}
    answer = call_hook(settings, "rel_1", b'{"a":1}')
    assert (answer.is_success, answer.sentence) == (True, "The hook answered 202: Clears it.")
    call_hook(settings, "rel_1", b'{"a":1}')
    method, _path, headers, body = other.asked[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert (method, body, headers["webhook-signature"]) == ("POST", b'{"a":1}', f"v1,{expected}")
    assert other.asked[1][2]["webhook-id"] == headers["webhook-id"]


def test_the_hook_goes_to_no_server_inside_unless_the_settings_allow_it(other, tmp_path):
    settings = settings_for(tmp_path, release_hook_url=f"{other.url}/clear", release_hook_secret=SECRET)
    answer = call_hook(settings, "rel_1", b"{}")
    assert (answer.status, answer.is_success, other.asked) == (None, False, [])
    assert answer.sentence.startswith("The hook was not answered: ")


def test_a_hook_that_sends_elsewhere_or_refuses_has_not_answered_well(other, tmp_path):
    settings = settings_for(
        tmp_path,
        release_hook_url=f"{other.url}/clear",
        release_hook_secret=SECRET,
        outbound_allowed_networks="127.0.0.0/8",
    )
    for status in (302, 404, 500):
        other.answers = {"/clear": (status, b"")}
        answer = call_hook(settings, "rel_1", b"{}")
        assert (answer.is_success, answer.sentence) == (False, f"The hook answered {status}.")


def test_a_hook_that_nobody_could_tell_from_a_strangers_is_not_called(other, tmp_path):
    settings = settings_for(tmp_path, release_hook_url=f"{other.url}/clear", outbound_allowed_networks="127.0.0.0/8")
    answer = call_hook(settings, "rel_1", b"{}")
    assert (answer.is_success, other.asked) == (False, [])
    assert answer.sentence == "The hook was not called: release_hook_secret, which signs it, is not set."
