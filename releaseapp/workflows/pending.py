"""A document that the database already knows of and the workflow file still lacks.

Putting back a snapshot changes database and file together: the document goes into the transaction that replaces the
data, and lies ready beside the file. Once that is committed, it takes the file's place. Whoever dies in between leaves
the document in the database, and whoever next writes workflows, or starts, brings it into the file first.
"""

import msgspec

from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.db.state import delete_state, find_state, set_state
from releaseapp.workflows import queries
from releaseapp.workflows.file import Document, WorkflowFile

_OWED = "workflows.owed"


def owe(tx: Transaction, document: Document) -> None:
    """Says, in the transaction that goes with it, that the file is to become ``document``."""
    set_state(tx, _OWED, msgspec.json.encode(document).decode())


def with_new_revision(db: Reader, file: WorkflowFile, document: Document) -> Document:
    """The document with a revision that the file never had: whoever remembers one sees that this is another."""
    known = max(file.revision, queries.last_file_revision(db), document.revision)
    return msgspec.structs.replace(document, revision=known + 1)


def settle(db: Database, file: WorkflowFile) -> bool:
    """Brings what is owed into the file; whether there was anything. Raises Busy when the file cannot be written."""
    if find_state(db, _OWED) is None:
        return False
    with db.transaction() as tx:
        return settle_in(tx, file)


def settle_in(tx: Transaction, file: WorkflowFile) -> bool:
    """As :func:`settle`, in a transaction that is open already."""
    owed = find_state(tx, _OWED)
    if owed is None:
        return False
    document = msgspec.json.decode(owed, type=Document)
    with file.held():
        # Nobody else gives the file this revision: who writes workflows comes by here first.
        if file.revision < document.revision:
            file.put_in_place(file.lay_ready(document), document)
    delete_state(tx, _OWED)
    return True
