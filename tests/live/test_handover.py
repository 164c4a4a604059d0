"""Two servers in one process, of which the second takes over from the first."""

import socket
import time

from servers import free_port

from releaseapp.server import Options

LARGE = bytes(40_000_000)


def large(_environ):
    return "200 OK", [("Content-Type", "application/octet-stream")], LARGE


def options(port, **more):
    return Options(port=port, hand_over=True, grace_seconds=1, **more)


def test_a_slow_download_is_not_cut_off_when_the_grace_time_is_over(serve):
    port = free_port()
    old = serve(routes=large, options=options(port))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.settimeout(20)
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET /snapshot HTTP/1.1\r\nHost: a\r\n\r\n")
        got = len(client.recv(1000))
        new = serve(options=options(port))
        time.sleep(2.5)
        assert not old.service.stopped.is_set()
        while got < len(LARGE):
            got += len(client.recv(1_000_000))
        assert old.service.stopped.wait(10)
        # And the connection goes on in the other one.
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        while data := client.recv(4096):
            answer += data
        assert answer.endswith(b"hello")
    assert new.get("/")[2] == b"hello"


def test_live_connections_come_back_to_the_new_server_and_miss_nothing(serve, world):
    port = free_port()
    old = serve(options=options(port))
    with old.hear("vera") as vera:
        world.happen("cobalt", name="before")
        seen = vera.event()
        new = serve(options=options(port))
        assert vera.next()["type"] == "goodbye"
        assert vera.goodbye() == 1012
    world.happen("cobalt", name="between")
    assert old.service.stopped.wait(10)
    with new.hear("vera", f"?since={seen['id']}") as vera:
        assert vera.event()["data"] == {"name": "between"}
