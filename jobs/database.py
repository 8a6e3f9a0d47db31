"""The engine's own database connections: a small pool per worker process, opened after the fork."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg_pool import ConnectionPool

from jobs import conf, pooler
from jobs.moments import ReadableLoader
from jobs.postgresql.base import VANISHED_CLIENTS

AWAY = (psycopg.OperationalError, psycopg.InterfaceError, *pooler.CONFUSED)
"""What a statement raises when server or session are gone: try again, the write is fenced. A full pool is one, too."""

_PATIENCE_SECONDS = 2.0
"""How long a borrower waits for a connection before it hears that the server is away."""

PREPARE_AFTER = 2
"""Uses of a statement before it is prepared on its connection."""


def parameters() -> dict[str, Any]:
    """Return how to connect, as Django's settings say, without Django's own cursors and adapters."""
    wanted = connections[DEFAULT_DB_ALIAS].get_connection_params()
    for name in ("context", "cursor_factory", "prepare_threshold"):
        wanted.pop(name, None)
    return {
        # A host that cannot be reached any more is noticed in 20 s, unless the settings say otherwise.
        **{"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000},
        **wanted,
        "autocommit": True,
        "prepare_threshold": None if conf.settings().PREPARE is False else PREPARE_AFTER,
        "connect_timeout": 5,
    }


def connect() -> psycopg.Connection[Any]:
    """Open one connection."""
    connection = psycopg.connect(**parameters())
    configure(connection)
    return connection


def configure(connection: psycopg.Connection[Any]) -> None:
    """Keep the planner to the indexes the statements are made for, whatever its statistics say of a young table."""
    connection.adapters.register_loader("timestamptz", ReadableLoader)
    if pooler.is_between(connection):
        connection.prepare_threshold = None
    else:
        # A process that is stopped amid a claim, or whose host is gone, must not keep locks from all others.
        connection.execute(f"SET idle_in_transaction_session_timeout TO '10s'; {VANISHED_CLIENTS}")
        connection.execute(
            "SET enable_seqscan TO off; SET enable_hashjoin TO off; SET enable_mergejoin TO off; SET jit TO off"
        )


def pool() -> ConnectionPool[Any]:
    """Open the pool from which the writes of a worker process borrow."""
    opened: ConnectionPool[Any] = ConnectionPool(
        kwargs=parameters(),
        configure=configure,
        reset=pooler.leave_plain,
        min_size=1,
        max_size=conf.settings().POOL_SIZE,
        timeout=_PATIENCE_SECONDS,
        # Its own patience doubles the pause after each failure: minutes of deafness after a long outage. Who borrows
        # asks again and again anyway, and that is what makes it try anew.
        reconnect_timeout=_PATIENCE_SECONDS / 2,
        num_workers=1,
        name="jobs",
        open=True,
    )
    return opened


def give_back() -> None:
    """Return the connection of this thread to the pool, unless a transaction is under way on it."""
    if not connections["default"].in_atomic_block:
        connections["default"].close()
