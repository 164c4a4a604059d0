"""What people and other servers say, as the log of a release may hold it."""

import re

from releaseapp.errors import Fault, Invalid

LONGEST = 4000
# NUL, which PostgreSQL cannot keep; what moves a terminal; and what turns the direction of writing.
_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def readable(text: str) -> str:
    """The text with a mark in the place of each control character; lines stay lines."""
    return _UNREADABLE.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same in one line."""
    return readable(" ".join(text.split()))


def refuse_long(**texts: str) -> None:
    """Raises Invalid for each text, named by its field, that is longer than the log takes."""
    faults = [
        Fault(f"/{field}", f"At most {LONGEST:,} characters.") for field, text in texts.items() if len(text) > LONGEST
    ]
    if faults:
        raise Invalid(faults)
