"""What the database says at the end of a campaign."""

import json
from dataclasses import dataclass, field
from typing import Any

import psycopg

_EVENTS = "SELECT id::text, external_id, name, data::text, duplicate, note FROM jobs_event WHERE name LIKE 'campaign/%'"
_RUNS = "SELECT id::text, function, status, output::text, error::text FROM jobs_run WHERE function LIKE 'campaign-%'"
_LINKS = "SELECT run_id::text, event_id::text FROM jobs_runevent"
# When each finished step was committed, in seconds since 1970 by the server's clock.
_STEPS = """
SELECT run_id::text, name, output::text, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8
FROM jobs_step WHERE status = 'COMPLETED'
"""
_EFFECTS = "SELECT run, step, count(*) FROM campaign_effect GROUP BY 1, 2"
_LIVE = "SELECT count(*) FROM jobs_run WHERE status IN ('QUEUED', 'RUNNING', 'SLEEPING', 'WAITING')"
_SLOTS = "SELECT count(*) FROM jobs_run WHERE blocked_by IS NOT NULL OR (status = 'RUNNING' AND gated)"


@dataclass(frozen=True)
class Event:
    """A stored event."""

    id: str
    external_id: str
    kind: str
    data: dict[str, Any]
    duplicate: bool
    note: str


@dataclass(frozen=True)
class Run:
    """A run as it was left."""

    id: str
    kind: str
    status: str
    output: Any
    error: str


@dataclass
class Seen:
    """All of it."""

    events: list[Event] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    runs_of: dict[str, list[str]] = field(default_factory=dict)
    events_of: dict[str, list[str]] = field(default_factory=dict)
    committed: dict[tuple[str, str], float] = field(default_factory=dict)
    """When each finished step was committed, in seconds since 1970."""
    effects: dict[tuple[str, str], int] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)
    slots: int = 0


def read(connection: psycopg.Connection[Any]) -> Seen:
    """Read all of it."""
    seen = Seen()
    for pk, external, name, data, duplicate, note in connection.execute(_EVENTS):
        kind = name.removeprefix("campaign/")
        seen.events.append(Event(pk, external, kind, json.loads(data), duplicate, note))
    for pk, function, status, output, error in connection.execute(_RUNS):
        kind = function.removeprefix("campaign-")
        seen.runs[pk] = Run(pk, kind, status, json.loads(output) if output else None, error or "")
    for run, event in connection.execute(_LINKS):
        seen.runs_of.setdefault(event, []).append(run)
        seen.events_of.setdefault(run, []).append(event)
    for run, step, _, at in connection.execute(_STEPS):
        seen.committed[run, step] = at
    seen.effects = {(run, step): times for run, step, times in connection.execute(_EFFECTS)}
    seen.rows = {n for (n,) in connection.execute("SELECT n FROM campaign_row")}
    seen.slots = count(connection, _SLOTS)
    return seen


def count(connection: psycopg.Connection[Any], query: str) -> int:
    """Return the number that a query finds."""
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def live(connection: psycopg.Connection[Any]) -> int:
    """Return how many runs have not ended."""
    return count(connection, _LIVE)
