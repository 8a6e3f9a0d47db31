"""The engine's own database connections: a small pool per worker process, opened after the fork."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connections
from psycopg_pool import ConnectionPool

from jobs import conf
from jobs.moments import ReadableLoader

AWAY = (psycopg.OperationalError, psycopg.InterfaceError)
"""What a statement raises when the server is gone: try again, the write is fenced. A full pool is one of them."""

_PATIENCE_SECONDS = 2.0
"""How long a borrower waits for a connection before it hears that the server is away."""

PREPARE_AFTER = 2
"""Uses of a statement before it is prepared on its connection."""


def parameters() -> dict[str, Any]:
    """Return how to connect, as Django's settings say, without Django's own cursors and adapters."""
    wanted = connections["default"].get_connection_params()
    for name in ("context", "cursor_factory", "prepare_threshold"):
        wanted.pop(name, None)
    return {
        **wanted,
        "autocommit": True,
        "prepare_threshold": PREPARE_AFTER if conf.settings().PREPARE else None,
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
    if conf.settings().PREPARE:
        # A process that is stopped in the middle of a claim must not keep the gate from all others.
        connection.execute("SET idle_in_transaction_session_timeout TO '30s'")
        connection.execute(
            "SET enable_seqscan TO off; SET enable_hashjoin TO off; SET enable_mergejoin TO off; SET jit TO off"
        )


def pool() -> ConnectionPool[Any]:
    """Open the pool from which the writes of a worker process borrow."""
    opened: ConnectionPool[Any] = ConnectionPool(
        kwargs=parameters(),
        configure=configure,
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
