"""What a worker has to do besides claiming runs without limits, and when it has to look again."""

from dataclasses import dataclass
from typing import Any

from jobs import clock

# What there is to do besides claiming, and when the next of it comes: one look at the head of each index.
_AGENDA = """
SELECT EXISTS (SELECT 1 FROM jobs_delivery),
       EXISTS (SELECT 1 FROM jobs_run WHERE gated AND priority = 0 AND rank <= {now} AND rank IS NOT NULL
                                       AND blocked_by IS NULL)
           OR EXISTS (SELECT 1 FROM jobs_freedkey)
           OR EXISTS (SELECT 1 FROM jobs_throttle WHERE wake_at <= {now})
           OR EXISTS (SELECT 1 FROM jobs_run WHERE gated AND priority <> 0 AND rank <= {now} + interval '600 seconds'
                                              AND rank IS NOT NULL AND blocked_by IS NULL AND run_at <= {now}),
       EXISTS (SELECT 1 FROM jobs_run WHERE deadline <= {now} AND ended_at IS NULL),
       extract(epoch FROM least(
           (SELECT run_at FROM jobs_run WHERE run_at IS NOT NULL AND rank IS NULL ORDER BY run_at, id LIMIT 1),
           (SELECT min(run_at) FROM (SELECT run_at FROM jobs_run WHERE rank IS NOT NULL AND NOT gated
                AND blocked_by IS NULL ORDER BY rank, id LIMIT 100) AS ranked),
           (SELECT rank FROM jobs_run WHERE rank IS NOT NULL AND gated AND priority = 0
                AND blocked_by IS NULL ORDER BY rank, id LIMIT 1),
           (SELECT min(run_at) FROM (SELECT run_at FROM jobs_run WHERE rank IS NOT NULL AND gated AND priority <> 0
                AND blocked_by IS NULL ORDER BY rank, id LIMIT 100) AS gated),
           (SELECT min(wake_at) FROM jobs_throttle WHERE wake_at IS NOT NULL),
           (SELECT min(deadline) FROM jobs_run WHERE deadline IS NOT NULL AND ended_at IS NULL)
       ) - {now})::float8
"""


@dataclass(frozen=True, slots=True)
class Agenda:
    """What there is to do besides claiming, and in how many seconds the next thing is due."""

    deliveries: bool
    gated: bool
    overdue: bool
    next: float | None


def agenda(cursor: Any) -> Agenda:
    """Return what a worker has to look after besides plain runs."""
    cursor.execute(clock.sql(_AGENDA))
    deliveries, gated, overdue, following = cursor.fetchone()
    return Agenda(deliveries, gated, overdue, following)
