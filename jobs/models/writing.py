"""The fenced writes of workers: any number of runs in one commit, each only while its lease holds.

A write whose lease is gone changes nothing. Writing the same thing twice under one lease is harmless, so a worker
that never learned whether its commit arrived simply writes again.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from jobs import clock, serialize
from jobs.journal import Awaited, Entry, Line, Settle, Write
from jobs.models import gating, waiting
from jobs.models.run import place
from jobs.types import StepStatus

# The rows travel as one JSON parameter: a driver's arrays cost it a Python call for each element.
#
# The share lock is what makes the fence exact: a claim that is about to raise the lease waits for this commit,
# or this statement waits for the claim and then finds another lease.
_STEP_COLUMNS = """
INSERT INTO jobs_step (run_id, key, name, index, op, status, started_at, ended_at, wake_at,
                       output, error, attempts, tries, child)
"""

# A step that waits may have been met before this is written once more: then it stays so.
_STEP_ANEW = """
ON CONFLICT (run_id, key) DO UPDATE
SET status = CASE WHEN excluded.status = 'WAITING' THEN jobs_step.status ELSE excluded.status END,
    ended_at = CASE WHEN excluded.status = 'WAITING' THEN jobs_step.ended_at ELSE excluded.ended_at END,
    output = CASE WHEN excluded.status = 'WAITING' THEN jobs_step.output ELSE excluded.output END,
    error = CASE WHEN excluded.status = 'WAITING' THEN jobs_step.error ELSE excluded.error END,
    wake_at = excluded.wake_at, attempts = excluded.attempts, tries = excluded.tries,
    started_at = excluded.started_at
RETURNING run_id
"""

_STEPS = f"""
{_STEP_COLUMNS}
SELECT w.run, w.key, w.name, w.index, w.op, w.status, w.started, w.ended, w.wake,
       w.output::json, w.error::json, w.attempts::json, w.tries, w.child
FROM json_to_recordset(%s::json)
     AS w(run uuid, lease int, key text, name text, index int, op text, status text, started timestamptz,
          ended timestamptz, wake timestamptz, output text, error text, attempts text, tries smallint, child uuid)
JOIN jobs_run AS run ON run.id = w.run AND run.lease = w.lease
FOR SHARE OF run
{_STEP_ANEW}
"""

# The same for one step that went well at once, which then costs little more than any INSERT.
_STEP = f"""
{_STEP_COLUMNS}
SELECT id, %s, %s, %s, %s, 'COMPLETED', %s, %s, NULL, %s, NULL, NULL, 0, NULL
FROM jobs_run WHERE id = %s AND lease = %s
FOR SHARE
{_STEP_ANEW}
"""

# What a run waits for may have come while it was still at work: then it is due at once.
_SETTLE = f"""
UPDATE jobs_run AS run
SET status = CASE WHEN run.woken AND NOT w.ended THEN 'QUEUED' ELSE w.status END,
    run_at = CASE WHEN w.ended THEN NULL WHEN run.woken THEN {{now}} ELSE w.due END,
    rank = CASE WHEN w.ended THEN NULL WHEN run.woken THEN {place("{now}", "run")} ELSE {place("w.due", "run")} END,
    ended_at = CASE WHEN w.ended THEN {{now}} END, attempt = w.attempt, steps = w.steps, crashes = 0,
    current_step = '', output = w.output::json, error = w.error::json, woken = false,
    progress = coalesce(w.progress::json, run.progress)
FROM (
    SELECT *, coalesce(until, {{now}} + interval '1 second' * delay) AS due
    FROM json_to_recordset(%s::json)
         AS w(run uuid, lease int, status text, ended boolean, until timestamptz, delay float8, attempt smallint,
              steps int, output text, error text, progress text)
) AS w
WHERE run.id = w.run AND run.lease = w.lease AND run.status = 'RUNNING'
RETURNING run.id
"""

# Steps of a race that lost are not waited for any more; they stay in the journal as such.
_FORGET = """
WITH forgotten AS (
    SELECT f.run, f.step FROM json_to_recordset(%s::json) AS f(run uuid, lease int, step text)
    JOIN jobs_run AS run ON run.id = f.run AND run.lease = f.lease
), dropped AS (
    UPDATE jobs_step SET status = 'DROPPED' FROM forgotten
    WHERE run_id = forgotten.run AND key = forgotten.step AND status IN ('WAITING', 'SLEEPING')
)
DELETE FROM jobs_wait AS wait USING forgotten
WHERE wait.run = forgotten.run AND (wait.step = forgotten.step OR forgotten.step IS NULL)
RETURNING wait.run
"""

_LINES = """
INSERT INTO jobs_logline (run_id, step, level, message, at)
SELECT l.run, l.step, l.level, l.message, l.at
FROM json_to_recordset(%s::json) AS l(run uuid, lease int, step text, level text, message text, at timestamptz)
JOIN jobs_run AS run ON run.id = l.run AND run.lease = l.lease AND run.status = 'RUNNING'
RETURNING run_id
"""

_GLANCE = """
UPDATE jobs_run AS run
SET current_step = w.step, progress = coalesce(w.progress::json, run.progress)
FROM json_to_recordset(%s::json) AS w(run uuid, lease int, step text, progress text)
WHERE run.id = w.run AND run.lease = w.lease
"""


Statement: TypeAlias = tuple[str, Any, bool]
"""A statement, its parameters, and whether what it returns are the runs whose lease held."""


def statements(writes: Sequence[Write]) -> list[Statement]:
    """Return the statements that write all of these."""
    entries = [(w.run_id, w.lease, entry) for w in writes for entry in w.entries]
    settles = [_settle_row(w.run_id, w.lease, w.settle) for w in writes if w.settle is not None]
    lines = [_line_row(w.run_id, w.lease, line) for w in writes for line in w.lines]
    made: list[Statement] = []
    awaited = [_awaited_row(w.run_id, w.lease, entry, one) for w in writes for entry in w.entries for one in w.awaited]
    if awaited:
        made.append((waiting.SINCE, None, False))
    if len(entries) == 1 and _went_well(entries[0][2]):
        made.append((_STEP, _plain_row(*entries[0]), True))
    elif entries:
        made.append((_STEPS, [_rows([_step_row(*entry) for entry in entries])], True))
    if awaited:
        made.append((clock.sql(waiting.REGISTER), [_rows(awaited)], False))
    # Before the settles, after which a run no longer counts as running.
    if lines:
        made.append((_LINES, [_rows(lines)], True))
    if settles:
        made.append((clock.sql(_SETTLE), [_rows(settles)], True))
    if forgotten := [row for w in writes for row in _forget_rows(w)]:
        made.append((_FORGET, [_rows(forgotten)], False))
    if freed := [key for w in writes for key in w.freed]:
        made.append((gating.FREE, [freed], False))
    return made


def held_of(writes: Sequence[Write], done_for: Sequence[set[UUID]]) -> set[UUID]:
    """Return the runs whose lease held, from what the statements returned, in their order.

    A run that was settled already under this lease is not among them: its end is neither told twice nor changed.
    """
    settling = {w.run_id for w in writes if w.settle is not None}
    held = set().union(*done_for)
    return (held - settling) | (done_for[-1] & settling) if settling else held


def write(cursor: Any, writes: Sequence[Write]) -> set[UUID]:
    """Write all of these and return the runs whose lease still held; the caller commits."""
    done_for = []
    for statement, parameters, tells in statements(writes):
        cursor.execute(statement, parameters)
        if tells:
            done_for.append({row[0] for row in cursor.fetchall()})
    return held_of(writes, done_for)


def _went_well(entry: Entry) -> bool:
    return entry.status == StepStatus.COMPLETED and not entry.attempts and entry.wake_at is None


def _plain_row(run_id: UUID, lease: int, entry: Entry) -> tuple[Any, ...]:
    name = serialize.visible(entry.name)[:255]
    times = (entry.started_at, entry.ended_at)
    return (entry.key, name, entry.index, entry.op, *times, entry.output, run_id, lease)


def _step_row(run_id: UUID, lease: int, entry: Entry) -> dict[str, Any]:
    return {
        "run": str(run_id),
        "lease": lease,
        "key": entry.key,
        "name": serialize.visible(entry.name)[:255],
        "index": entry.index,
        "op": entry.op,
        "status": entry.status,
        "started": entry.started_at.isoformat(),
        "ended": _moment(entry.ended_at),
        "wake": _moment(entry.wake_at),
        "output": entry.output,
        "error": serialize.dumps(entry.error) if entry.error else None,
        "attempts": serialize.dumps(entry.attempts) if entry.attempts else None,
        "tries": entry.tries,
        "child": None if entry.child is None else str(entry.child),
    }


def _awaited_row(run_id: UUID, lease: int, entry: Entry, awaited: Awaited) -> dict[str, Any]:
    row = {"run": str(run_id), "lease": lease, "step": awaited.step, "event": awaited.event}
    expires = _moment(entry.wake_at)
    return row | {"expression": awaited.expression, "path": awaited.path, "value": awaited.value, "expires": expires}


def _forget_rows(write: Write) -> list[dict[str, Any]]:
    if write.forget is None:
        return []
    row = {"run": str(write.run_id), "lease": write.lease}
    return [{**row, "step": step} for step in write.forget] if write.forget else [{**row, "step": None}]


def _settle_row(run_id: UUID, lease: int, settle: Settle) -> dict[str, Any]:
    return {
        "run": str(run_id),
        "lease": lease,
        "status": settle.status,
        "ended": settle.ended,
        "until": _moment(settle.until),
        "delay": settle.delay,
        "attempt": settle.attempt,
        "steps": settle.steps,
        "output": settle.output,
        "error": serialize.dumps(settle.error) if settle.error else None,
        "progress": serialize.dumps(settle.progress) if settle.progress else None,
    }


def _line_row(run_id: UUID, lease: int, line: Line) -> dict[str, Any]:
    return {
        "run": str(run_id),
        "lease": lease,
        "step": serialize.visible(line.step)[:255],
        "level": line.level[:8],
        "message": serialize.visible(line.message),
        "at": line.at.isoformat(),
    }


def glance(cursor: Any, rows: Sequence[tuple[UUID, int, str, dict[str, Any] | None]]) -> None:
    """Show what runs are at: rows of run, lease, current step and progress."""
    shown = [
        {
            "run": str(run),
            "lease": lease,
            "step": serialize.visible(step)[:255],
            "progress": serialize.dumps(progress) if progress else None,
        }
        for run, lease, step, progress in rows
    ]
    cursor.execute(_GLANCE, [_rows(shown)])


def _rows(rows: Sequence[dict[str, Any]]) -> str:
    # ASCII, so that no character of an output can be one PostgreSQL refuses here.
    return json.dumps(rows)


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
