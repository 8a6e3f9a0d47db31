"""The statements behind the gate: runs that have to ask, the slots their keys have left, and whose turn it is.

Runs that cannot start are put behind the key that stops them and are not looked at again until that key has room.
Slots are never kept, only counted: a key's taken slots are its runs that are RUNNING at this moment.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs import clock
from jobs.journal import Claimed
from jobs.models.claiming import CLAIMED, READ, STARTED, claimed_runs

MOST = 256
"""Runs that one claim looks at."""

# One claim at a time decides who starts. Whoever comes second does not wait: the first one does its work as well.
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('jobs'), hashtext('gate'))"

_COLUMNS = "id, function, rank, concurrency_1, concurrency_2, throttle_key, started_at IS NULL AS first"

_CANDIDATES = f"""
SELECT {_COLUMNS} FROM jobs_run
WHERE gated AND rank <= {{now}} + interval '600 seconds' AND rank IS NOT NULL AND blocked_by IS NULL
  AND run_at <= {{now}}
ORDER BY rank, id LIMIT {MOST} FOR UPDATE SKIP LOCKED
"""

_BEHIND = f"""
SELECT {_COLUMNS} FROM (SELECT * FROM json_to_recordset(%s::json) AS wanted(key text, most int)) AS wanted
CROSS JOIN LATERAL (
    SELECT * FROM jobs_run WHERE blocked_by = wanted.key AND NOT (id = ANY(%s::uuid[]))
    ORDER BY rank, id LIMIT wanted.most FOR UPDATE SKIP LOCKED
) AS run
"""

_TAKEN = """
SELECT key,
       (SELECT count(*) FROM jobs_run WHERE status = 'RUNNING' AND concurrency_1 = key)
       + (SELECT count(*) FROM jobs_run WHERE status = 'RUNNING' AND concurrency_2 = key)
FROM unnest(%s::text[]) AS wanted(key)
"""

_ARRIVALS = "SELECT key, arrival FROM jobs_throttle WHERE key = ANY(%s::text[])"

_DUE_KEYS = "SELECT key, arrival FROM jobs_throttle WHERE wake_at <= {now} ORDER BY wake_at LIMIT 100"

_SET_ARRIVALS = """
INSERT INTO jobs_throttle (key, arrival, wake_at)
SELECT key, arrival, wake_at
FROM json_to_recordset(%s::json) AS t(key text, arrival timestamptz, wake_at timestamptz)
ON CONFLICT (key) DO UPDATE SET arrival = excluded.arrival, wake_at = excluded.wake_at
"""

_START = f"""
WITH claimed AS (
    UPDATE jobs_run AS run SET {STARTED}
    FROM (SELECT id, rank AS place FROM jobs_run WHERE id = ANY(%s::uuid[])) AS chosen
    WHERE run.id = chosen.id
    RETURNING {CLAIMED}, place
)
{READ}
"""

_PUT_BEHIND = """
UPDATE jobs_run AS run SET status = 'QUEUED', blocked_by = put.key, collecting = NULL
FROM json_to_recordset(%s::json) AS put(id uuid, key text)
WHERE run.id = put.id AND run.blocked_by IS DISTINCT FROM put.key
"""

# One is enough: the claim that looks at it brings along as many as there is room for.
_LET_LOOK = """
UPDATE jobs_run SET blocked_by = NULL WHERE id IN (
    SELECT (SELECT id FROM jobs_run WHERE blocked_by = freed.key ORDER BY rank, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    FROM (SELECT DISTINCT key FROM unnest(%s::text[]) AS k(key)) AS freed
)
RETURNING id
"""

_KEYS_WITH_BLOCKED = """
WITH RECURSIVE keys(key, function) AS (
    (SELECT blocked_by, function FROM jobs_run WHERE blocked_by IS NOT NULL ORDER BY blocked_by, rank, id LIMIT 1)
    UNION ALL
    SELECT following.* FROM keys CROSS JOIN LATERAL (
        SELECT blocked_by, function FROM jobs_run WHERE blocked_by > keys.key
        ORDER BY blocked_by, rank, id LIMIT 1
    ) AS following
)
SELECT key, function FROM keys
"""

_RELEASE = "UPDATE jobs_run SET blocked_by = NULL WHERE id = ANY(%s::uuid[]) AND blocked_by IS NOT NULL"

_WAKE_KEYS = """
INSERT INTO jobs_throttle (key, arrival, wake_at) SELECT key, {now}, {now} FROM unnest(%s::text[]) AS k(key)
ON CONFLICT (key) DO UPDATE SET wake_at = excluded.wake_at WHERE jobs_throttle.wake_at IS NULL
"""

_PAUSED = "SELECT id FROM jobs_functionstate WHERE paused"

_RESUME = """
UPDATE jobs_run SET blocked_by = NULL, rank = CASE WHEN priority <> 0 OR gated THEN rank END
WHERE id IN (SELECT id FROM jobs_run WHERE blocked_by = %s ORDER BY rank, id LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A due run that has to ask; `place` orders those who ask at once."""

    id: UUID
    function: str
    place: datetime
    keys: tuple[str | None, str | None]
    throttle_key: str | None
    first: bool


@dataclass(slots=True)
class Arrival:
    """What is kept of a throttled key: see `jobs.models.Throttle`."""

    key: str
    arrival: datetime
    wake_at: datetime | None = None


def lock(cursor: Any) -> bool:
    """Take the gate for this transaction; False if another worker has it."""
    cursor.execute(_LOCK)
    return bool(cursor.fetchone()[0])


def now(cursor: Any) -> datetime:
    """Return the database's engine time."""
    cursor.execute(clock.sql("SELECT {now}"))
    moment: datetime = cursor.fetchone()[0]
    return moment


def candidates(cursor: Any) -> list[Candidate]:
    """Return the due runs that are to be looked at, in their order."""
    cursor.execute(clock.sql(_CANDIDATES))
    return _candidates(cursor)


def behind(cursor: Any, wanted: Mapping[str, int], *, except_for: Iterable[UUID]) -> list[Candidate]:
    """Return the first so many runs behind each key."""
    rows = json.dumps([{"key": key, "most": most} for key, most in wanted.items()])
    cursor.execute(_BEHIND, [rows, list(except_for)])
    return _candidates(cursor)


def _candidates(cursor: Any) -> list[Candidate]:
    return [
        Candidate(pk, function, place, (one, two), throttle, first)
        for pk, function, place, one, two, throttle, first in cursor.fetchall()
    ]


def taken(cursor: Any, keys: Iterable[str]) -> dict[str, int]:
    """Return how many slots of each key are taken."""
    cursor.execute(_TAKEN, [sorted(keys)])
    return dict(cursor.fetchall())


def arrivals(cursor: Any, keys: Iterable[str]) -> dict[str, Arrival]:
    """Return what is kept of throttled keys."""
    cursor.execute(_ARRIVALS, [sorted(keys)])
    return {key: Arrival(key, arrival) for key, arrival in cursor.fetchall()}


def due_keys(cursor: Any) -> dict[str, Arrival]:
    """Return the throttled keys whose waiting runs are to be looked at now."""
    cursor.execute(clock.sql(_DUE_KEYS))
    return {key: Arrival(key, arrival) for key, arrival in cursor.fetchall()}


def set_arrivals(cursor: Any, changed: Iterable[Arrival]) -> None:
    """Keep what has become of throttled keys."""
    rows = [{"key": one.key, "arrival": one.arrival, "wake_at": one.wake_at} for one in changed]
    cursor.execute(_SET_ARRIVALS, [json.dumps(rows, default=str)])


def start(cursor: Any, worker: UUID, ids: Sequence[UUID]) -> list[Claimed]:
    """Take these runs for this worker."""
    cursor.execute(clock.sql(_START), [worker, list(ids)])
    return claimed_runs(cursor)


def put_behind(cursor: Any, keys: Mapping[UUID, str]) -> None:
    """Put runs behind the key that has no room for them."""
    cursor.execute(_PUT_BEHIND, [json.dumps([{"id": str(pk), "key": key} for pk, key in keys.items()])])


def release(cursor: Any, ids: Iterable[UUID]) -> None:
    """Leave runs to the next claim, whatever they waited for."""
    cursor.execute(_RELEASE, [list(ids)])


def wake_keys(cursor: Any, keys: Sequence[str]) -> None:
    """Have the runs behind throttled keys looked at now, where nothing is planned for them."""
    cursor.execute(clock.sql(_WAKE_KEYS), [list(keys)])


def let_look(cursor: Any, keys: Sequence[str]) -> int:
    """Have the first run behind each key looked at again; returns how many runs it were."""
    cursor.execute(_LET_LOOK, [list(keys)])
    return int(cursor.rowcount)


LET_LOOK = _LET_LOOK
"""The same for a writer that sends several statements at once; takes a list of keys."""


def keys_with_blocked(cursor: Any) -> list[tuple[str, str]]:
    """Return every key that runs wait behind, with the function of the first of them."""
    cursor.execute(_KEYS_WITH_BLOCKED)
    return [(key, function) for key, function in cursor.fetchall()]


def paused_functions(cursor: Any) -> set[str]:
    """Return the functions that people have paused."""
    cursor.execute(_PAUSED)
    return {row[0] for row in cursor.fetchall()}


def resume(cursor: Any, function: str) -> int:
    """Give a portion of what was put aside while a function was paused back to the claims; returns how many."""
    cursor.execute(_RESUME, [f"paused {function}"])
    return int(cursor.rowcount)
