"""Django's PostgreSQL backend, whose connections go back to their pool as `lending` says."""

from __future__ import annotations

import select
import time
import weakref
from typing import Any

import psycopg
from django.db.backends import utils
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool, PoolTimeout

from jobs.postgresql import lending

VANISHED_CLIENTS = (
    "SET tcp_keepalives_idle TO 10; SET tcp_keepalives_interval TO 5; SET tcp_keepalives_count TO 2; "
    "SET tcp_user_timeout TO 20000"
)
"""Makes the server notice within 20 s that a client's host is gone; TCP alone keeps its row locks for two hours."""


class LentCursor(utils.CursorWrapper):
    """A cursor at whose end its connection may go back."""

    def close(self) -> None:
        """Close, and give the connection back if nothing else needs it."""
        try:
            self.cursor.close()
        finally:
            self.db.cursor_ended(self)


class LentDebugCursor(LentCursor, base.CursorDebugWrapper):
    """The same where queries are recorded."""


class DatabaseWrapper(base.DatabaseWrapper):
    """One thread's way to the database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # One that nobody closed is forgotten with its last reference.
        self._open_cursors: weakref.WeakSet[LentCursor] = weakref.WeakSet()
        self._is_connecting = False

    def connect(self) -> None:
        """Connect, without giving back what has just been taken."""
        self._is_connecting = True
        try:
            super().connect()
        finally:
            self._is_connecting = False

    def make_cursor(self, cursor: Any) -> LentCursor:
        """Return Django's cursor, which tells of its end."""
        lent = LentCursor(cursor, self)
        self._open_cursors.add(lent)
        return lent

    def make_debug_cursor(self, cursor: Any) -> LentDebugCursor:
        """Return the same where queries are recorded."""
        lent = LentDebugCursor(cursor, self)
        self._open_cursors.add(lent)
        return lent

    def cursor_ended(self, cursor: LentCursor) -> None:
        """Take note that a cursor needs its connection no more."""
        self._open_cursors.discard(cursor)
        self._give_back()

    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> None:
        """Begin or end a transaction; at its end the connection goes back."""
        super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
        self._give_back()

    def _give_back(self) -> None:
        if not lending.by_statement() or self._is_connecting or self.connection is None:
            return
        if self.autocommit and not self.in_atomic_block and not self._open_cursors and self.pool:
            self.close()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Take a connection of the pool that still works, or open one."""
        if not self.pool:
            return super().get_new_connection(conn_params)
        while True:
            connection = self._taken(conn_params)
            if _is_alive(connection):
                self._note_lent(connection)
                return connection
            self.pool.putconn(connection)

    def _taken(self, conn_params: dict[str, Any]) -> Any:
        if not lending.by_statement():
            return super().get_new_connection(conn_params)
        # Whoever waits looks up now and then, to say why.
        self.pool.timeout = lending.LOOK_SECONDS
        until = time.monotonic() + lending.PATIENCE_SECONDS
        lending.waits()
        try:
            while True:
                try:
                    return super().get_new_connection(conn_params)
                except PoolTimeout:
                    if not self._is_exhausted() or time.monotonic() > until:
                        raise
        finally:
            lending.waits_no_more()

    def _is_exhausted(self) -> bool:
        most = self.pool.max_size
        if not lending.is_exhausted(most):
            return False
        lending.tell_exhausted(most)
        return True

    def _note_lent(self, connection: Any) -> None:
        lending.lent(connection)

    def close_pool(self) -> None:
        """Close the pool, and the one that is reserved for the engine."""
        super().close_pool()
        if reserved := ReservedWrapper.pools.pop(self.alias, None):
            reserved.close(timeout=1)

    def _close(self) -> None:
        if self.connection is not None:
            lending.returned(self.connection)
        self._open_cursors.clear()
        super()._close()  # type: ignore[misc]  # the stubs leave it out

    def _configure_connection(self, connection: Any) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(VANISHED_CLIENTS)
        super()._configure_connection(connection)  # type: ignore[misc]  # the stubs leave it out
        return True


class ReservedWrapper(DatabaseWrapper):
    """The engine's own way to the database through Django: a pool of its own, from which product code cannot borrow."""

    pools: dict[str, ConnectionPool[Any]] = {}
    _connection_pools = pools

    def _is_exhausted(self) -> bool:
        return False

    def _note_lent(self, connection: Any) -> None:
        """Count nothing: `lending` is about product code."""

    def _configure_connection(self, connection: Any) -> bool:
        # Behind a pooler it would stay with whoever gets the session next.
        if not self.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            with connection.cursor() as cursor:
                # Between two statements of the engine nothing takes long, and its locks keep others waiting.
                cursor.execute("SET idle_in_transaction_session_timeout TO '10s'")
        return super()._configure_connection(connection)


def _is_alive(connection: Any) -> bool:
    """Whether a pooled connection still works; asks the server only if there is something to read from it.

    An idle connection is silent: what makes it readable is the end of the server, or its last words.
    """
    try:
        news = select.poll()
        news.register(connection.pgconn.socket, select.POLLIN)
        if news.poll(0):
            ConnectionPool.check_connection(connection)
    except (psycopg.Error, OSError):
        connection.close()
        return False
    return True
