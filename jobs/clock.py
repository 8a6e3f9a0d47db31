"""The engine's time: the database's clock decides, on every host and for everything, and tests may shift it.

A host's own clock may be minutes wrong. It is asked only where no database has ever answered; otherwise this process
knows what the database said last, and how long ago that was by a clock that nobody sets.
"""

import functools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import Error, connection
from django.utils import timezone

from jobs.errors import InvalidDuration

ASK_SECONDS = 60.0
"""How often a process asks the database that hears its time in no other way, as a web server's."""

_FORGET_SECONDS = 30.0
_END_OF_TIME = 2200
# What asking may raise where there is no database, or where it must not be asked: in an event loop, or in a test
# that has none. The last known time goes on then.
_NO_ANSWER = (Error, psycopg.Error, SynchronousOnlyOperation, ImproperlyConfigured, RuntimeError, AssertionError)

# The distance between the engine's time and the real one. Only tests and `jobs.testing` change it.
_shift = timedelta(0)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the database's clock said, when that was here by the monotonic one, and how many seconds it took."""

    moment: datetime
    at: float
    took: float


_reading: Reading | None = None
_next_question = 0.0
_asking = threading.Lock()


def now() -> datetime:
    """Return the engine's time: the database's, as this process knows it. A duration is better sent to the database."""
    if time.monotonic() >= _next_question:
        _ask()
    return estimate()


def estimate() -> datetime:
    """Return the same without ever asking the database: before its first word, by this host's clock."""
    known = _reading
    if known is None:
        return datetime.now(UTC) + _shift
    return known.moment + timedelta(seconds=time.monotonic() - known.at) + _shift


def real_nanoseconds() -> int:
    """Return the unshifted time in nanoseconds since 1970, for ids."""
    known = _reading
    if known is None:
        return time.time_ns()
    return int(known.moment.timestamp() * 1e9) + int((time.monotonic() - known.at) * 1e9)


def heard(moment: datetime, asked: float) -> None:
    """Take note of the database's time, which a statement sent at `asked` (monotonic) has just returned.

    Of several answers the one that came fastest is the best, as long as it is not old: a stalled one is late.
    """
    global _reading, _next_question
    here = time.monotonic()
    known, took = _reading, here - asked
    if known is None or took <= 2 * known.took or here - known.at > _FORGET_SECONDS:
        _reading = Reading(moment.astimezone(UTC), here, took)
    _next_question = here + ASK_SECONDS


def _ask() -> None:
    global _next_question
    if not _asking.acquire(blocking=False):
        return
    try:
        _next_question = time.monotonic() + ASK_SECONDS
        is_open = connection.connection is not None
        with connection.cursor() as cursor:
            asked = time.monotonic()
            # Past Django's wrapper: the question is nobody's query, and a failure of it must not end a transaction.
            found = cursor.cursor.execute("SELECT clock_timestamp()").fetchone()
        heard(found[0], asked)
        if not is_open:
            connection.close()
    except _NO_ANSWER:
        return
    finally:
        _asking.release()


def absolute(moment: datetime) -> datetime:
    """Return a point in time in UTC; one without a zone is in the site's, `TIME_ZONE`.

    Raises InvalidDuration for what is no such point, or later than the year 2199: no page could show it everywhere.
    """
    if not isinstance(moment, datetime):
        raise InvalidDuration(f"A point in time must be a datetime, not {type(moment).__name__}")
    if moment.year >= _END_OF_TIME:
        raise InvalidDuration(f"{moment.isoformat()} is too late; a point in time must be before {_END_OF_TIME}")
    if moment.year <= 1:
        return datetime(1970, 1, 1, tzinfo=UTC)
    aware = timezone.make_aware(moment, timezone.get_default_timezone()) if timezone.is_naive(moment) else moment
    return aware.astimezone(UTC)


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
