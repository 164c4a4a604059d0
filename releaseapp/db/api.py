"""The door to SQL: what the rest of the product may know of a database.

SQL is written once, with ``:name`` parameters, in the ``queries`` modules, and
runs unchanged on SQLite and PostgreSQL. Reading goes through any ``Reader``;
changing needs a ``Transaction``, which only ``Database.transaction`` gives, so
the type checker proves that no statement writes outside a transaction.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = Mapping[str, Any]


class Reader(Protocol):
    """Runs statements that only read.

    Every method raises ``errors.Busy`` when the engine gave up waiting and
    ``errors.Conflict`` when a uniqueness rule was broken; any other error of
    the driver passes through, for it is a fault in our SQL.
    """

    def all(self, sql: str, /, **parameters: object) -> list[Row]:
        """Every row, each a mapping from column name to value; an empty list when there is none."""
        ...

    def first(self, sql: str, /, **parameters: object) -> Row | None:
        """The first row, or None."""
        ...


class Transaction(Reader, Protocol):
    """An open transaction that may write, and sees its own writes.

    A statement that fails dooms the whole: nothing more can be done in it and nothing of it is
    committed, even when the error is caught inside. After its end it refuses everything.
    """

    def run(self, sql: str, /, **parameters: object) -> int:
        """Runs one statement that writes; returns how many rows it changed, those of cascades not counted."""
        ...

    def after_commit(self, call: Callable[[], None]) -> None:
        """Has ``call`` run once, in this thread, after the outermost commit; never after a rollback.

        An error raised by ``call`` is logged and swallowed: what is committed stays committed.
        """
        ...


class Database(Reader, Protocol):
    """One database, shared by all threads of a process.

    Reads outside a transaction see the newest committed state, statement by statement.
    """

    engine: str
    """``sqlite`` or ``postgresql``."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Opens the one kind of writing transaction there is, or joins the one open in this thread.

        One writer at a time, from the first statement on (SQLite ``BEGIN IMMEDIATE``, PostgreSQL
        an advisory lock), so that a transaction may read, decide and write without a race, and
        commit order is the order of event ids. Commits when the outermost block ends, rolls back
        when it raises; after a rollback nothing of it is visible, ``after_commit`` calls included.
        An error that leaves an inner block dooms the whole: when the outer code catches it and goes
        on, the end of the outermost block rolls back and raises RuntimeError.
        Raises ``errors.Busy`` when the turn does not come within ``busy_timeout`` seconds.
        """
        ...

    def on_commit(self, call: Callable[[], None]) -> None:
        """Has ``call`` run after every commit made through this object, in the committing thread.

        It must be quick; an error it raises is logged and swallowed. There is no way to take it back.
        """
        ...

    def watch(self, call: Callable[[], None]) -> AbstractContextManager[None]:
        """While the block lasts, ``call`` runs (in a thread of its own) soon after any process commits.

        Wake-ups may be merged or spurious, but the last commit is always followed by one; after the
        block has ended none comes. An error that ``call`` raises is logged.
        """
        ...

    def give_back_space(self, pages: int) -> int:
        """Gives up to so many of the database's free pages back to the disk; how many bytes that was.

        0 when none is free, or when the engine sees to it by itself. It is a write of its own, as long as its pages
        are many. Raises Busy as :meth:`transaction` does, RuntimeError inside one.
        """
        ...

    def close_thread(self) -> None:
        """Closes what this object holds open for the calling thread; the next use opens it anew.

        A thread that ends does so by itself. Raises RuntimeError inside a transaction.
        """
        ...

    def close(self) -> None:
        """Closes everything; no thread may be using the object now or afterwards."""
        ...
