"""The statements behind the gate: runs that have to ask, the slots their keys have left, and whose turn it is.

Runs that cannot start are put behind the key that stops them and are not looked at again until that key has room.
Slots are never kept, only counted: a key's taken slots are its runs that are RUNNING at this moment. Whoever gives one
back leaves the key in `jobs_freedkey`. That row comes to be seen together with the free slot, so whichever claim has
not counted the slot finds the row, however long either transaction takes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs import clock
from jobs.journal import Claimed
from jobs.models.claiming import CLAIMED, READ, STARTED, claimed_runs
from jobs.models.run import place

MOST = 256
"""Runs that one claim looks at."""

# One claim at a time decides who starts. Whoever comes second does not wait: the first one does its work as well.
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('jobs'), hashtext('gate'))"

# Before anything is counted: whose slot is not counted as free, its key is found by the next claim.
#
# Whoever resumes a function waits for a claim that may put its runs aside, and then finds them. One that is being
# resumed at this moment counts as resumed.
_BEGIN = """
WITH freed AS (
    DELETE FROM jobs_freedkey WHERE id IN (SELECT id FROM jobs_freedkey ORDER BY id LIMIT 500) RETURNING key
), turns AS (
    SELECT key, arrival FROM jobs_throttle WHERE wake_at <= {now} ORDER BY wake_at LIMIT 100
), paused AS (
    SELECT id FROM jobs_functionstate WHERE paused FOR SHARE SKIP LOCKED
)
SELECT 'now', '', {now} UNION ALL SELECT 'freed', key, NULL FROM freed
UNION ALL SELECT 'turn', key, arrival FROM turns UNION ALL SELECT 'paused', id, NULL FROM paused
"""

_COLUMNS = "id, function, rank, concurrency_1, concurrency_2, throttle_key, started_at IS NULL AS first, blocked_by"

# Only a priority can make the place of a due run lie in the future, so without one no run that sleeps is looked at.
_CANDIDATES = f"""
WITH equal AS (
    SELECT {_COLUMNS} FROM jobs_run
    WHERE gated AND priority = 0 AND rank <= {{now}} AND rank IS NOT NULL AND blocked_by IS NULL
    ORDER BY rank, id LIMIT {MOST} FOR UPDATE SKIP LOCKED
), moved AS (
    SELECT {_COLUMNS} FROM jobs_run
    WHERE gated AND priority <> 0 AND rank <= {{now}} + interval '600 seconds' AND rank IS NOT NULL
      AND blocked_by IS NULL AND run_at <= {{now}}
    ORDER BY rank, id LIMIT {MOST} FOR UPDATE SKIP LOCKED
)
SELECT * FROM equal UNION ALL SELECT * FROM moved ORDER BY rank, id LIMIT {MOST}
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
       + (SELECT count(*) FROM jobs_run WHERE status = 'RUNNING' AND concurrency_2 = key
          AND concurrency_1 IS DISTINCT FROM key)
FROM unnest(%s::text[]) AS wanted(key)
"""

_ARRIVALS = "SELECT key, arrival, wake_at FROM jobs_throttle WHERE key = ANY(%s::text[])"

_SET_ARRIVALS = """
INSERT INTO jobs_throttle (key, arrival, wake_at)
SELECT key, arrival, wake_at
FROM json_to_recordset(%s::json) AS t(key text, arrival timestamptz, wake_at timestamptz)
ON CONFLICT (key) DO UPDATE SET arrival = excluded.arrival, wake_at = excluded.wake_at
"""

# The moment of the decision is that of the start, so that what is recorded is what was decided.
_START = f"""
WITH moment AS (
    SELECT %s::timestamptz AS at
), claimed AS (
    UPDATE jobs_run AS run SET {STARTED.replace("{now}", "moment.at")}
    FROM moment, (SELECT id, rank AS place FROM jobs_run WHERE id = ANY(%s::uuid[])) AS chosen
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

FREE = "INSERT INTO jobs_freedkey (key) SELECT DISTINCT key FROM unnest(%s::text[]) AS k(key)"
"""Has the runs behind keys looked at, for a writer that sends several statements at once; takes a list of keys."""

# What this code does not know may be newer than it: another worker takes it.
_PUT_OFF = f"""
UPDATE jobs_run AS run
SET run_at = {{now}} + interval '1 second' * %s, rank = {place("{now} + interval '1 second' * %s", "run")},
    error = %s::json, blocked_by = NULL, collecting = NULL
WHERE id = ANY(%s::uuid[])
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
    behind: str | None


@dataclass(slots=True)
class Arrival:
    """What is kept of a throttled key: see `jobs.models.Throttle`."""

    key: str
    arrival: datetime
    wake_at: datetime | None = None


@dataclass(slots=True)
class Begun:
    """The engine's time, and the keys and functions that a claim has to know of."""

    now: datetime = field(default_factory=clock.now)
    turns: dict[str, Arrival] = field(default_factory=dict)
    freed: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)


def lock(cursor: Any) -> bool:
    """Take the gate for this transaction; False if another worker has it."""
    cursor.execute(_LOCK)
    return bool(cursor.fetchone()[0])


def begin(cursor: Any) -> Begun:
    """Return what a claim begins with; what is freed or due counts as looked at, and nothing is resumed meanwhile."""
    cursor.execute(clock.sql(_BEGIN))
    begun = Begun()
    for what, key, moment in cursor.fetchall():
        if what == "now":
            begun.now = moment
        elif what == "turn":
            begun.turns[key] = Arrival(key, moment)
        else:
            (begun.freed if what == "freed" else begun.paused).add(key)
    return begun


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
        Candidate(pk, function, rank, (one, two), throttle, first, behind)
        for pk, function, rank, one, two, throttle, first, behind in cursor.fetchall()
    ]


def taken(cursor: Any, keys: Iterable[str]) -> dict[str, int]:
    """Return how many slots of each key are taken."""
    cursor.execute(_TAKEN, [sorted(keys)])
    return dict(cursor.fetchall())


def arrivals(cursor: Any, keys: Iterable[str]) -> dict[str, Arrival]:
    """Return what is kept of throttled keys."""
    cursor.execute(_ARRIVALS, [sorted(keys)])
    return {key: Arrival(key, arrival, wake_at) for key, arrival, wake_at in cursor.fetchall()}


def set_arrivals(cursor: Any, changed: Iterable[Arrival]) -> None:
    """Keep what has become of throttled keys."""
    rows = [{"key": one.key, "arrival": one.arrival, "wake_at": one.wake_at} for one in changed]
    cursor.execute(_SET_ARRIVALS, [json.dumps(rows, default=str)])


def start(cursor: Any, worker: UUID, ids: Sequence[UUID], at: datetime) -> list[Claimed]:
    """Take these runs for this worker, at the moment of the decision."""
    cursor.execute(clock.sql(_START), [at, worker, list(ids)])
    return claimed_runs(cursor)


def put_behind(cursor: Any, keys: Mapping[UUID, str]) -> None:
    """Put runs behind the key that has no room for them."""
    cursor.execute(_PUT_BEHIND, [json.dumps([{"id": str(pk), "key": key} for pk, key in keys.items()])])


def put_off(cursor: Any, ids: Sequence[UUID], seconds: float, error: str) -> None:
    """Offer runs again after so many seconds, with an error as JSON that says why."""
    cursor.execute(clock.sql(_PUT_OFF), [seconds, seconds, error, list(ids)])


def free(cursor: Any, keys: Iterable[str]) -> None:
    """Have the runs behind keys looked at by the next claim, once this is committed."""
    cursor.execute(FREE, [sorted(keys)])


def paused_functions(cursor: Any) -> set[str]:
    """Return the functions that people have paused."""
    cursor.execute(_PAUSED)
    return {row[0] for row in cursor.fetchall()}


def resume(cursor: Any, function: str) -> int:
    """Give a portion of what was put aside while a function was paused back to the claims; returns how many."""
    cursor.execute(_RESUME, [f"paused {function}"])
    return int(cursor.rowcount)
