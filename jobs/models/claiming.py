"""The statements by which workers take runs, show that they live, and free the runs of those that died.

A claim takes due runs in the order of their index, so it costs the same with a million rows behind it. Two claims
at once never take the same run: each locks what it looks at and skips what the other has locked.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs import clock, serialize
from jobs.journal import Claimed, Entry
from jobs.models.run import place
from jobs.types import Event

STARTED = """
status = 'RUNNING', run_at = NULL, rank = NULL, lease = run.lease + 1, worker = %s,
started_at = coalesce(run.started_at, {now}), collecting = NULL, woken = false, blocked_by = NULL,
deadline = CASE WHEN run.started_at IS NULL THEN {now} + interval '1 second' * run.finish_within
                ELSE run.deadline END
"""

CLAIMED = """
run.id, run.function, run.lease, run.attempt, run.crashes, run.steps, run.trigger, run.subject,
run.parent_run, run.parent_step, run.concurrency_1, run.concurrency_2
"""

READ = """
SELECT claimed.id, function, lease, attempt, crashes, steps, trigger, subject, parent_run, parent_step,
       concurrency_1, concurrency_2, {now}, event.id, event.name, event.data::text, event.external_id, event.ts
FROM claimed
LEFT JOIN jobs_runevent AS link ON link.run_id = claimed.id
LEFT JOIN jobs_event AS event ON event.id = link.event_id
ORDER BY claimed.place, claimed.id, link.position
"""

# The limit is written into the text: with a parameter, a generic plan could sort the whole table.
#
# A due run of a paused function is put aside: it leaves the indexes that claims read until the function goes on. The
# lock makes whoever resumes the function wait until the runs can be seen that are put aside at this moment.
_CLAIM = f"""
WITH due AS (
    SELECT id, function, run_at AS place FROM jobs_run
    WHERE run_at <= {{now}} AND run_at IS NOT NULL AND rank IS NULL
    ORDER BY run_at, id LIMIT {{limit}} FOR UPDATE SKIP LOCKED
), ranked AS (
    SELECT id, function, rank AS place FROM jobs_run
    WHERE rank <= {{now}} + interval '600 seconds' AND rank IS NOT NULL AND NOT gated AND blocked_by IS NULL
      AND run_at <= {{now}}
    ORDER BY rank, id LIMIT {{limit}} FOR UPDATE SKIP LOCKED
), chosen AS (
    SELECT id, place, function IN (SELECT id FROM jobs_functionstate WHERE paused FOR SHARE SKIP LOCKED) AS aside
    FROM (SELECT * FROM due UNION ALL SELECT * FROM ranked) AS candidates
    ORDER BY place, id LIMIT {{limit}}
), put_aside AS (
    UPDATE jobs_run AS run SET status = 'QUEUED', rank = place, collecting = NULL, blocked_by = 'paused ' || function
    FROM chosen WHERE run.id = chosen.id AND aside
), claimed AS (
    UPDATE jobs_run AS run SET {STARTED}
    FROM chosen WHERE run.id = chosen.id AND NOT aside
    RETURNING {CLAIMED}, place
)
{READ}
"""

_JOURNAL = """
SELECT run_id, key, name, index, op, status, started_at, ended_at, wake_at,
       output::text, error::text, attempts::text, tries, child
FROM jobs_step WHERE run_id = ANY(%s::uuid[])
"""

# A row that an INSERT made has no xmax: the worker was new, or forgotten.
_BEAT = """
INSERT INTO jobs_worker (id, host, pid, started_at, seen_at, slots, busy, version, starving, stuck_seconds)
VALUES (%s, %s, %s, {now}, {now}, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE
SET seen_at = excluded.seen_at, busy = excluded.busy, host = excluded.host, pid = excluded.pid,
    slots = excluded.slots, version = excluded.version, starving = excluded.starving,
    stuck_seconds = excluded.stuck_seconds
RETURNING xmax = 0, clock_timestamp()
"""

_HELD = """
SELECT id FROM unnest(%s::uuid[], %s::bigint[]) AS flight(id, lease)
WHERE EXISTS (SELECT 1 FROM jobs_run WHERE jobs_run.id = flight.id AND jobs_run.lease = flight.lease)
"""

_GIVE_SLOTS_BACK = """, given_back AS (
    INSERT INTO jobs_freedkey (key)
    SELECT DISTINCT key FROM queued CROSS JOIN LATERAL (VALUES (concurrency_1), (concurrency_2)) AS slot(key)
    WHERE key IS NOT NULL
)
SELECT count(*) FROM queued
"""

# A run that gained steps since it was last settled has made progress, so its worker's death counts as the first.
# After three deaths in a row each waits longer, and for another time than those it shared the worker with: the one
# that kills would otherwise meet the same innocent ones again and again, until all of them had died too often.
_FREE = f"""
WITH held AS (
    SELECT id, steps, crashes,
           (SELECT count(*) FROM jobs_step AS step WHERE step.run_id = run.id
             AND (step.status IN ('COMPLETED', 'FAILED') OR (step.status = 'SLEEPING' AND step.wake_at <= {{now}}))
           ) AS finished
    FROM jobs_run AS run
    WHERE status = 'RUNNING' AND worker = ANY(%s::uuid[])
    FOR UPDATE OF run SKIP LOCKED
), counted AS (
    SELECT id, finished, CASE WHEN finished > steps THEN 1 ELSE crashes + 1 END AS deaths FROM held
), paused AS (
    SELECT *, interval '1 second' * CASE WHEN deaths > 3 THEN least(600, 2 ^ least(deaths - 3, 6)
        * row_number() OVER (PARTITION BY deaths > 3 ORDER BY random())) ELSE 0 END AS pause
    FROM counted
), queued AS (
    UPDATE jobs_run AS run
    SET status = 'QUEUED', lease = run.lease + 1, steps = finished, crashes = deaths, current_step = '',
        attempt = CASE WHEN finished > run.steps THEN 0 ELSE run.attempt END,
        run_at = {{now}} + pause, rank = {place("{now} + pause", "run")}
    FROM paused WHERE run.id = paused.id
    RETURNING concurrency_1, concurrency_2
){_GIVE_SLOTS_BACK}
"""

_FORGET_FREED = """
DELETE FROM jobs_worker AS dead
WHERE id = ANY(%s::uuid[])
  AND NOT EXISTS (SELECT 1 FROM jobs_run WHERE status = 'RUNNING' AND worker = dead.id)
"""

_SILENT = """
SELECT id, extract(epoch FROM {now} - seen_at) FROM jobs_worker WHERE seen_at < {now} - interval '1 second' * %s
"""

# After a database crash the heartbeat table is empty. A holder without a row gets one, so it has a whole interval
# to report in before it counts as silent.
_ADOPT = """
INSERT INTO jobs_worker (id, host, pid, started_at, seen_at, slots, busy, version, starving, stuck_seconds)
SELECT DISTINCT run.worker, '', 0, {now}, {now}, 0, 0, '', 0, 0 FROM jobs_run AS run
WHERE run.status = 'RUNNING' AND NOT EXISTS (SELECT 1 FROM jobs_worker AS known WHERE known.id = run.worker)
ON CONFLICT (id) DO NOTHING
"""

_HAND_BACK = f"""
WITH queued AS (
    UPDATE jobs_run
    SET status = 'QUEUED', run_at = {{now}}, lease = lease + 1, current_step = '', rank = {place("{now}")}
    WHERE status = 'RUNNING' AND worker = %s AND NOT (id = ANY(%s::uuid[]))
    RETURNING concurrency_1, concurrency_2
){_GIVE_SLOTS_BACK}
"""

_SIZES = (256, 128, 64, 32, 16, 8, 4, 2, 1)


def claim(cursor: Any, worker: UUID, most: int) -> list[Claimed]:
    """Take up to `most` due runs that have no limits; rounded down, so that few texts need to be prepared."""
    size = next(size for size in _SIZES if size <= most)
    cursor.execute(clock.sql(_CLAIM.replace("{limit}", str(size))), [worker])
    return claimed_runs(cursor)


def claimed_runs(cursor: Any) -> list[Claimed]:
    """Return the runs that a claim's statement has taken, with their events and journals."""
    runs: dict[UUID, Claimed] = {}
    for row in cursor.fetchall():
        run_id, function, lease, attempt, crashes, steps, trigger, subject, parent, step, one, two, now = row[:13]
        run = runs.get(run_id)
        if run is None:
            run = runs[run_id] = Claimed(run_id, function, lease, attempt, crashes, steps, now, trigger, subject)
            if parent is not None:
                run.parent = (parent, step)
            run.slots = [key for key in (one, two) if key is not None]
        _add_event(run, *row[13:])
    again = [run.run_id for run in runs.values() if run.lease > 1]
    if again:
        _bring_journals(cursor, runs, again)
    return list(runs.values())


def _add_event(run: Claimed, event_id: UUID | None, name: str, data: str, external_id: str, ts: int) -> None:
    if event_id is None:
        return
    run.event_ids.append(event_id)
    # The values were checked when the event was accepted.
    run.events.append(
        Event.model_construct(name=name, data=serialize.loads(data), id=external_id or str(event_id), ts=ts)
    )


def _bring_journals(cursor: Any, runs: dict[UUID, Claimed], ids: list[UUID]) -> None:
    cursor.execute(_JOURNAL, [ids])
    for run_id, *columns, output, error, attempts, tries, child in cursor.fetchall():
        entry = Entry(
            *_entry_columns(columns),
            output=output,
            error=serialize.loads(error) if error else None,
            attempts=serialize.loads(attempts) if attempts else [],
            tries=tries,
            child=child,
        )
        runs[run_id].journal[entry.key] = entry


def _entry_columns(
    columns: Iterable[Any],
) -> tuple[str, str, int, str, str, datetime, datetime | None, datetime | None]:
    key, name, index, op, status, started_at, ended_at, wake_at = columns
    return key, name, index, op, status, started_at, ended_at, wake_at


@dataclass(frozen=True)
class Report:
    """What a worker process says of itself."""

    host: str
    pid: int
    slots: int
    busy: int
    version: str
    starving: int
    stuck_seconds: float


def beat(cursor: Any, worker: UUID, report: Report) -> bool:
    """Say that this worker process lives, and hear the database's time; returns whether nobody knew the worker."""
    asked = time.monotonic()
    cursor.execute(clock.sql(_BEAT), [worker, *astuple(report)])
    is_new, now = cursor.fetchone()
    clock.heard(now, asked)
    return bool(is_new)


def held(cursor: Any, leases: Mapping[UUID, int]) -> set[UUID]:
    """Return those of these runs whose lease is still this one."""
    cursor.execute(_HELD, [list(leases), list(leases.values())])
    return {row[0] for row in cursor.fetchall()}


def free_runs_of(cursor: Any, workers: list[UUID]) -> int:
    """Queue the runs of dead workers again and forget those workers; returns how many runs it were.

    A run that somebody is writing at this moment is passed over, and its worker stays known for the next round.
    """
    cursor.execute(clock.sql(_FREE), [workers])
    freed: int = cursor.fetchone()[0]
    cursor.execute(_FORGET_FREED, [workers])
    return freed


def silent(cursor: Any, seconds: float) -> dict[UUID, float]:
    """Return the workers that said nothing for so long, and for how many seconds each has been silent."""
    cursor.execute(clock.sql(_ADOPT))
    cursor.execute(clock.sql(_SILENT), [seconds])
    return {worker: float(silence) for worker, silence in cursor.fetchall()}


def workers_on(cursor: Any, host: str) -> list[UUID]:
    """Return the worker processes that report from this host."""
    cursor.execute("SELECT id FROM jobs_worker WHERE host = %s", [host])
    return [row[0] for row in cursor.fetchall()]


def unknown(cursor: Any, workers: list[UUID]) -> list[UUID]:
    """Return those of these worker processes that are forgotten."""
    cursor.execute(
        "SELECT id FROM unnest(%s::uuid[]) AS w(id) WHERE NOT EXISTS (SELECT 1 FROM jobs_worker WHERE id = w.id)",
        [workers],
    )
    return [row[0] for row in cursor.fetchall()]


def hand_back(cursor: Any, worker: UUID, *, except_for: Iterable[UUID] = ()) -> int:
    """Queue again what this worker holds besides the given runs; returns how many runs it were."""
    cursor.execute(clock.sql(_HAND_BACK), [worker, list(except_for)])
    return int(cursor.fetchone()[0])


def forget(cursor: Any, worker: UUID) -> None:
    """Remove a worker that stops in order."""
    cursor.execute("DELETE FROM jobs_worker WHERE id = %s", [worker])
