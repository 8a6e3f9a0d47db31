"""The statements by which senders find who waits for an event, and those who wait find events.

A wait counts what was not visible when it registered as having come later, whatever its time of receipt says: that
time is when a sender stored the event, and its transaction may have been open for long.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from jobs import clock, serialize
from jobs.models.sending import BUCKETS, SENDERS
from jobs.types import Event

_ANY = "SELECT EXISTS (SELECT 1 FROM jobs_wait WHERE event = ANY(%s::text[]))"

# A jump from each shape of wait to the next in the index, however many waits there are of each.
_SHAPES = """
WITH RECURSIVE shapes(event, path) AS (
    (SELECT event, path FROM jobs_wait WHERE event = ANY(%s::text[]) ORDER BY event, path LIMIT 1)
    UNION ALL
    SELECT following.* FROM shapes CROSS JOIN LATERAL (
        SELECT event, path FROM jobs_wait
        WHERE event = ANY(%s::text[]) AND (event, path) > (shapes.event, shapes.path) ORDER BY event, path LIMIT 1
    ) AS following
)
SELECT event, path FROM shapes
"""

# The event that started a run is only looked up where a condition asks for it.
_FIND = """
SELECT wanted.number, wait.run, wait.step, wait.expression,
       started.name, started.data::text, started.external_id, started.ts, started.id
FROM json_to_recordset(%s::json) AS wanted(number int, event text, path text, value text)
JOIN jobs_wait AS wait
  ON wait.event = wanted.event AND wait.path = wanted.path AND wait.value = wanted.value
 AND (wait.expires_at IS NULL OR wait.expires_at > {now})
LEFT JOIN LATERAL (
    SELECT event.* FROM jobs_runevent AS link JOIN jobs_event AS event ON event.id = link.event_id
    WHERE link.run_id = wait.run AND link.position = 0
) AS started ON wait.expression <> ''
ORDER BY wanted.number, wait.id
"""

_HOLDERS = f"""
SELECT lock.virtualtransaction, activity.xact_start, lock.objid::bigint AS bucket
FROM pg_locks AS lock LEFT JOIN pg_stat_activity AS activity ON activity.pid = lock.pid
WHERE lock.locktype = 'advisory' AND lock.objsubid = 2 AND lock.granted
  AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND lock.classid = ({SENDERS}::bigint & 4294967295)::oid
"""

# Read before the wait becomes visible, so that whoever has stored events unseen by then is found: as a holder, or while
# its statement has begun and is about to take the lock.
SINCE = f"""
SELECT set_config('jobs.since', (least(statement_timestamp(), (
    SELECT min(coalesce(xact_start, statement_timestamp() - interval '1 hour')) FROM ({_HOLDERS}) AS holders
), (
    SELECT min(coalesce(query_start, statement_timestamp() - interval '1 minute')) FROM pg_stat_activity
    WHERE datname = current_database() AND state IS DISTINCT FROM 'idle' AND pid <> pg_backend_pid()
      AND (query LIKE '%%INSERT INTO jobs_event %%' OR query_start IS NULL)
)))::text, true)
"""

REGISTER = """
INSERT INTO jobs_wait (run, step, event, expression, path, value, registered_at, since, snapshot, expires_at)
SELECT w.run, w.step, w.event, w.expression, w.path, w.value, {now},
       current_setting('jobs.since')::timestamptz + ({now} - statement_timestamp()),
       pg_current_snapshot()::text, coalesce({now} + interval '1 second' * w.delay, w.expires)
FROM json_to_recordset(%s::json)
     AS w(run uuid, lease int, step text, event text, expression text, path text, value text, expires timestamptz,
          delay float8)
JOIN jobs_run AS run ON run.id = w.run AND run.lease = w.lease AND run.status = 'RUNNING'
WHERE NOT EXISTS (SELECT 1 FROM jobs_wait AS known
                  WHERE known.run = w.run AND known.step = w.step AND known.event = w.event
                    AND known.expression = w.expression)
RETURNING run
"""

# The first look notes who may still have something unseen, the others whether one of those is left.
_UNSURE = f"""
UPDATE jobs_wait AS wait
SET unsure = array(SELECT virtualtransaction FROM ({_HOLDERS}) AS holders
                   WHERE bucket = hashtext(wait.event) & {BUCKETS - 1}
                     AND (wait.unsure IS NULL OR virtualtransaction = ANY(wait.unsure)))
WHERE wait.run = %s AND wait.step = %s AND (wait.unsure IS NULL OR wait.unsure <> '{{}}')
RETURNING cardinality(unsure)
"""

# The event's transaction is asked for, not the row's xmin: that may be a savepoint's, which no snapshot knows.
# Where one transaction does everything, as in a test, only the time of receipt tells what came first.
_LOOK = """
SELECT event.id, event.name, event.data::text, event.external_id, event.ts
FROM jobs_wait AS wait
JOIN jobs_event AS event
  ON event.name = wait.event AND event.received_at >= least(wait.since, wait.registered_at - interval '1 second' * %s)
WHERE wait.run = %s AND wait.step = %s AND NOT event.duplicate
  AND (wait.expires_at IS NULL OR event.received_at <= wait.expires_at)
  AND (event.received_at >= wait.registered_at - interval '1 second' * %s AND %s > 0
       OR CASE WHEN event.transaction = pg_current_xact_id_if_assigned()::text::bigint
               THEN event.received_at >= wait.registered_at
               ELSE NOT pg_visible_in_snapshot(event.transaction::text::xid8, wait.snapshot::pg_snapshot) END)
  AND NOT EXISTS (SELECT 1 FROM jobs_runevent WHERE run_id = wait.run AND event_id = event.id)
ORDER BY event.received_at, event.id
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A wait that an event of a send may meet: `number` is the event's place in the send."""

    number: int
    run: UUID
    step: str
    expression: str
    trigger: dict[str, Any]


def shapes(cursor: Any, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return for which of these event names somebody waits, with the paths by which waits are looked up."""
    cursor.execute(_ANY, [list(names)])
    if not cursor.fetchone()[0]:
        return []
    cursor.execute(_SHAPES, [list(names), list(names)])
    return [(event, path) for event, path in cursor.fetchall()]


def find(cursor: Any, wanted: Sequence[dict[str, Any]]) -> list[Found]:
    """Return the waits with these events, paths and values."""
    cursor.execute(clock.sql(_FIND), [json.dumps(wanted)])
    return [
        Found(number, run, step, expression, _trigger(*started)) for number, run, step, expression, *started in cursor
    ]


def _trigger(name: str | None, data: str | None, external_id: str | None, ts: int | None, pk: UUID) -> dict[str, Any]:
    if name is None or data is None:
        return {"name": "", "data": {}, "id": "", "ts": 0}
    return {"name": name, "data": serialize.loads(data), "id": external_id or str(pk), "ts": ts}


def look(cursor: Any, run: UUID, step: str, lookback: timedelta) -> list[Event]:
    """Return the events that came for a wait, oldest first."""
    back = lookback.total_seconds()
    cursor.execute(_LOOK, [back, run, step, back, back])
    return [
        Event.model_construct(name=name, data=serialize.loads(data), id=external_id or str(pk), ts=ts)
        for pk, name, data, external_id, ts in cursor.fetchall()
    ]


def unsure(cursor: Any, run: UUID, step: str) -> bool:
    """Whether a sender may have overlooked a wait and has not committed yet; to be asked before `look`."""
    cursor.execute(_UNSURE, [run, step])
    return any(count for (count,) in cursor.fetchall())
