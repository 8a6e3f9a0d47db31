"""The statements that hand over what has come for live runs: to the step that waits for it, or to end the run."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from jobs import clock
from jobs.models.run import place

MOST = 500

UNANNOUNCED = "finished"
"""In place of a step: the run has completed, and some other run may wait for the event of its end."""

_WAITING = f"""
SELECT id, run, step, event, output::text, error::text FROM jobs_delivery
ORDER BY id LIMIT {MOST} FOR UPDATE SKIP LOCKED
"""

# Never waits for a run that somebody is writing at this moment: that one's turn comes in the next round.
_LOCK_RUNS = "SELECT id FROM jobs_run WHERE id = ANY(%s::uuid[]) FOR UPDATE SKIP LOCKED"

_BUSY = "SELECT id FROM jobs_run WHERE id = ANY(%s::uuid[])"

_TAKE = "DELETE FROM jobs_delivery WHERE id = ANY(%s::bigint[])"

_MEET = """
WITH met AS (
    UPDATE jobs_step AS step
    SET status = CASE WHEN d.error IS NULL THEN 'COMPLETED' ELSE 'FAILED' END, ended_at = {now}, error = d.error::json,
        output = CASE WHEN d.event IS NULL THEN d.output::json ELSE (
            SELECT json_build_object('name', name, 'data', data,
                                     'id', CASE WHEN external_id = '' THEN id::text ELSE external_id END, 'ts', ts)
            FROM jobs_event WHERE id = d.event) END
    FROM json_to_recordset(%s::json) AS d(run uuid, step text, event uuid, output text, error text)
    WHERE step.run_id = d.run AND step.key = d.step AND step.status = 'WAITING'
    RETURNING step.run_id, step.key
), gone AS (
    DELETE FROM jobs_wait AS wait USING met WHERE wait.run = met.run_id AND wait.step = met.key
)
SELECT DISTINCT run_id FROM met
"""

# A run that is still at work learns of it when it settles.
_WAKE = f"""
UPDATE jobs_run
SET woken = status = 'RUNNING',
    status = CASE WHEN status = 'RUNNING' THEN status ELSE 'QUEUED' END,
    run_at = CASE WHEN status = 'RUNNING' THEN NULL ELSE {{now}} END,
    rank = CASE WHEN status <> 'RUNNING' THEN {place("{now}")} END
WHERE id = ANY(%s::uuid[]) AND ended_at IS NULL
  AND (status = 'RUNNING' OR status IN ('WAITING', 'SLEEPING'))
"""

_OVERDUE = """
SELECT id, started_at IS NULL FROM jobs_run WHERE deadline <= {now} AND ended_at IS NULL ORDER BY deadline LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """One delivery; `output` and `error` are JSON text."""

    id: int
    run: UUID
    step: str
    event: UUID | None
    output: str | None
    error: str | None


def take(cursor: Any) -> list[Taken]:
    """Take deliveries whose runs can be written now, oldest first; the caller commits once they are handed over."""
    cursor.execute(_WAITING)
    waiting = [Taken(*row) for row in cursor.fetchall()]
    if not waiting:
        return []
    cursor.execute(_LOCK_RUNS, [list({one.run for one in waiting})])
    free = {row[0] for row in cursor.fetchall()}
    cursor.execute(_BUSY, [list({one.run for one in waiting} - free)])
    busy = {row[0] for row in cursor.fetchall()}
    taken = [one for one in waiting if one.run not in busy]
    cursor.execute(_TAKE, [[one.id for one in taken]])
    return taken


def meet(cursor: Any, rows: str) -> list[UUID]:
    """Finish the steps that these deliveries are for, as JSON rows, and return their runs."""
    cursor.execute(clock.sql(_MEET), [rows])
    return [row[0] for row in cursor.fetchall()]


def wake(cursor: Any, runs: list[UUID]) -> None:
    """Let runs go on that had waited."""
    cursor.execute(clock.sql(_WAKE), [runs])


def overdue(cursor: Any) -> list[tuple[UUID, bool]]:
    """Return the runs whose deadline has passed, and whether they had not started."""
    cursor.execute(clock.sql(_OVERDUE))
    return [(pk, unstarted) for pk, unstarted in cursor.fetchall()]
