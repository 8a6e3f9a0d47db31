"""What a worker has to do besides claiming runs without limits, and when it has to look again."""

from dataclasses import dataclass
from typing import Any

from jobs import clock

# One look at the head of each index. Each is asked for in the order of its index: where the planner believes that much
# of the table fits, as it does while thousands are blocked, an EXISTS would read the table from its beginning.
_AGENDA = """
WITH head AS MATERIALIZED (
    SELECT (SELECT rank FROM jobs_run WHERE rank IS NOT NULL AND gated AND priority = 0 AND blocked_by IS NULL
            ORDER BY rank, id LIMIT 1) AS gated,
           (SELECT true FROM jobs_run WHERE rank <= {now} + interval '600 seconds' AND rank IS NOT NULL AND gated
                AND priority <> 0 AND blocked_by IS NULL AND run_at <= {now} ORDER BY rank, id LIMIT 1) AS moved,
           (SELECT wake_at FROM jobs_throttle WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1) AS turn,
           (SELECT deadline FROM jobs_run WHERE deadline IS NOT NULL AND ended_at IS NULL
            ORDER BY deadline LIMIT 1) AS deadline
)
SELECT EXISTS (SELECT 1 FROM jobs_delivery),
       coalesce(moved, false) OR coalesce(gated <= {now}, false) OR coalesce(turn <= {now}, false)
           OR EXISTS (SELECT 1 FROM jobs_freedkey),
       coalesce(deadline <= {now}, false),
       extract(epoch FROM least(
           gated, turn, deadline,
           (SELECT run_at FROM jobs_run WHERE run_at IS NOT NULL AND rank IS NULL ORDER BY run_at, id LIMIT 1),
           (SELECT min(run_at) FROM (SELECT run_at FROM jobs_run WHERE rank IS NOT NULL AND NOT gated
                AND blocked_by IS NULL ORDER BY rank, id LIMIT 100) AS ranked),
           (SELECT min(run_at) FROM (SELECT run_at FROM jobs_run WHERE rank IS NOT NULL AND gated AND priority <> 0
                AND blocked_by IS NULL ORDER BY rank, id LIMIT 100) AS moved)
       ) - {now})::float8
FROM head
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
