"""The statements of a send: events, the runs they start and what belongs to these, in one round trip."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from jobs import clock
from jobs.models.run import place
from jobs.types import Source

Row = Mapping[str, Any]

SENDERS = "hashtext('jobs senders')"
BUCKETS = 64
"""Event names share so many locks, because a transaction cannot hold any number of them."""

# The rows travel as JSON parameters: a driver's arrays cost it a Python call for each element.
#
# The shared lock says that this transaction has events of a name that nobody else can see yet. Nobody ever waits for
# it: whoever registers a wait looks who holds it. It is taken before the statement that looks for waits begins.
_STORE = f"""
WITH events AS (
    INSERT INTO jobs_event (id, name, data, ts, received_at, external_id, duplicate, source, sender, note, transaction)
    SELECT id, name, data::json, ts, {{now}}, external_id, duplicate, %s, %s, note, pg_current_xact_id()::text::bigint
    FROM json_to_recordset(%s::json)
         AS e(id uuid, name text, data text, ts bigint, external_id text, duplicate boolean, note text)
    WHERE pg_advisory_xact_lock_shared({SENDERS}, hashtext(name) & {BUCKETS - 1}) IS NOT NULL
), runs AS (
    INSERT INTO jobs_run (id, function, status, run_at, rank, priority, lease, attempt, crashes, steps, queued_at,
                          trigger, subject, current_step{{columns}})
    SELECT id, function, {{status}}, {{run_at}}, {{rank}}, priority, 0, 0, 0, 0, {{now}}, trigger, subject, ''{{values}}
    FROM (
        SELECT *, {{due}} AS due
        FROM json_to_recordset(%s::json)
             AS r(id uuid, function text, priority smallint, trigger text, subject text{{types}})
    ) AS opened
)
INSERT INTO jobs_runevent (run_id, event_id, position)
SELECT run, event, position FROM json_to_recordset(%s::json) AS l(run uuid, event uuid, position int)
"""

# Columns that only some runs have: their type and, where it is not the column itself, what is stored. The statement
# names those that occur: parsing and planning all of them would double what a plain send costs.
_OPTIONAL = {
    "rerun_of": ("uuid", "rerun_of"),
    "parent_run": ("uuid", "parent_run"),
    "parent_step": ("text", "coalesce(parent_step, '')"),
    "gated": ("boolean", "coalesce(gated, false)"),
    "concurrency_1": ("text", "concurrency_1"),
    "concurrency_2": ("text", "concurrency_2"),
    "throttle_key": ("text", "throttle_key"),
    "collecting": ("text", "collecting"),
    "collected": ("int", "coalesce(collected, 0)"),
    "singleton_key": ("text", "singleton_key"),
    "deadline": ("float8", "due + interval '1 second' * deadline"),
    "finish_within": ("float8", "finish_within"),
    "error": ("text", "error::json"),
    "not_before": ("timestamptz", ""),
    "delay": ("float8", ""),
}

# What waits for an event to cancel a run. Its own event came before it, so nothing can have been missed.
_CANCELS = """
INSERT INTO jobs_wait (run, step, event, expression, path, value, registered_at, since, snapshot, expires_at)
SELECT run, '', event, expression, path, value, {now}, {now}, '', {now} + interval '1 second' * expires
FROM json_to_recordset(%s::json)
     AS w(run uuid, event text, expression text, path text, value text, expires float8)
"""

DELIVER = """
INSERT INTO jobs_delivery (run, step, event, output, error)
SELECT run, step, event, output::json, error::json
FROM json_to_recordset(%s::json) AS d(run uuid, step text, event uuid, output text, error text)
"""

# A debounce starts `delay` after its newest event, but not later than `cap` after its first, and in no case before an
# event with a time to come: it is later than the debounce would be only because of one.
_EXTEND = f"""
UPDATE jobs_run AS run
SET run_at = more.due, rank = {place("more.due", "run")},
    deadline = CASE WHEN run.deadline IS NOT NULL THEN run.deadline + (more.due - run.run_at) END,
    collected = run.collected + more.count, collecting = CASE WHEN more.full THEN NULL ELSE run.collecting END
FROM (
    SELECT known.id, m.count, m."full",
           CASE WHEN m."full" THEN {{now}}
                WHEN m.delay IS NULL THEN known.run_at
                ELSE greatest(least({{now}} + interval '1 second' * m.delay,
                                    known.queued_at + interval '1 second' * m.cap),
                              known.run_at, m.not_before) END AS due
    FROM json_to_recordset(%s::json)
         AS m(run uuid, count int, delay float8, cap float8, not_before timestamptz, "full" boolean)
    JOIN jobs_run AS known ON known.id = m.run
) AS more
WHERE run.id = more.id
"""

# Sorted, so that two senders of the same ids wait for each other instead of deadlocking.
_FIRST_SEEN = """
INSERT INTO jobs_seenid (id, event, expires_at)
SELECT id, event, {now} + interval '24 hours'
FROM json_to_recordset(%s::json) AS s(id text, event uuid)
ORDER BY id
ON CONFLICT (id) DO UPDATE SET event = excluded.event, expires_at = excluded.expires_at
WHERE jobs_seenid.expires_at <= {now}
RETURNING event
"""

_FORGET_SEEN = """
DELETE FROM jobs_seenid AS seen USING json_to_recordset(%s::json) AS s(id text, event uuid)
WHERE seen.id = s.id AND seen.event = s.event
"""


@functools.lru_cache(maxsize=256)
def _store(names: frozenset[str]) -> str:
    """Return the statement for runs that have these of the optional columns."""
    stored = [(name, _OPTIONAL[name][1]) for name in _OPTIONAL if name in names and _OPTIONAL[name][1]]
    due = "{now} + interval '1 second' * coalesce(delay, 0)" if "delay" in names else "{now}"
    rank = "CASE WHEN priority <> 0 THEN due - interval '1 second' * priority END"
    status, run_at = "'QUEUED'", "due"
    if "gated" in names:
        rank = place("due").replace("OR gated", "OR coalesce(gated, false)")
    if "error" in names:  # refused at the door
        stored.append(("ended_at", "CASE WHEN error IS NOT NULL THEN {now} END"))
        status = "CASE WHEN error IS NULL THEN 'QUEUED' ELSE 'SKIPPED' END"
        run_at, rank = f"CASE WHEN error IS NULL THEN {run_at} END", f"CASE WHEN error IS NULL THEN {rank} END"
    return _STORE.format(
        now="{now}",
        columns="".join(f", {name}" for name, _ in stored),
        values="".join(f", {value}" for _, value in stored),
        types="".join(f", {name} {_OPTIONAL[name][0]}" for name in _OPTIONAL if name in names),
        due=f"greatest(not_before, {due})" if "not_before" in names else due,
        status=status,
        run_at=run_at,
        rank=rank,
    )


def store(
    cursor: Any, *, source: Source, sender: str, events: Sequence[Row], runs: Sequence[Row], links: Sequence[Row]
) -> None:
    """Insert events, the runs they start, and the links between them.

    A run's row has id, function, priority, trigger and subject, and what else it needs: `deadline` and `delay` are
    seconds from now, and an `error` means that it was refused.
    """
    names = frozenset(set().union(*runs) & _OPTIONAL.keys())
    cursor.execute(clock.sql(_store(names)), [str(source), sender, _rows(events), _rows(runs), _rows(links)])


def cancels(cursor: Any, rows: Sequence[Row]) -> None:
    """Register which events cancel which runs."""
    cursor.execute(clock.sql(_CANCELS), [_rows(rows)])


def deliver(cursor: Any, rows: Sequence[Row]) -> None:
    """Leave something for live runs, to be handed over by a worker once it is committed."""
    cursor.execute(DELIVER, [_rows(rows)])


def extend(cursor: Any, rows: Sequence[Row]) -> None:
    """Add events to runs that still collect."""
    cursor.execute(clock.sql(_EXTEND), [_rows(rows)])


def first_seen(cursor: Any, ids: Sequence[tuple[str, UUID]]) -> set[UUID]:
    """Remember event ids for 24 hours and return the events that came first with theirs."""
    rows = [{"id": one, "event": event} for one, event in ids]
    cursor.execute(clock.sql(_FIRST_SEEN), [_rows(rows)])
    return {row[0] for row in cursor.fetchall()}


def forget_seen(cursor: Any, ids: Sequence[tuple[str, UUID]]) -> None:
    """Forget ids that this transaction has remembered for events which started nothing."""
    cursor.execute(_FORGET_SEEN, [_rows([{"id": one, "event": event} for one, event in ids])])


def _rows(rows: Sequence[Row]) -> str:
    # Ids and times are written as text; ASCII, so that no character can be one PostgreSQL refuses here.
    return json.dumps(rows, default=str)
