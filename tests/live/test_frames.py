"""What a client may not send, and what it is told then (RFC 6455)."""

import json

import pytest


def test_an_unmasked_frame_is_refused(server, frames):
    with server.upgraded() as raw:
        raw.send(frames.frame(0x1, b'{"type":"pong"}', masked=False))
        assert raw.close_code() == 1002
        assert raw.rest() == b""


def test_a_binary_message_is_refused(server, frames):
    with server.upgraded() as raw:
        raw.send(frames.frame(0x2, b"\x00\x01"))
        assert raw.close_code() == 1003


def test_text_that_is_not_utf_8_is_refused(server, frames):
    with server.upgraded() as raw:
        raw.send(frames.frame(0x1, b"\xff\xfe"))
        assert raw.close_code() == 1007


@pytest.mark.parametrize("size", [65_537, 10_000_000])
def test_an_oversized_message_is_refused(server, frames, size):
    with server.upgraded() as raw:
        raw.send(frames.frame(0x1, b"x" * size)[:200_000])
        assert raw.close_code() == 1009
        assert raw.rest() == b""


def test_a_message_oversized_in_fragments_is_refused(server, frames):
    with server.upgraded() as raw:
        raw.send(frames.frame(0x1, b"x" * 40_000, fin=False))
        raw.send(frames.frame(0x0, b"x" * 40_000))
        assert raw.close_code() == 1009


def test_a_fragmented_message_is_understood_with_a_ping_between(server, frames):
    with server.upgraded() as raw:
        raw.send(frames.frame(0x1, b'{"type":', fin=False))
        raw.send(frames.frame(0x9, b"between"))
        raw.send(frames.frame(0x0, b'"po', fin=False) + frames.frame(0x0, b'ng"}'))
        assert raw.frame() == (0x8A, b"between")
        raw.send(frames.frame(0x9, b"after"))
        assert raw.frame() == (0x8A, b"after")


def test_a_frame_that_comes_byte_by_byte_is_understood(server, frames):
    with server.upgraded() as raw:
        for byte in frames.frame(0x9, b"slowly"):
            raw.send(bytes((byte,)))
        assert raw.frame() == (0x8A, b"slowly")


@pytest.mark.parametrize(
    "data",
    [
        b"\x83\x80aaaa",  # an opcode that is not defined
        b"\xc1\x80aaaa",  # a reserved bit
        b"\x09\x80aaaa",  # a ping in fragments
        b"\x89\xfe\x00\x7eaaaa" + b"x" * 126,  # a ping that is too long
        b"\x80\x80aaaa",  # a continuation of nothing
        b"\x88\x81aaaax",  # a goodbye with half a code
        b"\x88\x82\x00\x00\x00\x00\x03\xed",  # a goodbye with a code that must not be sent
        b"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00aaaa",  # a length with its highest bit set
    ],
)
def test_what_breaks_the_protocol_is_refused(server, data):
    with server.upgraded() as raw:
        raw.send(data)
        assert raw.close_code() == 1002
        assert raw.rest() == b""


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"pong"', "{}", '{"type":"dance"}', '{"type":"pong","a":1}'])
def test_a_message_that_is_none_gets_an_error_and_the_connection_stays(server, world, frames, text):
    with server.upgraded() as raw:
        raw.send(frames.frame(0x1, text.encode()))
        message = json.loads(raw.frame()[1])
        assert message["type"] == "error"
        assert message["detail"]
        world.happen("cobalt", name="after")
        assert b'"after"' in raw.frame()[1]


def test_ten_messages_that_are_none_are_enough(server, frames):
    with server.upgraded() as raw:
        for _ in range(10):
            raw.send(frames.frame(0x1, b"nonsense"))
        answers = [json.loads(raw.frame()[1])["type"] for _ in range(10)]
        assert answers == ["error"] * 10
        assert raw.close_code() == 1008


def test_frames_sent_before_the_handshake_is_answered_are_not_lost(server, world, frames):
    with server.raw() as raw:
        raw.send(frames.handshake(world.tokens["vera"]) + frames.frame(0x9, b"eager"))
        assert b" 101 " in raw.head()
        answers = {raw.frame()[1] for _ in range(2)}
        assert b"eager" in answers
