"""What a snapshot is: database and workflow file of one moment, and a manifest that says what they must be."""

import re
from enum import StrEnum
from pathlib import Path

import msgspec

from releaseapp.errors import AppError

FORMAT = 1
"""Of the archive and its manifest; grows when an older version could not read it."""

NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
"""Of a snapshot: when it was made, and something that no other has."""


_LONGEST_WORDS = 2000


def is_plain(words: str) -> bool:
    """Whether words of a manifest are such as pages and terminals can show."""
    return len(words) <= _LONGEST_WORDS and words.replace("\n", " ").isprintable()


def as_plain(words: str) -> str:
    """The words, such that :func:`is_plain`."""
    return "".join(one if is_plain(one) else " " for one in words[:_LONGEST_WORDS])


class Reason(StrEnum):
    """Why a snapshot was made; ``restore`` is one of now, taken before another is put back."""

    ASKED = "asked"
    SCHEDULE = "schedule"
    MIGRATION = "migration"
    RELEASE = "release"
    RESTORE = "restore"


class FileMark(msgspec.Struct, frozen=True):
    """What a file of the pair must be."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What is in a snapshot.

    ``app_version`` is the one that fits the data; ``migrations`` are the schema's, in order; ``counts`` the rows of
    each table; ``fingerprints`` tell which secrets were live, and tell nothing of them; ``encrypted`` whether the
    archive is.
    """

    format: int
    name: str
    made_at: str
    app_version: str
    engine: str
    migrations: list[str]
    reason: Reason
    actor: str | None
    note: str
    counts: dict[str, int]
    last_event_id: int
    workflow_revision: int
    workflows: int
    files: dict[str, FileMark]
    fingerprints: dict[str, str]
    encrypted: bool


def manifest_of(content: bytes) -> Manifest:
    """What a manifest says; raises ValueError, with why, for one that is none."""
    try:
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


class Kept(msgspec.Struct, frozen=True):
    """A snapshot that is kept.

    ``bytes`` is the archive's size; ``places`` where it is (``folder``, ``s3``); ``verified_at`` when it was last found
    whole.
    """

    manifest: Manifest
    bytes: int
    places: list[str]
    verified_at: str | None


class Shelf(msgspec.Struct, frozen=True):
    """Every snapshot that is kept, newest first.

    ``bucket`` is the address of the bucket, empty without one; ``silence`` says why it did not tell what it has.
    """

    items: list[Kept]
    bucket: str
    silence: str


class Unpacked(msgspec.Struct, frozen=True):
    """A snapshot's files in a folder of their own: ``agents.db``, or ``agents.dump`` of pg_dump, and the workflows."""

    folder: Path
    manifest: Manifest
    database: Path
    workflows: Path


class Damaged(AppError):
    """A snapshot that is not what its manifest says, or cannot be opened."""


class NoSecret(Damaged):
    """A snapshot that is encrypted, where no secret for snapshots is given at all: that says nothing of it."""


class NotWhole(Damaged):
    """A snapshot in which something is wrong: a sentence for each thing."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


class CannotBeMade(AppError):
    """A snapshot could not be made; the sentence says why, and what helps."""
