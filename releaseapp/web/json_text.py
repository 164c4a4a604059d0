"""JSON that somebody sent, decoded as far as this server will keep it."""

import msgspec

from releaseapp.errors import Malformed

DEEPEST = 100
"""Far below what the decoder bears: its limit shrinks with the stack, and what was kept must be readable everywhere."""


def decode(text: bytes) -> object:
    """The value of a JSON text; raises Malformed when it is none or nested too deep."""
    try:
        value: object = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Malformed(f"The body is not JSON: {error}.") from error
    except UnicodeDecodeError as error:
        raise Malformed("The body is not JSON: it is not UTF-8.") from error
    except RecursionError as error:
        raise Malformed(f"The body is nested more than {DEEPEST} deep.") from error
    if text.count(b"[") + text.count(b"{") > DEEPEST and is_deeper(value, DEEPEST):
        raise Malformed(f"The body is nested more than {DEEPEST} deep.")
    return value


def is_deeper(value: object, most: int) -> bool:
    """Whether lists and objects are nested more than ``most`` deep; without recursion."""
    layer = [value]
    for _ in range(most + 1):
        layer = [child for parent in layer if isinstance(parent, (dict, list)) for child in _children(parent)]
        if not layer:
            return False
    return True


def _children(parent: dict[str, object] | list[object]) -> list[object]:
    return list(parent.values()) if isinstance(parent, dict) else parent
