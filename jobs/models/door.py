"""The statements of the door: what decides whether an event starts a run, read under locks on the keys it concerns."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs import clock

# In the order of their numbers, so that two senders of the same keys wait for each other instead of deadlocking.
_LOCK = """
SELECT pg_advisory_xact_lock(number) FROM (
    SELECT DISTINCT hashtextextended(key, 0) AS number FROM unnest(%s::text[]) AS k(key) ORDER BY number
) AS numbers
"""

# A run that a worker is about to start is skipped by that worker, or found to collect no longer.
_COLLECTING = "SELECT collecting, id, collected FROM jobs_run WHERE collecting = ANY(%s::text[]) FOR UPDATE"

_SINGLETONS = """
SELECT singleton_key, id FROM jobs_run WHERE singleton_key = ANY(%s::text[]) AND ended_at IS NULL ORDER BY id
"""

_LIVE_BY_VALUE = """
SELECT run.id FROM jobs_seenid AS seen
JOIN jobs_runevent AS link ON link.event_id = seen.event
JOIN jobs_run AS run ON run.id = link.run_id
WHERE seen.id = ANY(%s::text[]) AND run.function = %s AND run.ended_at IS NULL
"""

_ARRIVALS = "SELECT key, arrival FROM jobs_throttle WHERE key = ANY(%s::text[])"

_SET_ARRIVALS = """
INSERT INTO jobs_throttle (key, arrival)
SELECT key, arrival FROM json_to_recordset(%s::json) AS t(key text, arrival timestamptz)
ON CONFLICT (key) DO UPDATE SET arrival = excluded.arrival
"""


@dataclass(slots=True)
class Collecting:
    """A run that goes on collecting events, and how many it has."""

    run: UUID
    count: int


def lock(cursor: Any, keys: Iterable[str]) -> datetime:
    """Hold these keys until the transaction ends, and return the database's engine time."""
    cursor.execute(_LOCK, [list(keys)])
    cursor.execute(clock.sql("SELECT {now}"))
    now: datetime = cursor.fetchone()[0]
    return now


def collecting(cursor: Any, keys: Iterable[str]) -> dict[str, Collecting]:
    """Return the runs that collect events under these keys."""
    cursor.execute(_COLLECTING, [list(keys)])
    return {key: Collecting(run, count) for key, run, count in cursor.fetchall()}


def singletons(cursor: Any, keys: Iterable[str]) -> dict[str, list[UUID]]:
    """Return the live runs under these keys."""
    cursor.execute(_SINGLETONS, [list(keys)])
    live: dict[str, list[UUID]] = {}
    for key, run in cursor.fetchall():
        live.setdefault(key, []).append(run)
    return live


def live_by_value(cursor: Any, keys: Iterable[str], function: str) -> list[UUID]:
    """Return the live runs of a function that were the first for these values."""
    cursor.execute(_LIVE_BY_VALUE, [list(keys), function])
    return [row[0] for row in cursor.fetchall()]


def arrivals(cursor: Any, keys: Iterable[str]) -> dict[str, datetime]:
    """Return the arrival times that are kept for rate-limited keys."""
    cursor.execute(_ARRIVALS, [list(keys)])
    return dict(cursor.fetchall())


def set_arrivals(cursor: Any, changed: Mapping[str, datetime]) -> None:
    """Keep these arrival times."""
    rows = [{"key": key, "arrival": arrival.isoformat()} for key, arrival in changed.items()]
    cursor.execute(_SET_ARRIVALS, [json.dumps(rows)])
