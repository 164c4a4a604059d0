"""A connection ends when it must, at once, and says why."""

import subprocess
import sys
import time
from datetime import timedelta

import pytest

from releaseapp import clock
from releaseapp.auth import service as auth
from releaseapp.events.queries import last_event_id
from releaseapp.permissions import Role
from releaseapp.workspaces import service as workspaces

END_SESSION = """
import sys
from releaseapp.auth.service import end_session
from releaseapp.db import connect
db = connect(sys.argv[1])
end_session(db, sys.argv[2], sys.argv[3])
db.close()
"""


def test_signing_out_closes_the_connections_of_that_session_only(server, world):
    caller = auth.Caller("127.0.0.1", "another browser")
    other = auth.sign_in(world.db, world.settings, "vera@example.com", "correct horse battery", caller)
    with server.hear("vera") as vera, server.hear(other.token) as elsewhere:
        auth.end_session(world.db, world.people["vera"].id, world.sessions["vera"])
        assert vera.goodbye() == 4401
        world.happen("cobalt", name="after")
        events = [elsewhere.event(), elsewhere.event()]
    assert [event["type"] for event in events] == ["session.ended", "agent.updated"]


def test_a_session_ended_by_another_process_closes_within_two_seconds(server, world):
    with server.hear("vera") as vera:
        arguments = [str(world.settings.agent_db_path), world.people["vera"].id, world.sessions["vera"]]
        subprocess.run([sys.executable, "-c", END_SESSION, *arguments], check=True, timeout=30)
        ended = time.monotonic()
        assert vera.goodbye() == 4401
        assert time.monotonic() - ended < 2


@pytest.mark.parametrize(
    "act",
    [
        lambda world: auth.end_all_sessions(world.db, world.people["vera"].id),
        lambda world: auth.disable_account(world.db, world.people["vera"].id, None),
        lambda world: auth.change_password(
            world.db, world.settings, world.people["vera"], "correct horse battery", "another long password"
        ),
    ],
    ids=["signed out everywhere", "disabled", "password changed"],
)
def test_what_ends_every_session_closes_every_connection(server, world, act):
    with server.hear("vera") as one, server.hear("vera") as two, server.hear("olga") as olga:
        act(world)
        assert one.goodbye() == 4401
        assert two.goodbye() == 4401
        world.happen("cobalt", name="after")
        assert olga.event()["data"] == {"name": "after"}


def test_a_revoked_program_token_closes_its_connection(server, world):
    kept, token = world.program_token("olga", "cobalt", Role.VIEWER)
    with server.hear(token) as robot, server.hear("olga"):
        auth.revoke_api_token(world.db, world.people["olga"].id, kept.id)
        assert robot.goodbye() == 4401


def test_losing_the_last_membership_closes_with_4403(server, world):
    with server.hear("vera") as vera:
        with world.db.transaction():
            workspaces.remove_member(
                world.db, world.workspaces["cobalt"], world.people["vera"].id, world.identity("olga")
            )
            world.happen("cobalt", name="after")
        with pytest.raises(Exception, match="4403"):
            vera.next()


def test_a_program_whose_maker_lost_the_membership_is_closed_with_4403(server, world):
    _, token = world.program_token("vera", "cobalt", Role.VIEWER)
    with server.hear(token) as robot:
        workspaces.remove_member(world.db, world.workspaces["cobalt"], world.people["vera"].id, world.identity("olga"))
        assert robot.goodbye() == 4403


@pytest.mark.parametrize("program", [False, True])
def test_a_token_that_expires_closes_its_connection(server, world, monkeypatch, program):
    token = world.program_token("vera", "cobalt", Role.VIEWER)[1] if program else "vera"
    with server.hear(token) as client:
        true_now = clock.now
        monkeypatch.setattr(clock, "now", lambda: true_now() + timedelta(hours=25))
        assert client.goodbye() == 4401


def test_a_session_that_ended_while_the_connection_was_made_is_not_greeted(server, world, monkeypatch):
    gateway_module = sys.modules["releaseapp.live.gateway"]
    identify = gateway_module.identify

    def identify_then_end(db, settings, token):
        identity = identify(db, settings, token)
        auth.end_session(world.db, identity.account.id, identity.session_id)
        # Until the reader has seen that: it must look again although it will not see it again.
        time.sleep(0.3)
        return identity

    monkeypatch.setattr(gateway_module, "identify", identify_then_end)
    with server.dial("vera") as client, pytest.raises(Exception, match="4401"):
        client.recv(timeout=5)


def test_a_silent_client_is_pinged_and_then_given_up(server, world, monkeypatch, frames):
    with server.upgraded("vera") as raw:
        true_clock = clock.monotonic
        monkeypatch.setattr(clock, "monotonic", lambda: true_clock() + 21)
        first, payload = raw.frame()
        assert (first, payload) == (0x81, b'{"type":"ping","id":%d}' % last_event_id(world.db))
        assert raw.frame() == (0x89, b"")
        monkeypatch.setattr(clock, "monotonic", lambda: true_clock() + 61)
        assert raw.close_code() == 1011


def test_a_client_that_answers_stays(server, world, monkeypatch, frames):
    with server.upgraded("vera") as raw:
        true_clock = clock.monotonic
        for passed in range(21, 100, 21):
            monkeypatch.setattr(clock, "monotonic", lambda passed=passed: true_clock() + passed)
            assert b'"ping"' in raw.frame()[1]
            assert raw.frame()[0] == 0x89
            raw.send(frames.frame(0xA) if passed % 2 else frames.frame(0x1, b'{"type":"pong"}'))
            raw.send(frames.frame(0x9, b"are you there"))
            assert raw.frame() == (0x8A, b"are you there")


def test_a_server_that_stops_says_so(serve, world):
    server = serve()
    with server.hear("vera") as vera, server.hear("olga") as olga:
        server.service.stop()
        assert vera.goodbye() == 1012
        assert olga.goodbye() == 1012
    assert server.service.stopped.wait(5)
    assert dict(server.counters.closed) == {1012: 2}
    assert server.counters.open == 0
    with pytest.raises(OSError):
        server.raw()


def test_each_client_is_told_its_own_moment_to_come_back(serve, world):
    server = serve()
    with server.hear("vera") as vera, server.hear("olga") as olga:
        server.service.stop()
        told = [vera.next(), olga.next()]
    assert [one["type"] for one in told] == ["goodbye", "goodbye"]
    assert all(0 <= one["wait"] <= 1 for one in told)
    assert told[0]["wait"] != told[1]["wait"]


def test_a_client_that_says_goodbye_gets_its_code_back(server, frames):
    for payload, code in ((b"\x03\xe8bye", 1000), (b"\x0f\xa1", 4001), (b"", 1005)):
        with server.upgraded() as raw:
            raw.send(frames.frame(0x8, payload))
            assert raw.close_code() == code
            assert raw.rest() == b""
    frames.wait_until(lambda: server.counters.open == 0)
    assert dict(server.counters.closed) == {1000: 1, 4001: 1, 1005: 1}
