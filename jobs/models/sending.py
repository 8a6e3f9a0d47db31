"""The statements of a send: events, the runs they start and the links between them, in one round trip."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from jobs import clock
from jobs.types import Source

# The rows travel as JSON parameters: a driver's arrays cost it a Python call for each element.
_STORE = """
WITH events AS (
    INSERT INTO jobs_event (id, name, data, ts, received_at, external_id, duplicate, source, sender)
    SELECT id, name, data::json, ts, {now}, external_id, duplicate, %s, %s
    FROM json_to_recordset(%s::json)
         AS e(id uuid, name text, data text, ts bigint, external_id text, duplicate boolean)
), runs AS (
    INSERT INTO jobs_run (id, function, status, run_at, rank, priority, lease, attempt, crashes, steps, queued_at,
                          trigger, subject, current_step, rerun_of)
    SELECT id, function, 'QUEUED', due,
           CASE WHEN priority <> 0 THEN due - interval '1 second' * priority END,
           priority, 0, 0, 0, 0, {now}, trigger, subject, '', rerun_of
    FROM (
        SELECT *, coalesce(not_before, {now}) AS due
        FROM json_to_recordset(%s::json)
             AS r(id uuid, function text, priority smallint, trigger text, subject text, not_before timestamptz,
                  rerun_of uuid)
    ) AS opened
)
INSERT INTO jobs_runevent (run_id, event_id, position)
SELECT run, event, position FROM json_to_recordset(%s::json) AS l(run uuid, event uuid, position smallint)
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

_EVENT = ("id", "name", "data", "ts", "external_id", "duplicate")
_RUN = ("id", "function", "priority", "trigger", "subject", "not_before", "rerun_of")
_LINK = ("run", "event", "position")


def store(
    cursor: Any,
    *,
    source: Source,
    sender: str,
    events: Sequence[tuple[Any, ...]],
    runs: Sequence[tuple[Any, ...]],
    links: Sequence[tuple[UUID, UUID, int]],
) -> None:
    """Insert events (id, name, data, ts, external id, duplicate), runs (id, function, priority, trigger, subject,
    not before, rerun of) and links (run, event, position)."""
    rows = [_rows(_EVENT, events), _rows(_RUN, runs), _rows(_LINK, links)]
    cursor.execute(clock.sql(_STORE), [str(source), sender, *rows])


def first_seen(cursor: Any, ids: Sequence[tuple[str, UUID]]) -> set[UUID]:
    """Remember event ids for 24 hours and return the events that came first with theirs."""
    cursor.execute(clock.sql(_FIRST_SEEN), [_rows(("id", "event"), ids)])
    return {row[0] for row in cursor.fetchall()}


def _rows(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    # Ids and times are written as text; ASCII, so that no character can be one PostgreSQL refuses here.
    return json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str)
