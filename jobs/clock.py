"""The engine's time: the database's clock decides what is due, and tests may shift it."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

# The distance between the engine's time and the real one. Only tests and `jobs.testing` change it.
_shift = timedelta(0)


def now() -> datetime:
    """Return the engine's time as this process sees it; for due times, ask the database."""
    return datetime.now(UTC) + _shift


def sql(statement: str) -> str:
    """Return a statement with each `{now}` replaced by the database's engine time.

    It is the statement's own time, which an index condition may use: a volatile clock would scan the table.
    """
    return _rendered(statement, _shift)


@functools.lru_cache(maxsize=512)
def _rendered(statement: str, distance: timedelta) -> str:
    moment = "statement_timestamp()"
    if distance:
        moment = f"(statement_timestamp() + interval '{distance.total_seconds()} seconds')"
    return statement.replace("{now}", moment)


def shift(by: timedelta) -> None:
    """Move the engine's time in this process; negative goes back."""
    global _shift
    _shift += by


@contextmanager
def shifted() -> Iterator[None]:
    """Undo at the end whatever shifting happens inside."""
    global _shift
    before = _shift
    try:
        yield
    finally:
        _shift = before
