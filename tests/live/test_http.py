"""Pages and REST on the same port: strict about what is sent, patient with nobody for ever."""

import socket
import threading
import time

import pytest

from releaseapp import clock
from releaseapp.errors import SettingsError
from releaseapp.server import Options, Service, all_in_one, read_options

OK = [("Content-Type", "text/plain")]


def echo(environ):
    return "200 OK", OK, environ["wsgi.input"].read()


def test_an_answer_comes_whole(server):
    status, headers, body = server.get("/")
    assert (status, body) == (200, b"hello")
    assert headers["Content-Length"] == "5"
    assert headers["Date"].endswith("GMT")


def test_a_connection_is_kept_and_requests_may_be_sent_ahead(server):
    with server.raw() as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        for _ in range(3):
            assert raw.head().startswith(b"HTTP/1.1 200 OK")
            assert raw.take(5) == b"hello"


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
def test_a_connection_is_kept_when_the_client_wants_it(server, head, kept):
    with server.raw() as raw:
        raw.send(head)
        assert b" 200 " in raw.head()
        raw.take(5)
        if kept:
            raw.send(head)
            assert b" 200 " in raw.head()
        else:
            # Nothing is sent into a connection that is closed: it might be answered by a reset.
            assert raw.rest() == b""


def test_a_head_request_gets_the_length_and_no_body(server):
    with server.raw() as raw:
        raw.send(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"Content-Length: 5" in raw.head()
        assert raw.rest() == b""


def test_an_answer_without_a_body_has_no_length(serve):
    server = serve(lambda _: ("204 No Content", [], b""))
    with server.raw() as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"ontent-" not in raw.head().removeprefix(b"HTTP/1.1 204 No Content")
        assert raw.rest() == b""


def test_the_application_sees_the_request_as_wsgi_says(serve):
    seen = {}

    def routes(environ):
        seen.update(environ)
        return "200 OK", OK, b""

    server = serve(routes)
    server.get("/caf%C3%A9/a%2Fb?x=%20y", "PUT", b"body", **{"Content-Type": "text/x", "X-Two": "2", "X_Evil": "3"})
    assert seen["PATH_INFO"] == "/caf\xc3\xa9/a/b"
    assert seen["QUERY_STRING"] == "x=%20y"
    assert (seen["REQUEST_METHOD"], seen["CONTENT_TYPE"], seen["CONTENT_LENGTH"]) == ("PUT", "text/x", "4")
    assert seen["HTTP_X_TWO"] == "2"
    assert "HTTP_X_EVIL" not in seen
    assert seen["REMOTE_ADDR"] == "127.0.0.1"


def test_only_a_trusted_proxy_is_believed(serve):
    seen = {}

    def routes(environ):
        seen.clear()
        seen.update(environ)
        return "200 OK", OK, b""

    forwarded = {"X-Forwarded-For": "6.6.6.6, 9.9.9.9", "X-Forwarded-Proto": "https"}
    serve(routes).get("/", **forwarded)
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("127.0.0.1", "http")
    assert "HTTP_X_FORWARDED_FOR" not in seen
    serve(routes, Options(port=0, trusted_proxy="127.0.0.1")).get("/", **forwarded)
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("9.9.9.9", "https")


def test_a_failing_application_is_a_500_and_the_server_goes_on(serve, caplog):
    def routes(environ):
        if environ["PATH_INFO"] == "/fail":
            raise ValueError("broken inside")
        return "200 OK", OK, b"fine"

    server = serve(routes)
    status, _, body = server.get("/fail")
    assert status == 500
    assert b"broken inside" not in body
    assert "broken inside" in caplog.text
    assert server.get("/")[0] == 200


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb"])
def test_a_line_break_in_a_header_never_leaves_the_server(serve, value):
    server = serve(lambda _: ("200 OK", [("Location", value)], b""))
    status, headers, _ = server.get("/")
    assert status == 500
    assert "Set-Cookie" not in headers


def test_a_body_in_chunks_is_put_together(serve):
    server = serve(echo)
    with server.raw() as raw:
        raw.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        raw.send(b"6;note=1\r\n world\r\n0\r\nTrailer: 1\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 200 " in raw.head()
        assert raw.take(11) == b"hello world"
        assert b" 200 " in raw.head()


def test_a_client_that_waits_for_a_word_gets_it(serve):
    server = serve(echo)
    with server.raw() as raw:
        raw.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert raw.head() == b"HTTP/1.1 100 Continue"
        raw.send(b"body")
        assert b" 200 " in raw.head()
        assert raw.take(4) == b"body"


def test_a_body_too_large_is_refused_before_it_is_sent(serve):
    server = serve(echo, max_body_bytes=1024)
    with server.raw() as raw:
        raw.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\nExpect: 100-continue\r\n\r\n")
        assert raw.head().startswith(b"HTTP/1.1 413 ")
    with server.raw() as raw:
        raw.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + b"x" * 1024 + b"\r\n1\r\n"
        )
        assert raw.head().startswith(b"HTTP/1.1 413 ")


def test_a_refusal_can_be_read_by_a_client_that_is_still_sending(serve):
    server = serve(echo, max_body_bytes=1024)
    status, _, body = server.get("/", "POST", b"x" * 3_000_000)
    assert status == 413
    assert b"1024" in body


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
        b"G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nName : 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nFolded: 1\r\n 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nNoColon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 300,
    ],
)
def test_a_malformed_request_is_refused_and_ends_the_connection(serve, request_):
    server = serve(echo)
    with server.raw() as raw:
        raw.send(request_)
        answer = raw.rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"\r\nDate: ") == 1


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40_000, 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ],
)
def test_what_is_too_long_or_unknown_is_named(server, request_, status):
    with server.raw() as raw:
        raw.send(request_)
        assert int(raw.head().split()[1]) == status


def test_a_body_that_ends_early_never_reaches_the_application(serve):
    bodies = []

    def routes(environ):
        bodies.append(environ["wsgi.input"].read())
        return "200 OK", OK, b""

    server = serve(routes)
    with server.raw() as raw:
        raw.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        raw.socket.shutdown(socket.SHUT_WR)
        assert raw.rest() == b""
    assert bodies == []
    assert server.get("/")[0] == 200


@pytest.mark.parametrize(
    ("begun", "seconds"),
    [(b"GET / HT", 11), (b"", 76), (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", 61)],
)
def test_a_slow_client_is_cut_off(server, monkeypatch, frames, begun, seconds):
    with server.raw() as slow:
        slow.send(begun)
        frames.wait_until(lambda: server.service.connections() == 1)
        time.sleep(0.05)  # until the server has read what there is
        true_clock = clock.monotonic
        monkeypatch.setattr(clock, "monotonic", lambda: true_clock() + seconds - 2)
        time.sleep(0.6)  # a sweep goes by
        assert server.service.connections() == 1
        monkeypatch.setattr(clock, "monotonic", lambda: true_clock() + seconds)
        assert slow.rest() == b""
    assert server.get("/")[0] == 200


def test_a_request_that_takes_its_time_is_not_cut_off(serve, monkeypatch):
    started, go_on = threading.Event(), threading.Event()

    def routes(environ):
        started.set()
        go_on.wait(10)
        return "200 OK", OK, b"done"

    server = serve(routes)
    with server.raw() as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert started.wait(5)
        true_clock = clock.monotonic
        monkeypatch.setattr(clock, "monotonic", lambda: true_clock() + 3600)
        time.sleep(0.6)  # a sweep goes by
        go_on.set()
        assert b" 200 " in raw.head()


def test_a_request_under_way_is_answered_before_the_server_stops(serve):
    started, go_on = threading.Event(), threading.Event()

    def routes(environ):
        started.set()
        go_on.wait(10)
        return "200 OK", OK, b"done"

    server = serve(routes)
    with server.raw() as busy, server.raw() as idle:
        busy.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert started.wait(5)
        server.service.stop()
        time.sleep(0.05)
        assert not server.service.stopped.is_set()
        go_on.set()
        assert b" 200 " in busy.head()
        assert busy.rest() == b"done"
        assert idle.rest() == b""
    assert server.service.stopped.wait(5)


def test_a_request_that_never_ends_does_not_keep_the_server(serve):
    go_on, started = threading.Event(), threading.Event()

    def routes(environ):
        started.set()
        go_on.wait(20)
        return "200 OK", OK, b"late"

    server = serve(routes, Options(port=0, grace_seconds=1))
    with server.raw() as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert started.wait(5)
        server.service.stop()
        assert server.service.stopped.wait(8)
    go_on.set()


def test_a_worker_is_started_and_stopped_with_the_server(world, serve):
    said = []

    class Worker:
        def start(self):
            said.append("start")

        def stop(self, grace_seconds):
            said.append(f"stop {grace_seconds}")

    server = serve()
    service = Service(server.app, Options(port=0, grace_seconds=2), worker=Worker())
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    assert service.started.wait(5)
    service.stop()
    thread.join(5)
    assert said == ["start", "stop 2"]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ({"prot": "1"}, "there is no option prot"),
        ({"port": "many"}, "port cannot be 'many'"),
        ({"reuse_port": "maybe"}, "reuse_port cannot be"),
        ({"threads": "0"}, "threads cannot be"),
    ],
)
def test_a_wrong_option_is_named(lines, sentence):
    with pytest.raises(SettingsError, match=sentence):
        all_in_one({}, **lines)


def test_options_are_read_from_text():
    options = read_options({"host": "::1", "port": "80", "reuse_port": "true", "threads": "2"})
    assert options == Options(host="::1", port=80, reuse_port=True, threads=2)


def test_two_servers_may_share_a_port_when_told_so(serve):
    first = serve(options=Options(port=0, reuse_port=True))
    second = serve(options=Options(port=first.port, reuse_port=True))
    assert second.port == first.port


def test_a_taken_port_is_a_sentence(server):
    with pytest.raises(SettingsError, match="cannot listen at"):
        Service(server.app, Options(port=server.port)).run()
