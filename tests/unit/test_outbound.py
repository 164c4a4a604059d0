"""The way out to other servers: what may be reached, how long and how much, and what goes along on redirects."""

import gzip
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme
from conftest import settings_for

from releaseapp.outbound import Outbound, OutboundError
from releaseapp.outbound.addresses import is_public

LOCAL = "127.0.0.0/8, ::1"


class Server:
    """A real server: ``answers`` maps a path to a function that gets the handler; keeps what it was asked."""

    def __init__(self, tls=None):
        self.asked = []
        self.answers = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                server.answers[self.path.partition("?")[0]](self)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = handle_any  # noqa: N815

            def log_message(self, *_arguments):
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_arguments):
                """Clients hang up in some of these tests."""

        self.http = Quiet(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_port
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


def reply(status=200, body=b"", **headers):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    return answer


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def other():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def outbound(tmp_path):
    return Outbound(settings_for(tmp_path, outbound_allowed_networks=LOCAL))


def raw(payload, *, hold=None):
    """A server that says these bytes to whoever comes, and then hangs up, or holds on."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                for chunk in payload if isinstance(payload, list) else [payload]:
                    connection.sendall(chunk)
                    if hold is not None and hold.wait(0.05):
                        return
                if hold is not None:
                    hold.wait(20)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/"


# ── what may be reached ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "fec0::1",
        "2001:db8::1",
        "100::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "::127.0.0.1",
        "::10.0.0.1",
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_known_in_every_form(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses_are_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "127.1",
        "0",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_this_machine_cannot_be_reached_however_it_is_written(tmp_path, server, host):
    server.answers["/"] = reply(body=b"secret of this machine")
    with pytest.raises(OutboundError) as refused:
        Outbound(settings_for(tmp_path)).request("GET", f"http://{host}:{server.port}/")
    assert server.asked == []
    assert "no address" in str(refused.value) or "not a public address" in str(refused.value)


def test_a_refusal_names_the_setting_that_allows_it_and_is_not_to_be_tried_again(tmp_path):
    with pytest.raises(OutboundError, match="outbound_allowed_networks") as refused:
        Outbound(settings_for(tmp_path)).request("GET", "http://169.254.169.254/latest/meta-data/")
    assert not refused.value.retryable


def test_a_name_that_has_one_forbidden_address_among_others_is_refused(tmp_path):
    def look_up(_host, _port):
        return ["1.1.1.1", "10.0.0.1"]

    with pytest.raises(OutboundError, match=r"10\.0\.0\.1"):
        Outbound(settings_for(tmp_path), look_up).check_host("two.example.com", 443)


def test_a_name_that_points_elsewhere_a_moment_later_is_connected_as_it_was_checked(tmp_path, server):
    answers = iter([["127.0.0.1"]])
    server.answers["/"] = reply(body=b"here")
    outbound = Outbound(settings_for(tmp_path, outbound_allowed_networks=LOCAL), lambda _host, _port: next(answers))
    answer = outbound.request("GET", f"http://moving.example.com:{server.port}/")
    assert answer.body == b"here"
    assert server.asked[0][2]["host"] == f"moving.example.com:{server.port}"
    assert next(answers, None) is None


def test_a_host_may_be_allowed_by_its_name_alone(tmp_path, server):
    server.answers["/"] = reply()
    allowed = Outbound(settings_for(tmp_path, outbound_allowed_networks="inner.example.com"), lambda *_: ["127.0.0.1"])
    assert allowed.request("GET", f"http://inner.example.com:{server.port}/").status == 200
    with pytest.raises(OutboundError, match="not a public address"):
        allowed.request("GET", f"http://outer.example.com:{server.port}/")


@pytest.mark.parametrize(
    "url",
    [
        "", "nonsense", "ftp://example.com/", "file:///etc/passwd", "http://", "http:///path", "//example.com/",
        "http://a b.example.com/", "http://user:pass@example.com/", "http://example.com:0/", "http://example.com:99999/",
        "http://exa\nmple.com/", "gopher://127.0.0.1/", "http://[::1/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_a_sentence(outbound, url):
    with pytest.raises(OutboundError) as refused:
        outbound.request("GET", url)
    assert not refused.value.retryable
    assert "user:pass" not in str(refused.value)


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nInjected: yes"}, {"X\n": "a"}, {"": "a"}, {"X": "a\0b"}, {"Zwölf": "a"}]
)
def test_headers_cannot_smuggle_others_in(outbound, server, headers):
    with pytest.raises(OutboundError, match="header"):
        outbound.request("GET", server.url, headers=headers)
    assert server.asked == []


def test_a_host_that_is_not_there_and_one_that_takes_no_connections_are_told(outbound):
    with pytest.raises(OutboundError, match="no address for the host"):
        outbound.request("GET", "http://nothing.invalid/")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OutboundError, match="does not take connections") as refused:
        outbound.request("GET", f"http://127.0.0.1:{port}/")
    assert refused.value.retryable


# ── what is sent, and what comes back ────────────────────────────────────────


def test_a_request_goes_out_whole_and_its_answer_comes_back(outbound, server):
    server.answers["/a"] = reply(201, b"made", X_One="1")
    answer = outbound.request("POST", f"{server.url}/a?q=1", headers={"X-Mine": "yes"}, content=b"body")
    method, path, headers, body = server.asked[0]
    assert (method, path, headers["x-mine"], headers["content-length"], body) == ("POST", "/a?q=1", "yes", "4", b"body")
    assert (answer.status, answer.body, answer.headers["x-one"], answer.url) == (
        201,
        b"made",
        "1",
        f"{server.url}/a?q=1",
    )


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("identity", lambda data: data),
    ],
    ids=["gzip", "deflate", "bare deflate", "identity"],
)
def test_compressed_answers_are_read(outbound, server, coding, pack):
    server.answers["/"] = reply(body=pack(b"plain text" * 100), Content_Encoding=coding)
    assert outbound.request("GET", server.url).body == b"plain text" * 100


def test_an_answer_that_inflates_beyond_the_limit_is_cut_before_it_fills_memory(outbound, server):
    server.answers["/"] = reply(body=gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")
    with pytest.raises(OutboundError, match="larger than 1,000,000 bytes"):
        outbound.request("GET", server.url, max_bytes=1_000_000)


@pytest.mark.parametrize(
    ("body", "coding", "sentence"),
    [
        (b"not gzip at all", "gzip", "is compressed, and is not"),
        (gzip.compress(b"x" * 10_000)[:-20], "gzip", "ends before"),
        (b"x", "br", "was not asked for"),
    ],
    ids=["not compressed", "cut off", "another way"],
)
def test_answers_that_lie_about_their_compression_are_told(outbound, server, body, coding, sentence):
    server.answers["/"] = reply(body=body, Content_Encoding=coding)
    with pytest.raises(OutboundError, match=sentence):
        outbound.request("GET", server.url)


def test_an_answer_that_is_too_large_is_not_read_to_its_end(outbound, server):
    server.answers["/"] = reply(body=b"x" * 100_000)
    with pytest.raises(OutboundError, match="larger than 50,000 bytes"):
        outbound.request("GET", server.url, max_bytes=50_000)
    assert len(outbound.request("GET", server.url, max_bytes=100_000).body) == 100_000


@pytest.mark.parametrize(
    "payload",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"complete nonsense\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\xff\xfe\x00" * 100,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
    ],
    ids=["too short", "nonsense", "nothing", "no number", "bad chunk", "binary", "endless headers"],
)
def test_an_answer_that_is_not_http_or_breaks_off_is_a_sentence(outbound, payload):
    with pytest.raises(OutboundError, match="broke off, or does not speak HTTP") as refused:
        outbound.request("GET", raw(payload))
    assert refused.value.retryable


def test_time_is_bounded_as_a_whole_also_for_who_drips(outbound):
    done = threading.Event()
    drops = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"] + [b"x"] * 1000
    begin = time.monotonic()
    with pytest.raises(OutboundError, match=r"no whole answer within 0\.4 seconds"):
        outbound.request("GET", raw(drops, hold=done), timeout=0.4)
    assert time.monotonic() - begin < 3
    done.set()


def test_who_does_not_answer_at_all_is_given_up(outbound):
    done = threading.Event()
    with pytest.raises(OutboundError, match=r"within 0\.3 seconds"):
        outbound.request("GET", raw(b"", hold=done), timeout=0.3)
    done.set()


def test_a_request_that_nobody_waits_for_ends_at_once(outbound):
    done, abandoned = threading.Event(), threading.Event()
    threading.Timer(0.1, abandoned.set).start()
    begin = time.monotonic()
    with pytest.raises(OutboundError, match="given up"):
        outbound.request("GET", raw(b"", hold=done), abandoned=abandoned)
    assert time.monotonic() - begin < 2
    done.set()


# ── redirects ────────────────────────────────────────────────────────────────


def test_redirects_are_followed_as_browsers_do(outbound, server):
    server.answers |= {
        "/303": reply(303, Location="/end"), "/307": reply(307, Location="/end"), "/end": reply(body=b"there"),
    }  # fmt: skip
    answer = outbound.request("POST", f"{server.url}/303", content=b"x", headers={"Content-Type": "text/plain"})
    assert (answer.body, answer.url) == (b"there", f"{server.url}/end")
    assert server.asked[-1][0] == "GET"
    assert "content-type" not in server.asked[-1][2]
    outbound.request("POST", f"{server.url}/307", content=b"x")
    assert (server.asked[-1][0], server.asked[-1][3]) == ("POST", b"x")
    assert outbound.request("GET", f"{server.url}/303", follow_redirects=False).status == 303


def test_headers_that_sign_in_do_not_go_along_to_another_origin(outbound, server, other):
    server.answers |= {
        "/away": reply(302, Location=f"{other.url}/end"),
        "/home": reply(302, Location="/end"),
        "/end": reply(),
    }
    other.answers["/end"] = reply()
    headers = {"Authorization": "Bearer s3cret", "X-Key": "s3cret", "Cookie": "a=s3cret", "X-Open": "yes"}
    outbound.request("GET", f"{server.url}/home", headers=headers, secret_headers=["X-Key"])
    assert server.asked[-1][2]["authorization"] == "Bearer s3cret"
    outbound.request("GET", f"{server.url}/away", headers=headers, secret_headers=["X-Key"])
    seen = other.asked[-1][2]
    assert "s3cret" not in str(seen)
    assert seen["x-open"] == "yes"


def test_a_redirect_to_what_may_not_be_reached_is_refused(tmp_path, server):
    server.answers["/"] = reply(302, Location="http://169.254.169.254/latest/")
    with pytest.raises(OutboundError, match=r"169\.254\.169\.254"):
        Outbound(settings_for(tmp_path, outbound_allowed_networks=LOCAL)).request("GET", server.url)


def test_redirects_without_end_and_to_nowhere_are_told(outbound, server):
    server.answers |= {"/loop": reply(302, Location="/loop"), "/odd": reply(302, Location="ftp://example.com/")}
    with pytest.raises(OutboundError, match="more than 5 times"):
        outbound.request("GET", f"{server.url}/loop")
    with pytest.raises(OutboundError, match="https://"):
        outbound.request("GET", f"{server.url}/odd")


def test_a_credential_is_asked_for_every_host_on_the_way(outbound, server, other):
    server.answers["/"] = reply(302, Location=f"{other.url}/end")
    asked = []

    def allows(host, port):
        asked.append((host, port))
        return port == server.port

    with pytest.raises(OutboundError, match="allowed hosts"):
        outbound.request("GET", server.url, allows=allows)
    assert asked == [("127.0.0.1", server.port), ("127.0.0.1", other.port)]
    assert other.asked == []


# ── TLS ──────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(path)
    return made, str(path)


def secure(authority, *names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return Server(context)


def test_a_certificate_must_be_trusted_and_of_that_name(tmp_path, authority):
    ca, path = authority
    right, wrong = secure(ca, "127.0.0.1"), secure(ca, "other.example.com")
    for made in (right, wrong):
        made.answers["/"] = reply(body=b"safe")
    trusting = Outbound(settings_for(tmp_path, outbound_allowed_networks=LOCAL, outbound_ca_file=path))
    assert trusting.request("GET", right.url).body == b"safe"
    with pytest.raises(OutboundError, match="cannot be trusted"):
        trusting.request("GET", wrong.url)
    with pytest.raises(OutboundError, match="cannot be trusted"):
        Outbound(settings_for(tmp_path, outbound_allowed_networks=LOCAL)).request("GET", right.url)
    for made in (right, wrong):
        made.close()


def test_a_certificate_is_checked_against_the_name_and_not_the_address(tmp_path, authority):
    ca, path = authority
    made = secure(ca, "shop.example.com")
    made.answers["/"] = reply(body=b"shop")
    settings = settings_for(tmp_path, outbound_allowed_networks=LOCAL, outbound_ca_file=path)
    outbound = Outbound(settings, lambda _host, _port: ["127.0.0.1"])
    assert outbound.request("GET", f"https://shop.example.com:{made.port}/").body == b"shop"
    with pytest.raises(OutboundError, match="cannot be trusted"):
        outbound.request("GET", f"https://bank.example.com:{made.port}/")
    made.close()


def test_a_redirect_does_not_lead_out_of_encryption(tmp_path, authority, server):
    ca, path = authority
    made = secure(ca, "127.0.0.1")
    made.answers["/"] = reply(302, Location=f"{server.url}/end")
    settings = settings_for(tmp_path, outbound_allowed_networks=LOCAL, outbound_ca_file=path)
    with pytest.raises(OutboundError, match="without encryption"):
        Outbound(settings).request("GET", made.url)
    assert server.asked == []
    made.close()


def test_environment_proxies_are_not_believed(outbound, server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.answers["/"] = reply(body=b"straight")
    assert outbound.request("GET", server.url).body == b"straight"
