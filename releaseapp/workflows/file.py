"""The JSON file that holds workflows: made when there is none, never touched when it cannot be read."""

import os
import secrets
from pathlib import Path
from typing import Any

import msgspec

SCHEMA = 1


class WorkflowFile(msgspec.Struct, frozen=True):
    """The document: ``schema`` says how to read it, ``revision`` grows with every write."""

    schema: int
    revision: int
    workflows: list[dict[str, Any]]


def ensure(path: Path) -> None:
    """Makes an empty file when there is none; of several processes that start at once, one wins."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with draft.open("xb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(WorkflowFile(SCHEMA, 0, []))) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def fault(path: Path) -> str | None:
    """Why the file cannot be used, as a sentence; None when it can."""
    try:
        document = msgspec.json.decode(path.read_bytes(), type=WorkflowFile)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}."
    except msgspec.MsgspecError as error:
        return f"{path} is not a workflow file: {error}."
    except UnicodeDecodeError:
        return f"{path} is not UTF-8 text."
    if document.schema > SCHEMA:
        return f"{path} was written by a newer version (schema {document.schema}); this one reads up to {SCHEMA}."
    if not os.access(path, os.W_OK):
        return f"{path} is read-only."
    return None
