"""Whoever has to change the password hears nothing on the live channel; programs of the account go on."""

import json

from releaseapp.auth import service as auth
from releaseapp.auth.people import service as people
from releaseapp.permissions import Role

PASSWORD = "correct horse battery"


def answer(server, request: bytes) -> tuple[int, dict]:
    with server.raw() as raw:
        raw.send(request)
        line, *fields = raw.head().decode().split("\r\n")
        named = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        status = int(line.split()[1])
        return status, {} if status == 101 else json.loads(raw.take(int(named["content-length"])))


def test_the_handshake_is_403_with_the_cure(server, world, frames):
    vera = world.people["vera"]
    people.require_change(world.db, vera.id)
    assert answer(server, frames.handshake(world.tokens["vera"]))[0] == 401
    caller = auth.Caller("127.0.0.1", "test")
    due = auth.sign_in(world.db, world.settings, vera.email, PASSWORD, caller)
    status, problem = answer(server, frames.handshake(due.token))
    assert (status, problem["status"]) == (403, 403)
    assert "/auth/password" in problem["detail"]
    renewed = auth.change_password(world.db, world.settings, vera, PASSWORD, "tulip canyon ferry", caller)
    assert answer(server, frames.handshake(renewed.token))[0] == 101


def test_a_program_of_the_account_is_let_in(server, world, frames):
    _, token = world.program_token("vera", "cobalt", Role.VIEWER)
    people.require_change(world.db, world.people["vera"].id)
    assert answer(server, frames.handshake(token))[0] == 101
