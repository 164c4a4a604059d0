"""The way out to other servers: what may be reached, how long and how much, and what goes along on redirects."""

import gzip
import ipaddress
import random
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme
from conftest import settings_for

from releaseapp.outbound import Outbound, OutboundError
from releaseapp.outbound.addresses import is_public
from releaseapp.outbound.bodies import read_body

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
        "192.88.99.1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "100:0:0:1::1",
        "::ffff:0:127.0.0.1",
        "::ffff:0:1.1.1.1",
        "2001:0:a00:1::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
        "fe80::5efe:7f00:1",
        "2606:4700::5efe:a9fe:a9fe",
        "2606:4700::200:5efe:10.0.0.1",
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_known_in_every_form(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"]
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


def test_an_address_that_carries_an_allowed_one_and_a_forbidden_one_is_refused(tmp_path):
    outbound = Outbound(settings_for(tmp_path, outbound_allowed_networks="10.0.0.0/8, 2001::/32"))
    # Of Teredo: the server is 10.0.0.1, and the client is written with its bits turned over.
    assert outbound.check_host("2001:0:a00:1:0:0:f5ff:fffe", 80)
    with pytest.raises(OutboundError, match="not a public address"):
        outbound.check_host("2001:0:a00:1:0:0:5601:5601", 80)


@pytest.mark.parametrize("host", ["", "[]", " ", "127.0.0.1\0.example.com", "a b", "::1%lo", "a/b", "u@h", "x" * 300])
def test_what_is_no_name_of_a_host_is_not_even_looked_up(tmp_path, host):
    def look_up(_host, _port):
        raise AssertionError(host)

    with pytest.raises(OutboundError, match="not the name of a host"):
        Outbound(settings_for(tmp_path), look_up).check_host(host, 80)


@pytest.mark.parametrize("port", [0, -1, 65_536, 70_000, 4_295_032_833])
def test_a_port_that_would_turn_into_another_one_is_refused(outbound, port):
    with pytest.raises(OutboundError, match="no port"):
        outbound.check_host("127.0.0.1", port)


def test_other_clients_get_the_addresses_of_a_host_however_it_is_written(outbound):
    assert outbound.check_host("127.0.0.1", 25) == ["127.0.0.1"]
    assert outbound.check_host("[::1]", 25) == ["::1"]
    assert outbound.check_host("127.1.", 25) == ["127.0.0.1"]


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
        "http://exa\nmple.com/", "gopher://127.0.0.1/", "http://[::1/", "javascript:alert(1)", "http://*/", "http://./",
        "http://xn--zzzzzzzzz.com/", "http://[fe80::1%25lo]/", "http://a\\b/", "http://user:p/ass@example.com/",
        "ftp://user:pass@example.com/", "ftp://example.com/?key=user:pass", "http://localhost\\@example.com/",
        "http://１２７.0.0.1/", "http://exa%00mple.com/", "http:127.0.0.1", "http://example.com:-1/", "http://1299。997.0999999.1/",
        "https://user:pass[example.com/", "https://user:pass%exämple.com:8080/", "\ud800://",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_a_sentence(outbound, url):
    with pytest.raises(OutboundError) as refused:
        outbound.request("GET", url)
    assert not refused.value.retryable
    assert "pass" not in str(refused.value).replace("must not hold a password", "")


@pytest.mark.parametrize("method", ["", "GE T", "GET\r\nX: y", "GET /", "Ä", "CONNECT"])
def test_what_is_no_method_is_refused(outbound, server, method):
    with pytest.raises(OutboundError, match="no method"):
        outbound.request(method, server.url)
    assert server.asked == []


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding", "Host", "Expect", "Upgrade", "connection"])
def test_how_a_request_is_carried_is_not_for_the_caller_to_say(outbound, server, name):
    with pytest.raises(OutboundError, match="leave it out") as refused:
        outbound.request("POST", server.url, headers={name: "5"}, content=b"x")
    assert not refused.value.retryable
    assert server.asked == []


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


@pytest.mark.parametrize(
    ("coding", "packed", "plain"),
    [
        ("gzip", gzip.compress(b"one, ") + gzip.compress(b"two"), b"one, two"),
        ("gzip", gzip.compress(b"one") + b"\0" * 20, b"one"),
        ("x-gzip", gzip.compress(b""), b""),
        ("deflate", zlib.compress(bytes(range(256)))[2:-4], bytes(range(256))),
        ("gzip", b"", b""),
    ],
    ids=["two behind each other", "padded", "empty", "bare deflate", "nothing at all"],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_compressed_answers_are_read_wherever_they_are_cut(coding, packed, plain, size):
    chunks = (packed[at : at + size] for at in range(0, len(packed), size))
    assert read_body(chunks, {"content-encoding": coding}, 1000) == plain


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_compressed_answer_that_is_cut_off_is_told_wherever_it_is_cut(size):
    packed = gzip.compress(b"x" * 1000)
    for end in range(1, len(packed)):
        chunks = (packed[at : min(at + size, end)] for at in range(0, end, size))
        with pytest.raises(OutboundError, match="ends before"):
            read_body(chunks, {"content-encoding": "gzip"}, 5000)


def test_an_answer_that_says_nothing_for_ever_is_cut_too():
    empty = gzip.compress(b"") * 1000
    with pytest.raises(OutboundError, match="larger than 5,000 bytes"):
        read_body(iter(lambda: empty, None), {"content-encoding": "gzip"}, 5000)


def test_an_answer_of_the_very_size_that_is_read_is_read_though_compressing_made_it_grow(outbound, server):
    noise = random.Random(1).randbytes(300_000)
    server.answers["/"] = reply(body=gzip.compress(noise), Content_Encoding="gzip")
    assert outbound.request("GET", server.url, max_bytes=300_000).body == noise


def test_a_small_answer_that_inflates_a_thousandfold_takes_little_memory():
    packed = gzip.compress(b"\0" * 50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(OutboundError, match="larger than"):
            read_body(iter([packed]), {"content-encoding": "gzip"}, 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_an_answer_that_inflates_beyond_the_limit_is_cut(outbound, server):
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


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body_are_read_at_once(outbound, server, status, method):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()

    server.answers["/"] = answer
    assert outbound.request(method, server.url).body == b""


def test_what_a_broken_answer_says_is_cut_short_in_the_error(outbound):
    with pytest.raises(OutboundError) as told:
        outbound.request("GET", raw(b"HTTP/1.1 200 OK\r\nbad header" + b"x" * 60_000 + b"\r\n\r\n"))
    assert len(str(told.value)) < 300


@pytest.mark.parametrize("seed", range(40))
def test_whatever_a_server_says_is_an_answer_or_a_sentence(outbound, seed):
    dice = random.Random(seed)
    said = bytearray(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/a?b#c\r\nContent-Encoding: gzip\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n17\r\n" + gzip.compress(b"abc") + b"\r\n0\r\n\r\n"
    )
    for _ in range(dice.randint(1, 12)):
        place = dice.randrange(len(said))
        said[place : place + dice.randint(0, 2)] = dice.choice(
            [b"", b"\0", b"\r\n", b":", dice.randbytes(3), b"9" * 30]
        )
    follows = dice.random() < 0.5
    try:
        outbound.request("GET", raw(bytes(said)), timeout=2, follow_redirects=follows)
    except OutboundError as told:
        assert len(str(told)) < 400


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
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"220 mail.example.com ESMTP\r\n",
    ],
    ids=[
        "too short",
        "nonsense",
        "nothing",
        "no number",
        "bad chunk",
        "binary",
        "endless headers",
        "two lengths",
        "chunk cut off",
        "another protocol",
        "mail",
    ],
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


def full():
    """An address whose connections are never taken: its queue is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
    return listener, waiting


def deaf(done):
    """An address that takes connections and reads nothing."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0]:
            done.wait(20)

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("how", ["answer", "connection", "handshake", "writing", "look-up"])
@pytest.mark.parametrize("ending", ["abandoned", "late"])
def test_a_request_that_nobody_waits_for_or_takes_too_long_ends_at_once_whatever_it_is_about(tmp_path, how, ending):
    done, abandoned, content = threading.Event(), threading.Event(), None
    listener, waiting = full()
    settings = settings_for(tmp_path, outbound_allowed_networks=LOCAL)
    outbound = Outbound(settings, lambda _host, _port: [str(done.wait(20))])
    match how:
        case "answer":
            url = raw(b"", hold=done)
        case "connection":
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        case "handshake":
            url = f"https://{deaf(done)}/"
        case "writing":
            url, content = f"http://{deaf(done)}/", b"x" * 30_000_000
        case "look-up":
            url = "http://slow.example.com/"
    if ending == "abandoned":
        threading.Timer(0.1, abandoned.set).start()
    begin = time.monotonic()
    with pytest.raises(OutboundError, match="given up" if ending == "abandoned" else r"within 0\.2 seconds") as told:
        timeout = 0.2 if ending == "late" else 30
        outbound.request("POST", url, content=content, abandoned=abandoned, timeout=timeout)
    assert time.monotonic() - begin < 1.5
    assert told.value.retryable is (ending == "late")
    done.set()
    for one in [listener, *waiting]:
        one.close()


def test_an_address_that_does_not_answer_leaves_time_for_the_next_one(tmp_path, server):
    server.answers["/"] = reply(body=b"second")
    listener = socket.socket()
    # The same port at another address of this machine, where connections wait for ever.
    listener.bind(("127.0.0.2", server.port))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
    settings = settings_for(tmp_path, outbound_allowed_networks=LOCAL)
    outbound = Outbound(settings, lambda _host, _port: ["127.0.0.2", "127.0.0.1"])
    assert outbound.request("GET", f"http://two.example.com:{server.port}/", timeout=1).body == b"second"
    for one in [listener, *waiting]:
        one.close()


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


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"), ("POST", 302, "GET"), ("POST", 303, "GET"), ("POST", 307, "POST"), ("POST", 308, "POST"),
        ("PUT", 301, "PUT"), ("DELETE", 302, "DELETE"), ("PUT", 303, "GET"), ("HEAD", 303, "HEAD"), ("GET", 308, "GET"),
    ],
)  # fmt: skip
def test_the_method_after_a_redirect_is_that_of_browsers(outbound, server, method, status, then):
    server.answers |= {"/": reply(status, Location="/end"), "/end": reply()}
    outbound.request(method, server.url, content=None if method in {"GET", "HEAD"} else b"x")
    assert server.asked[-1][:2] == (then, "/end")
    assert server.asked[-1][3] == (b"x" if then == method and method not in {"GET", "HEAD"} else b"")


def test_what_stands_below_a_redirect_is_not_read(outbound, server):
    server.answers |= {
        "/": reply(302, b"x" * 100_000, Location="/end", Content_Encoding="br"), "/end": reply(body=b"there"),
    }  # fmt: skip
    assert outbound.request("GET", server.url, max_bytes=1000).body == b"there"


def test_a_redirect_may_be_written_in_utf_8(outbound, server):
    server.answers["/%C3%A9"] = reply(body=b"there")
    location = f"{server.url}/é".encode()
    start = raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n")
    assert outbound.request("GET", start).body == b"there"


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


def test_a_credential_is_asked_for_the_host_on_the_wire(tmp_path, server):
    # Older rules make strasse.example.com of the first, which is somebody else.
    asked = []
    outbound = Outbound(settings_for(tmp_path, outbound_allowed_networks=LOCAL), lambda *_: ["127.0.0.1"])
    for host in ("straße.example.com", "EXAMPLE.com.", "[::1]"):
        with pytest.raises(OutboundError, match="allowed hosts"):
            outbound.request("GET", f"http://{host}:81/", allows=lambda *place: asked.append(place))
    assert asked == [("xn--strae-oqa.example.com", 81), ("example.com", 81), ("::1", 81)]


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


def test_who_only_says_that_it_speaks_tls_is_told(outbound, server):
    with pytest.raises(OutboundError, match="cannot be reached securely"):
        outbound.request("GET", server.url.replace("http:", "https:"))


def test_a_body_that_comes_encrypted_and_large_is_read_whole(tmp_path, authority):
    ca, path = authority
    made = secure(ca, "127.0.0.1")
    sent = random.Random(2).randbytes(1_000_000)
    made.answers["/"] = reply(body=sent)
    settings = settings_for(tmp_path, outbound_allowed_networks=LOCAL, outbound_ca_file=path)
    assert Outbound(settings).request("POST", made.url, content=sent).body == sent
    assert made.asked[0][3] == sent
    made.close()


def test_a_file_of_authorities_that_is_gone_is_a_sentence(tmp_path):
    settings = settings_for(tmp_path, outbound_allowed_networks=LOCAL, outbound_ca_file=str(tmp_path / "gone.pem"))
    with pytest.raises(OutboundError, match="outbound_ca_file"):
        Outbound(settings).request("GET", "https://127.0.0.1/")


def test_a_server_at_an_ipv6_address_is_reached_by_it(outbound):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    port = listener.getsockname()[1]

    def serve():
        with listener, listener.accept()[0] as line:
            asked.append(line.recv(65_536))
            line.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    asked = []
    threading.Thread(target=serve, daemon=True).start()
    assert outbound.request("GET", f"http://[::1]:{port}/").status == 204
    assert f"host: [::1]:{port}".encode() in asked[0].lower()
