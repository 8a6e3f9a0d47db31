"""The fenced writes of workers: any number of runs in one commit, each only while its lease holds.

A write whose lease is gone changes nothing. Writing the same thing twice under one lease is harmless, so a worker
that never learned whether its commit arrived simply writes again. What it cannot write again, because product code
would have to run again for it, it looks for with `kept`.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

from jobs import clock, serialize
from jobs.journal import Entry, Write
from jobs.models import gating, rows, waiting
from jobs.models.delivering import UNANNOUNCED
from jobs.models.run import place
from jobs.types import ENDS, FUNCTION_FINISHED, StepStatus

# The rows travel as one JSON parameter: a driver's arrays cost it a Python call for each element.
#
# The share lock is what makes the fence exact: a claim that is about to raise the lease waits for this commit,
# or this statement waits for the claim and then finds another lease.
_STEP_COLUMNS = """
INSERT INTO jobs_step (run_id, key, name, index, op, status, started_at, ended_at, wake_at,
                       output, error, attempts, tries, child)
"""

# A step that waits may have been met before this is written once more: then it stays so.
_MET = "excluded.status = 'WAITING' AND jobs_step.status IN ('COMPLETED', 'FAILED')"
_UNLESS_MET = ", ".join(
    f"{column} = CASE WHEN {_MET} THEN jobs_step.{column} ELSE excluded.{column} END"
    for column in ("status", "ended_at", "output", "error")
)
_STEP_ANEW = f"""
ON CONFLICT (run_id, key) DO UPDATE
SET {_UNLESS_MET},
    wake_at = excluded.wake_at, attempts = excluded.attempts, tries = excluded.tries,
    started_at = excluded.started_at, child = excluded.child
RETURNING run_id
"""

_STEPS = f"""
{_STEP_COLUMNS}
SELECT w.run, w.key, w.name, w.index, w.op, w.status, w.started, w.ended,
       coalesce({{now}} + interval '1 second' * w.delay, w.wake),
       w.output::json, w.error::json, w.attempts::json, w.tries, w.child
FROM json_to_recordset(%s::json)
     AS w(run uuid, lease int, key text, name text, index int, op text, status text, started timestamptz,
          ended timestamptz, wake timestamptz, delay float8, output text, error text, attempts text, tries smallint,
          child uuid)
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

# What a run waits for may have come while it was still at work: then it is due at once. An end that nobody's code
# listens to may still be waited for by another run: only then is it announced, by whoever hands over.
_SETTLE = f"""
WITH settled AS (
UPDATE jobs_run AS run
SET status = CASE WHEN run.woken AND NOT w.ended THEN 'QUEUED' ELSE w.status END,
    run_at = CASE WHEN w.ended THEN NULL WHEN run.woken THEN {{now}} ELSE w.due END,
    rank = CASE WHEN w.ended THEN NULL WHEN run.woken THEN {place("{now}", "run")} ELSE {place("w.due", "run")} END,
    ended_at = CASE WHEN w.ended THEN {{now}} END, attempt = w.attempt, steps = w.steps, crashes = 0,
    current_step = '', output = w.output::json, error = w.error::json, woken = false,
    progress = coalesce(w.progress::json, run.progress)
FROM (
    SELECT *, least(until, {{now}} + interval '1 second' * delay) AS due
    FROM json_to_recordset(%s::json)
         AS w(run uuid, lease int, status text, ended boolean, until timestamptz, delay float8, attempt smallint,
              steps int, output text, error text, progress text, announced boolean)
) AS w
WHERE run.id = w.run AND run.lease = w.lease AND run.status = 'RUNNING'
RETURNING run.id, run.status, run.trigger, w.announced
), awaited AS (
INSERT INTO jobs_delivery (run, step)
SELECT id, '{UNANNOUNCED}' FROM settled
WHERE status = 'COMPLETED' AND NOT announced AND NOT (trigger = ANY(ARRAY{list(ENDS)}))
  AND EXISTS (SELECT 1 FROM jobs_wait WHERE event = '{FUNCTION_FINISHED}')
)
SELECT id FROM settled
"""

# Steps of a race that lost are not waited for any more; they stay in the journal as such.
_FORGET = """
WITH forgotten AS (
    SELECT f.run, f.step FROM json_to_recordset(%s::json) AS f(run uuid, lease int, step text)
    JOIN jobs_run AS run ON run.id = f.run AND run.lease = f.lease
), dropped AS (
    UPDATE jobs_step SET status = 'DROPPED' FROM forgotten
    WHERE run_id = forgotten.run AND key = forgotten.step AND status IN ('WAITING', 'SLEEPING', 'RETRYING')
)
DELETE FROM jobs_wait AS wait USING forgotten
WHERE wait.run = forgotten.run AND (wait.step = forgotten.step OR forgotten.step IS NULL)
RETURNING wait.run
"""

_INSERT_LINES = """
INSERT INTO jobs_logline (run_id, step, level, message, at)
SELECT l.run, l.step, l.level, l.message, l.at
FROM json_to_recordset(%s::json)
     AS l(run uuid, lease int, step text, level text, message text, at timestamptz, place int)
JOIN jobs_run AS run ON run.id = l.run AND run.lease = l.lease AND run.status = 'RUNNING'
{unless_there}
ORDER BY l.place
RETURNING run_id
"""
_LINES = _INSERT_LINES.format(unless_there="")

# Nothing else would keep a line from being there twice.
_LINES_AGAIN = _INSERT_LINES.format(
    unless_there="""AND NOT EXISTS (
    SELECT 1 FROM jobs_logline AS known
    WHERE known.run_id = l.run AND known.at = l.at AND known.step = l.step AND known.message = l.message
)"""
)

# Waits for a commit under way, whose statements hold these rows.
_STAND_STILL = "SELECT 1 FROM jobs_run WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

# Does not wait, because a COMMIT that never came holds the row until the server misses its client.
_OURS = "SELECT 1 FROM jobs_run WHERE id = %s AND lease = %s FOR NO KEY UPDATE NOWAIT"
_KEPT = "SELECT 1 FROM jobs_step WHERE run_id = %s AND key = %s AND status NOT IN ('RETRYING', 'DROPPED')"

_GLANCE = """
UPDATE jobs_run AS run
SET current_step = w.step, progress = coalesce(w.progress::json, run.progress)
FROM json_to_recordset(%s::json) AS w(run uuid, lease int, step text, progress text)
WHERE run.id = w.run AND run.lease = w.lease
"""


Statement: TypeAlias = tuple[str, Any, bool]
"""A statement, its parameters, and whether what it returns are the runs whose lease held."""


def statements(writes: Sequence[Write], *, again: bool = False) -> list[Statement]:
    """Return the statements that write all of these, which `again` may be there already."""
    entries = [(w.run_id, w.lease, entry) for w in writes for entry in w.entries]
    settles = [rows.settle_row(w.run_id, w.lease, w.settle) for w in writes if w.settle is not None]
    logged = [(w.run_id, w.lease, line) for w in writes for line in w.lines]
    # Lines are read in the order of their ids, which a join need not keep.
    lines = [{**rows.line_row(*one), "place": place} for place, one in enumerate(logged)]
    made: list[Statement] = []
    awaited = [
        rows.awaited_row(w.run_id, w.lease, entry, one) for w in writes for entry in w.entries for one in w.awaited
    ]
    if awaited:
        made.append((waiting.SINCE, None, False))
    if len(entries) == 1 and _went_well(entries[0][2]):
        made.append((_STEP, rows.plain_row(*entries[0]), True))
    elif entries:
        made.append((clock.sql(_STEPS), [rows.as_json([rows.step_row(*entry) for entry in entries])], True))
    if awaited:
        made.append((clock.sql(waiting.REGISTER), [rows.as_json(awaited)], False))
    # Before the settles, after which a run no longer counts as running.
    if lines and again:
        made.insert(0, (_STAND_STILL, [[run for run, _, _ in logged]], False))
    if lines:
        made.append((_LINES_AGAIN if again else _LINES, [rows.as_json(lines)], True))
    if settles:
        made.append((clock.sql(_SETTLE), [rows.as_json(settles)], True))
    if forgotten := [row for w in writes for row in rows.forget_rows(w)]:
        made.append((_FORGET, [rows.as_json(forgotten)], False))
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


def kept(cursor: Any, run: UUID, lease: int, key: str) -> bool | None:
    """Return whether the journal has what this worker made of a step; None if the lease was lost.

    Raises OperationalError as long as a commit for this run is under way, for then nobody can tell.
    """
    cursor.execute(_OURS, [run, lease])
    if cursor.fetchone() is None:
        return None
    # In a statement of its own, whose sight begins after whatever held the row has ended.
    cursor.execute(_KEPT, [run, key])
    return cursor.fetchone() is not None


def _went_well(entry: Entry) -> bool:
    return entry.status == StepStatus.COMPLETED and not entry.attempts and entry.wake_at is None


def glance(cursor: Any, seen: Sequence[tuple[UUID, int, str, dict[str, Any] | None]]) -> None:
    """Show what runs are at: rows of run, lease, current step and progress."""
    shown = [
        {
            "run": str(run),
            "lease": lease,
            "step": serialize.visible(step)[:255],
            "progress": serialize.dumps(progress) if progress else None,
        }
        for run, lease, step, progress in seen
    ]
    cursor.execute(_GLANCE, [rows.as_json(shown)])
