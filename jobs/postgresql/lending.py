"""How long code may keep a connection of Django's pool: in a worker for a statement or a transaction, elsewhere freely.

Hundreds of runs of a worker wait for slow services at once, on a handful of connections. A run that kept the one of its
last query while it waits would keep it from all others.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from typing import Any

import psycopg

logger = logging.getLogger("jobs")

LOOK_SECONDS = 5.0
"""How long somebody waits for a connection before the log says who has them all."""
PATIENCE_SECONDS = 600.0
"""How long somebody waits at most; then it is a deadlock, such as a transaction that waits for one of its threads."""
_TOLD_EVERY = 30.0


class _Lending:
    """What this process lends, and who waits for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.workers = 0
        self.held: weakref.WeakSet[psycopg.Connection[Any]] = weakref.WeakSet()
        self.waiting: dict[int, float] = {}
        self.told = 0.0


_lending = _Lending()


def begin() -> None:
    """Lend by the statement from now on: this process is a worker."""
    with _lending.lock:
        _lending.workers += 1


def end() -> None:
    """Undo one `begin`."""
    with _lending.lock:
        _lending.workers -= 1


def by_statement() -> bool:
    """Whether a connection goes back after each statement that is in no transaction."""
    return _lending.workers > 0


def lent(connection: psycopg.Connection[Any]) -> None:
    """Take note that product code has this connection."""
    with _lending.lock:
        _lending.held.add(connection)


def returned(connection: psycopg.Connection[Any]) -> None:
    """Take note that product code has given this connection back."""
    with _lending.lock:
        _lending.held.discard(connection)


def waits() -> None:
    """Take note that the calling thread waits for a connection."""
    _lending.waiting.setdefault(threading.get_ident(), time.monotonic())


def waits_no_more() -> None:
    """Take note that the calling thread has a connection, or has given up."""
    _lending.waiting.pop(threading.get_ident(), None)


def starving() -> int:
    """Return how many threads have waited for a connection for longer than `LOOK_SECONDS`."""
    before = time.monotonic() - LOOK_SECONDS
    return sum(since <= before for since in list(_lending.waiting.values()))


def is_exhausted(most: int) -> bool:
    """Whether code of this process has all connections there may be; False where the server gives none."""
    with _lending.lock:
        return sum(not connection.closed for connection in _lending.held) >= most


def tell_exhausted(most: int) -> None:
    """Say in the log who waits for whom, once in a while."""
    now = time.monotonic()
    with _lending.lock:
        if now - _lending.told < _TOLD_EVERY:
            return
        _lending.told = now
    logger.warning(
        "%d threads wait for a database connection: all %d of this process are inside transaction.atomic() or an "
        "unfinished query. Keep calls of slow services outside of transactions, or raise DATABASE_POOL_SIZE",
        max(1, len(_lending.waiting)),
        most,
    )
