"""Who may connect, and what everybody else is told in plain HTTP."""

import json

import pytest

from releaseapp.auth import service as auth
from releaseapp.live.handshake import same_origin
from releaseapp.workspaces import service as workspaces


def answer(server, request: bytes) -> tuple[int, dict, dict]:
    """Status, fields and body of the answer to a raw request."""
    with server.raw() as raw:
        raw.send(request)
        line, *fields = raw.head().decode().split("\r\n")
        named = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        status = int(line.split()[1])
        if status == 101:
            return status, named, {}
        assert named["content-type"] == "application/problem+json"
        return status, named, json.loads(raw.take(int(named["content-length"])))


def test_nobody_is_told_to_sign_in(server, frames):
    status, fields, body = answer(server, frames.handshake())
    assert (status, body["status"]) == (401, 401)
    assert fields["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", ["", "nonsense", "rap_nonsense", "a.b.c"])
def test_a_bad_token_is_nobody(server, frames, token):
    assert answer(server, frames.handshake(token))[0] == 401


def test_a_session_that_has_ended_is_nobody(server, world, frames):
    auth.end_session(world.db, world.people["vera"].id, world.sessions["vera"])
    assert answer(server, frames.handshake(world.tokens["vera"]))[0] == 401


def test_somebody_without_any_workspace_is_refused(server, world, frames):
    workspaces.remove_member(world.db, world.workspaces["cobalt"], world.people["vera"].id, world.identity("olga"))
    assert answer(server, frames.handshake(world.tokens["vera"]))[0] == 403


def test_the_cookie_of_a_page_of_ours_counts(server, world, frames):
    cookie = f"theme=dark; token={world.tokens['vera']}; other=1"
    good = {"Host": "work.example.com", "Origin": "https://work.example.com", "Cookie": cookie}
    assert answer(server, frames.handshake(**good))[0] == 101
    assert answer(server, frames.handshake(**{**good, "Origin": "https://evil.example"}))[0] == 403
    assert answer(server, frames.handshake(**{**good, "Origin": "null"}))[0] == 403
    assert answer(server, frames.handshake(**{**good, "Origin": None}))[0] == 403


def test_a_bad_bearer_token_is_not_made_good_by_a_cookie(server, world, frames):
    fields = {"Host": "a", "Origin": "http://a", "Cookie": f"token={world.tokens['vera']}"}
    assert answer(server, frames.handshake("nonsense", **fields))[0] == 401


def test_a_foreign_page_is_refused_even_with_a_good_bearer_token(server, world, frames):
    request = frames.handshake(world.tokens["vera"], Origin="https://evil.example")
    assert answer(server, request)[0] == 403


def test_with_a_public_url_only_its_pages_connect(serve, world, frames):
    server = serve(public_url="https://work.example.com")
    good = {"Host": "127.0.0.1", "Cookie": f"token={world.tokens['vera']}"}
    assert answer(server, frames.handshake(**good, Origin="https://work.example.com"))[0] == 101
    assert answer(server, frames.handshake(**good, Origin="http://work.example.com"))[0] == 403
    assert answer(server, frames.handshake(**good, Origin="http://127.0.0.1"))[0] == 403


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        ("https://a.example", "a.example", True),
        ("https://a.example", "a.example:443", True),
        ("http://a.example", "a.example:80", True),
        ("http://A.example:8000", "a.EXAMPLE:8000", True),
        ("http://[::1]:6543", "[::1]:6543", True),
        ("https://a.example:444", "a.example", False),
        ("https://b.a.example", "a.example", False),
        ("https://a.example.evil", "a.example", False),
        ("https://a.example@evil", "a.example", False),
        ("ftp://a.example", "a.example", False),
        ("https://", "", False),
        ("https://a.example:x", "a.example", False),
        ("null", "null", False),
        ("", "", False),
    ],
)
def test_an_origin_is_compared_by_host_and_port(origin, host, ours):
    assert same_origin(origin, "", host) is ours


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Upgrade": None}, 426),
        ({"Connection": "keep-alive"}, 426),
        ({"Upgrade": "h2c"}, 426),
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Version": None}, 426),
        ({"Sec-WebSocket-Key": None}, 400),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": "!" * 24}, 400),
    ],
)
def test_a_handshake_that_is_none_is_refused(server, world, frames, changes, status):
    assert answer(server, frames.handshake(world.tokens["vera"], **changes))[0] == status


def test_a_plain_get_is_told_to_upgrade(server):
    status, headers, _ = server.get("/ws")
    assert status == 426
    assert headers["Upgrade"] == "websocket"


def test_another_method_is_refused(server):
    assert server.get("/ws", "POST", b"{}")[0] == 405


def test_the_connection_can_be_used_again_after_a_refusal(server, world, frames):
    with server.raw() as raw:
        raw.send(frames.handshake("nonsense"))
        head = raw.head()
        assert b" 401 " in head
        raw.take(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        raw.send(frames.handshake(world.tokens["vera"]))
        assert b" 101 " in raw.head()


def test_the_answer_proves_that_the_key_was_read(server, world, frames):
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    status, fields, _ = answer(server, frames.handshake(world.tokens["vera"], Sec_WebSocket_Key=key))
    assert status == 101
    assert fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_no_more_connections_than_allowed(serve, world, frames):
    server = serve(live_max_connections=2)
    with server.hear("vera"), server.hear("olga"):
        status, fields, _ = answer(server, frames.handshake(world.tokens["adam"]))
        assert status == 503
        assert int(fields["retry-after"]) > 0
        assert server.get("/")[0] == 200
    frames.wait_until(lambda: server.counters.open == 0)
    with server.hear("adam"):
        assert server.counters.open == 1
    assert server.counters.refused[503] == 1


def test_a_half_open_handshake_stops_nobody(server, world, frames):
    whole = frames.handshake(world.tokens["vera"])
    with server.raw() as half, server.raw() as gone:
        half.send(whole[:60])
        gone.send(whole[:60])
        gone.socket.close()
        with server.hear("vera") as vera:
            world.happen("cobalt", name="after")
            assert vera.event()["data"] == {"name": "after"}
        half.send(whole[60:])
        assert b" 101 " in half.head()


def test_a_client_that_leaves_during_the_handshake_is_not_left_behind(server, world, frames):
    for _ in range(20):
        with server.raw() as raw:
            raw.send(frames.handshake(world.tokens["vera"]))
    frames.wait_until(lambda: server.counters.open == 0 and not server.service.connections())
    assert sum(server.counters.closed.values()) == server.counters.opened
