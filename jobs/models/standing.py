"""How things stand right now, in one statement whose cost does not grow with the tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from jobs import clock

MOST = 10_000
"""Unfinished runs that are counted at most."""
NO_HEARTBEAT = timedelta(seconds=60)

# Each part reads one partial index: a million queued runs are not counted one by one every ten seconds.
_STANDING = f"""
WITH live AS (
    (SELECT function, status FROM jobs_run
     WHERE run_at IS NOT NULL AND rank IS NULL AND blocked_by IS NULL LIMIT {MOST})
    UNION ALL (SELECT function, status FROM jobs_run
     WHERE rank IS NOT NULL AND NOT gated AND blocked_by IS NULL LIMIT {MOST})
    UNION ALL (SELECT function, status FROM jobs_run
     WHERE rank IS NOT NULL AND gated AND blocked_by IS NULL AND priority = 0 LIMIT {MOST})
    UNION ALL (SELECT function, status FROM jobs_run
     WHERE rank IS NOT NULL AND gated AND blocked_by IS NULL AND priority <> 0 LIMIT {MOST})
    UNION ALL (SELECT function, status FROM jobs_run WHERE status = 'WAITING' AND run_at IS NULL LIMIT {MOST})
    UNION ALL (SELECT function, status FROM jobs_run WHERE blocked_by IS NOT NULL LIMIT {MOST})
    UNION ALL (SELECT function, status FROM jobs_run WHERE status = 'RUNNING' LIMIT {MOST})
), due AS (
    (SELECT run_at FROM jobs_run WHERE run_at <= {{now}} AND rank IS NULL AND status = 'QUEUED'
     ORDER BY run_at, id LIMIT 1)
    UNION ALL (SELECT run_at FROM jobs_run
     WHERE rank IS NOT NULL AND NOT gated AND blocked_by IS NULL AND run_at <= {{now}} AND status = 'QUEUED'
     ORDER BY rank, id LIMIT 1)
    UNION ALL (SELECT run_at FROM jobs_run
     WHERE rank IS NOT NULL AND gated AND blocked_by IS NULL AND priority = 0 AND run_at <= {{now}}
       AND status = 'QUEUED'
     ORDER BY rank, id LIMIT 1)
), waking AS (
    SELECT run_at FROM jobs_run WHERE run_at > {{now}} AND rank IS NULL AND status IN ('SLEEPING', 'WAITING')
    ORDER BY run_at, id LIMIT 1
), working AS (SELECT busy, slots FROM jobs_worker WHERE seen_at >= %s)
SELECT (SELECT json_agg(json_build_array(function, status, n))
        FROM (SELECT function, status, count(*) AS n FROM live GROUP BY 1, 2) AS counted),
       (SELECT min(run_at) FROM due), (SELECT run_at FROM waking),
       (SELECT count(*) FROM working), (SELECT coalesce(sum(busy), 0) FROM working),
       (SELECT coalesce(sum(slots), 0) FROM working),
       (SELECT json_agg(json_build_array(id, paused_at, paused_by) ORDER BY id) FROM jobs_functionstate WHERE paused)
"""


@dataclass(frozen=True)
class Paused:
    """A function that somebody has paused."""

    function: str
    at: datetime
    by: str


@dataclass(frozen=True)
class Standing:
    """Unfinished runs by function and status, how long the oldest waits, when the next one wakes, the workers, and
    what is paused."""

    live: dict[tuple[str, str], int] = field(default_factory=dict)
    oldest: datetime | None = None
    wakes: datetime | None = None
    workers: int = 0
    busy: int = 0
    slots: int = 0
    paused: tuple[Paused, ...] = ()

    def of(self, *statuses: str) -> int:
        """Return how many runs are in these statuses."""
        return sum(n for (_, status), n in self.live.items() if status in statuses)


def standing() -> Standing:
    """Return how things stand."""
    with connection.cursor() as cursor:
        cursor.execute(clock.sql(_STANDING), [clock.now() - NO_HEARTBEAT])
        found: tuple[Any, ...] = cursor.fetchone() or ()
    live, oldest, wakes, workers, busy, slots, paused = found
    counted: list[Any] = live or []
    still = tuple(Paused(name, datetime.fromisoformat(at), by) for name, at, by in paused or [])
    by_kind = {(function, status): n for function, status, n in counted}
    return Standing(by_kind, oldest, wakes, workers, busy, slots, still)


# Asked for in the order of run_of_function, from the function's first entry on: with an equality, the planner may read
# the whole table backwards for a function that never ran.
_LAST = """
SELECT last.id FROM unnest(%s::text[]) AS known (name)
CROSS JOIN LATERAL (
    SELECT id, function FROM jobs_run WHERE function >= known.name AND ended_at IS NOT NULL
    ORDER BY function, id DESC LIMIT 1
) AS last
WHERE last.function = known.name
"""


def last_ended(functions: list[str]) -> list[UUID]:
    """Return the newest run of each of these functions that has ended."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [functions])
        return [row[0] for row in cursor.fetchall()]


_MARK = """
SELECT status, lease, attempt, current_step, progress::text, started_at,
       (SELECT count(*) FROM jobs_step WHERE run_id = run.id AND ended_at IS NOT NULL),
       (SELECT count(*) FROM jobs_step WHERE run_id = run.id),
       (SELECT count(*) FROM jobs_logline WHERE run_id = run.id)
FROM jobs_run AS run WHERE id = %s
"""


def mark(run_id: UUID) -> tuple[Any, ...] | None:
    """Return what differs once a run has moved: status, lease, attempt, step, progress, start, and three counts."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [run_id])
        found: tuple[Any, ...] | None = cursor.fetchone()
        return found
