"""Answers that are larger than anybody wants in memory: sent as they come, and told apart from broken ones."""

import threading

import pytest

PART = 262_144
PARTS = 40


class Body:
    """Parts as an application gives them; knows how many were asked for, and whether it was closed."""

    def __init__(self, parts=PARTS, then=None):
        self.parts = parts
        self.then = then
        self.given = 0
        self.closed = threading.Event()

    def __iter__(self):
        while self.given < self.parts:
            self.given += 1
            yield bytes([self.given % 251]) * PART
        if self.then is not None:
            raise self.then

    def close(self):
        self.closed.set()


@pytest.fixture
def large(serve):
    def start(body, length=PART * PARTS):
        headers = [("Content-Type", "application/octet-stream"), ("Content-Length", str(length))]
        return serve(lambda _environ: ("200 OK", headers, body))

    return start


def test_a_large_answer_comes_whole_and_the_connection_is_kept(large):
    body = Body()
    server = large(body)
    with server.raw() as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert f"Content-Length: {PART * PARTS}".encode() in raw.head()
        got = raw.take(PART * PARTS)
        assert got == b"".join(bytes([number % 251]) * PART for number in range(1, PARTS + 1))
        assert body.closed.wait(5)
        raw.send(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        raw.head()
        assert raw.rest() == b""


def test_no_more_is_read_than_the_client_takes(large):
    body = Body()
    server = large(body)
    with server.raw(receive_buffer=4096) as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        raw.head()
        raw.take(PART)
        assert body.given < PARTS
    assert body.closed.wait(10)
    assert body.given < PARTS


@pytest.mark.parametrize("body", [Body(PARTS - 1), Body(PARTS - 1, OSError("the disk is gone")), Body(PARTS + 1)])
def test_an_answer_that_breaks_off_ends_the_connection_so_that_nobody_takes_it_for_whole(large, body):
    server = large(body)
    with server.raw() as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        raw.head()
        assert len(raw.rest()) <= PART * PARTS
    assert body.closed.wait(5)


def test_a_head_request_of_a_large_answer_reads_none_of_it(large):
    body = Body()
    status, headers, got = large(body).get("/", "HEAD")
    assert (status, headers["Content-Length"], got) == (200, str(PART * PARTS), b"")
    assert body.closed.wait(5)
    assert body.given == 0


def test_a_server_that_stops_sends_a_large_answer_to_its_end(large):
    body = Body()
    server = large(body)
    with server.raw(receive_buffer=65536) as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        raw.head()
        raw.take(PART)
        server.service.stop()
        raw.take(PART * (PARTS - 1))
        assert raw.rest() == b""
    server.thread.join(10)
    assert not server.thread.is_alive()
