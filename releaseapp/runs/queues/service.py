"""What can be done with queues: publish, look, take a message out."""

import re
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.errors import NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.runs.queues import queries
from releaseapp.runs.queues.models import Message, Queue
from releaseapp.steps.api import StepFailed

LARGEST_MESSAGE_BYTES = 262_144

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def publish(tx: Transaction, workspace_id: str, queue: str, message: Any, published_by: str | None) -> str:
    """Puts a message into a queue of a workspace, in the caller's transaction; its id.

    Raises StepFailed, which no further attempt makes good, for a name that no queue has and for a message that is too
    large; nothing is written then.
    """
    if not is_name(queue):
        raise StepFailed(
            f"{queue[:80]!r} is no name of a queue: up to 64 lower-case letters, digits, dots, dashes and underscores.",
            retryable=False,
        )
    text = msgspec.json.encode(message)
    if len(text) > LARGEST_MESSAGE_BYTES:
        raise StepFailed(
            f"The message has {len(text):,} bytes of JSON; it may have {LARGEST_MESSAGE_BYTES:,}.", retryable=False
        )
    written = Message(
        id=clock.new_id("msg"),
        queue=queue,
        message=message,
        is_whole=True,
        size=len(text),
        published_by=published_by,
        created_at=clock.now_text(),
    )
    queries.insert_message(tx, workspace_id, written, text.decode())
    append(tx, EventType.QUEUE_PUBLISHED, written.id, workspace_id=workspace_id, data={"queue": queue})
    return written.id


def is_name(text: str) -> bool:
    """Whether a queue may be called so."""
    return _NAME.fullmatch(text) is not None


def list_queues(db: Reader, workspace_id: str, after: str, limit: int) -> list[Queue]:
    """Queues of a workspace with messages in them, by name, behind a name."""
    return queries.list_queues(db, workspace_id, after, limit)


def list_messages(db: Reader, workspace_id: str, queue: str, before: str, limit: int) -> list[Message]:
    """Messages of a queue, newest first; large ones without what is in them."""
    return queries.list_messages(db, workspace_id, queue, before, limit)


def find_message(db: Reader, workspace_id: str, queue: str, message_id: str) -> Message | None:
    """One message of a queue, whole; or None."""
    return queries.find_message(db, workspace_id, queue, message_id)


def remove_message(db: Database, workspace_id: str, message: Message, *, actor: str | None) -> None:
    """Takes a message out for good; raises NotFound when somebody else has taken it."""
    with db.transaction() as tx:
        if not queries.delete_message(tx, message.id):
            raise NotFound("The message is gone; somebody else has taken it out.")
        data = {"queue": message.queue, "name": message.queue}
        append(tx, EventType.QUEUE_REMOVED, message.id, workspace_id=workspace_id, actor=actor, data=data)
