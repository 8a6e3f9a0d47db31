"""Times that PostgreSQL can hold and Python cannot: they are read as the first or last that can be shown anywhere.

One row with such a time, whoever wrote it, would otherwise end every page and every claim that meets it.
"""

import functools
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg.types.datetime import TimestamptzLoader

# A day or more from the edges of Python's calendar, so that no time zone leads over them.
EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
LATEST = datetime(9999, 12, 29, tzinfo=UTC)


def readable(load: Any, data: Any) -> datetime:
    """Return what a loader makes of a time, or the nearest one that Python can hold."""
    try:
        moment: datetime = load(data)
    except (psycopg.DataError, OverflowError, ValueError):
        text = bytes(data)
        return EARLIEST if text.startswith(b"-") or text.rstrip().endswith(b"BC") else LATEST
    if moment.year in (1, 9999):
        return max(EARLIEST, min(LATEST, moment)) if moment.tzinfo else moment
    return moment


class ReadableLoader(TimestamptzLoader):
    """Reads any `timestamptz`."""

    def load(self, data: Any) -> datetime:
        """Return the time, or the nearest that Python can hold."""
        return readable(super().load, data)


def teach_django() -> None:
    """Let the rows of models be read as well, whatever times they hold."""
    load = BaseTzLoader.load

    def load_any(self: BaseTzLoader, data: Any) -> datetime:
        return readable(functools.partial(load, self), data).replace(tzinfo=self.timezone)

    if load.__name__ != load_any.__name__:
        BaseTzLoader.load = load_any
