"""The deletes of retention, a batch of rows at a time so that none holds locks for long."""

from typing import Any

from jobs import clock

BATCH = 2000

_RUNS = """
WITH old AS (
    SELECT id FROM jobs_run WHERE ended_at < {now} - interval '1 day' * %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), steps AS (DELETE FROM jobs_step USING old WHERE run_id = old.id
), lines AS (DELETE FROM jobs_logline USING old WHERE run_id = old.id
), links AS (DELETE FROM jobs_runevent USING old WHERE run_id = old.id)
DELETE FROM jobs_run USING old WHERE jobs_run.id = old.id
"""

_EVENTS = """
DELETE FROM jobs_event WHERE id IN (
    SELECT id FROM jobs_event AS event
    WHERE received_at < {now} - interval '1 day' * %s
      AND NOT EXISTS (SELECT 1 FROM jobs_runevent WHERE event_id = event.id)
    ORDER BY received_at LIMIT %s)
"""

# A key that nothing has used for a day is as good as one that was never used.
_KEYS = "DELETE FROM jobs_throttle WHERE arrival < {now} - interval '1 day' AND wake_at IS NULL"

_IDS = "DELETE FROM jobs_seenid WHERE expires_at < {now}"

# What a run waited for is deleted with its end; this is for ends that nobody had the chance to write so.
_WAITS = """
DELETE FROM jobs_wait AS wait
WHERE registered_at < {now} - interval '1 day'
  AND NOT EXISTS (SELECT 1 FROM jobs_run WHERE id = wait.run AND ended_at IS NULL)
"""


def prune_runs(cursor: Any, days: int) -> int:
    """Delete one batch of runs that ended so many days ago, with all that belongs to them; returns how many."""
    cursor.execute(clock.sql(_RUNS), [days, BATCH])
    return int(cursor.rowcount)


def prune_events(cursor: Any, days: int) -> int:
    """Delete one batch of events as old that no run needs any more; returns how many."""
    cursor.execute(clock.sql(_EVENTS), [days, BATCH])
    return int(cursor.rowcount)


def prune_ids(cursor: Any) -> int:
    """Forget event ids that no longer make duplicates; returns how many."""
    cursor.execute(clock.sql(_IDS))
    return int(cursor.rowcount)


def prune_keys(cursor: Any) -> int:
    """Forget keys of rate limits and throttles that hold nothing back any more; returns how many."""
    cursor.execute(clock.sql(_KEYS))
    return int(cursor.rowcount)


def prune_waits(cursor: Any) -> int:
    """Forget waits of runs that have ended; returns how many."""
    cursor.execute(clock.sql(_WAITS))
    return int(cursor.rowcount)
