"""Reads the body of an answer: decompressed, and never more of it than somebody wants to have."""

import zlib
from collections.abc import Iterator, Mapping

from releaseapp.outbound.errors import OutboundError

_GZIP = {"gzip", "x-gzip"}
_GZIP_BITS = 31
_MAGIC = b"\x1f\x8b"
_PIECE = 262_144
_OVERHEAD = 65_536


def read_body(chunks: Iterator[bytes], headers: Mapping[str, str], most: int) -> bytes:
    """The whole body, of ``most`` bytes at most. Raises OutboundError as soon as it is larger, or not what it says."""
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in {"", "identity"}:
        return b"".join(_bounded(chunks, most, most))
    if coding not in _GZIP | {"deflate"}:
        raise OutboundError(f"The answer is compressed by {coding[:40]!r}, which was not asked for.", retryable=False)
    # Bytes that do not compress grow a little; a stream that says nothing must not go on for ever.
    packed = _bounded(chunks, most + most // 1000 + _OVERHEAD, most)
    try:
        return b"".join(_bounded(_decompressed(packed, is_gzip=coding in _GZIP), most, most))
    except zlib.error as error:
        raise OutboundError(f"The answer says that it is compressed, and is not ({error}).") from error


def _bounded(chunks: Iterator[bytes], bound: int, most: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > bound:
            raise OutboundError(f"The answer is larger than {most:,} bytes, the most that is read.", retryable=False)
        yield chunk


def _decompressed(chunks: Iterator[bytes], *, is_gzip: bool) -> Iterator[bytes]:
    """In pieces of bounded size: a small answer may inflate a thousandfold."""
    held, inflate, members = b"", None, 0
    for chunk in chunks:
        held += chunk
        while len(held) >= len(_MAGIC) or (inflate is not None and held):
            if inflate is None:
                if members and not (is_gzip and held.startswith(_MAGIC)):
                    # What follows the end is padding; zlib and gzip themselves do not read it either.
                    held = b""
                    break
                inflate, members = _inflater(held, is_gzip=is_gzip), members + 1
            yield inflate.decompress(held, _PIECE)
            held = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            if inflate.eof:
                # Of gzip, several may stand one behind the other (RFC 1952, section 2.2).
                inflate = None
    if inflate is not None:
        yield inflate.flush()
    if (inflate is not None and not inflate.eof) or (held and not members):
        raise OutboundError("The answer ends before its compressed body does.")


def _inflater(begin: bytes, *, is_gzip: bool) -> "zlib._Decompress":
    """Some servers mean the bare format when they say deflate (RFC 9110, section 8.4.1.2)."""
    if is_gzip:
        return zlib.decompressobj(_GZIP_BITS)
    is_zlib = begin[0] & 0x0F == zlib.DEFLATED and int.from_bytes(begin[:2], "big") % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
