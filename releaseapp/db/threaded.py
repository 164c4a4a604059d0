"""What every engine has in common: a session for each thread, and transactions that nest."""

import logging
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from releaseapp.db.api import Row

log = logging.getLogger(__name__)

Parameters = Mapping[str, Any]


class Session(ABC):
    """One connection, used by one thread. Errors are as in :class:`releaseapp.db.api.Reader`."""

    @abstractmethod
    def all(self, sql: str, parameters: Parameters) -> list[Row]:
        """Every row."""

    @abstractmethod
    def first(self, sql: str, parameters: Parameters) -> Row | None:
        """The first row, or None."""

    @abstractmethod
    def run(self, sql: str, parameters: Parameters) -> int:
        """Runs a statement that writes; returns how many rows it changed."""

    @abstractmethod
    def begin(self) -> None:
        """Waits for the turn to write, and opens a transaction; raises Busy, and then nothing is open."""

    @abstractmethod
    def commit(self) -> None:
        """Makes the open transaction last."""

    @abstractmethod
    def roll_back(self) -> None:
        """Undoes what is open, if anything is; never raises."""

    @abstractmethod
    def close(self) -> None:
        """Closes the connection; may be called twice."""

    def __del__(self) -> None:
        # The session of a thread that ended is held by nobody, and must not hold its connection open.
        self.close()


class OpenTransaction:
    """The transaction of a thread, from its outermost block's beginning to its end."""

    def __init__(self, session: Session) -> None:
        self._session: Session | None = session
        self.calls: list[Callable[[], None]] = []
        self.doom: BaseException | None = None

    def all(self, sql: str, /, **parameters: object) -> list[Row]:
        """See :class:`releaseapp.db.api.Reader`."""
        session = self._open()
        try:
            return session.all(sql, parameters)
        except BaseException as error:
            self.doom = error
            raise

    def first(self, sql: str, /, **parameters: object) -> Row | None:
        """See :class:`releaseapp.db.api.Reader`."""
        session = self._open()
        try:
            return session.first(sql, parameters)
        except BaseException as error:
            self.doom = error
            raise

    def run(self, sql: str, /, **parameters: object) -> int:
        """See :class:`releaseapp.db.api.Transaction`."""
        session = self._open()
        try:
            return session.run(sql, parameters)
        except BaseException as error:
            self.doom = error
            raise

    def after_commit(self, call: Callable[[], None]) -> None:
        """See :class:`releaseapp.db.api.Transaction`."""
        self._open()
        self.calls.append(call)

    def check(self) -> None:
        """Raises RuntimeError when a part of it failed."""
        if self.doom is not None:
            raise RuntimeError("a part of this transaction failed, so nothing of it was committed") from self.doom

    def end(self) -> None:
        """Nothing may be done in it from now on: it would last at once, in no transaction."""
        self._session = None
        self.doom = None

    def _open(self) -> Session:
        if self._session is None:
            raise RuntimeError("this transaction has ended; open one with 'with db.transaction() as tx'")
        if self.doom is not None:
            # PostgreSQL would refuse, SQLite would go on (after a full disk even without a transaction).
            raise RuntimeError("a part of this transaction failed, so nothing more can be done in it") from self.doom
        return self._session


class _Thread(threading.local):
    """What belongs to one thread: its session, and the transaction it is in."""

    session: Session | None = None
    transaction: OpenTransaction | None = None


class ThreadedDatabase(ABC):
    """A :class:`releaseapp.db.api.Database`, but for how to connect and how to watch."""

    engine: str

    def __init__(self) -> None:
        self._thread = _Thread()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._guard = threading.Lock()
        self._closed = False
        self._listeners: list[Callable[[], None]] = []

    @abstractmethod
    def connect(self) -> Session:
        """A new session, for the calling thread."""

    @abstractmethod
    def watch(self, call: Callable[[], None]) -> AbstractContextManager[None]:
        """See :class:`releaseapp.db.api.Database`."""

    @abstractmethod
    def give_back_space(self, pages: int) -> int:
        """See :class:`releaseapp.db.api.Database`."""

    def all(self, sql: str, /, **parameters: object) -> list[Row]:
        """See :class:`releaseapp.db.api.Reader`."""
        return self._session().all(sql, parameters)

    def first(self, sql: str, /, **parameters: object) -> Row | None:
        """See :class:`releaseapp.db.api.Reader`."""
        return self._session().first(sql, parameters)

    @contextmanager
    def transaction(self) -> Iterator[OpenTransaction]:
        """See :class:`releaseapp.db.api.Database`."""
        outer = self._thread.transaction
        if outer is None:
            yield from self._outermost()
            return
        try:
            yield outer
        except BaseException as error:
            outer.doom = outer.doom or error
            raise

    def _outermost(self) -> Iterator[OpenTransaction]:
        session = self._session()
        session.begin()
        tx = self._thread.transaction = OpenTransaction(session)
        try:
            yield tx
            tx.check()
            session.commit()
        except BaseException:
            session.roll_back()
            raise
        finally:
            tx.end()
            self._thread.transaction = None
        for call in (*self._listeners, *tx.calls):
            call_and_log(call)

    def on_commit(self, call: Callable[[], None]) -> None:
        """See :class:`releaseapp.db.api.Database`."""
        self._listeners.append(call)

    def close_thread(self) -> None:
        """See :class:`releaseapp.db.api.Database`."""
        session = self._thread.session
        if self._thread.transaction is not None:
            raise RuntimeError("a transaction is open in this thread")
        if session is not None:
            self._thread.session = None
            session.close()

    def close(self) -> None:
        """See :class:`releaseapp.db.api.Database`."""
        with self._guard:
            self._closed = True
            sessions = list(self._sessions)
        for session in sessions:
            session.close()
        self._thread.session = None

    def _session(self) -> Session:
        return self._thread.session or self._new_session()

    def _new_session(self) -> Session:
        session = self.connect()
        with self._guard:
            if self._closed:
                session.close()
                raise RuntimeError("the database was closed")
            self._sessions.add(session)
        self._thread.session = session
        return session


def call_and_log(call: Callable[[], None]) -> None:
    """Calls, and logs what goes wrong: what is committed stays committed."""
    try:
        call()
    except Exception:
        log.exception("a call after a commit failed")
