"""How the runs of each hour went, counted once the hour is over, so that a day's picture costs no look at its runs."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models

from jobs import clock, identity
from jobs.types import Status

NEWEST = 20_000
"""Ended runs that a page counts as they are; what is older it takes from the hours."""
BUCKETS_PER_OCTAVE = 4
"""How exactly lengths are kept: a percentile made of them is right to a tenth."""
_PER_E = BUCKETS_PER_OCTAVE / math.log(2)
_LEAST_MS = 1.0

_BUCKET = f"""
CASE WHEN status = 'COMPLETED' AND started_at IS NOT NULL THEN
     ceil(ln(greatest({_LEAST_MS}, extract(epoch FROM ended_at - started_at)::float8 * 1000)) * {_PER_E})::smallint END
"""
# Hours of the newest runs are exact; where those do not reach, the counted hours speak.
_COUNTED = f"""
WITH newest AS (
    SELECT date_trunc('hour', queued_at) AS hour, function, status, {_BUCKET} AS bucket, queued_at
    FROM (SELECT * FROM jobs_run AS r WHERE id >= %(first)s {{only}} AND ended_at IS NOT NULL
          ORDER BY id DESC LIMIT {NEWEST}) AS recent
), edge AS (
    SELECT CASE WHEN count(*) = {NEWEST} THEN date_trunc('hour', min(queued_at)) + interval '1 hour'
                ELSE %(since)s END AS at FROM newest
), counted AS (
    SELECT hour, function, status, bucket, count(*) AS n FROM newest
    WHERE hour >= (SELECT at FROM edge) OR hour NOT IN (SELECT hour FROM jobs_hour WHERE hour >= %(since)s)
    GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT hour, function, status, nullif(bucket, -1), n FROM jobs_hour AS r
    WHERE hour >= %(since)s AND hour < (SELECT at FROM edge) {{only}}
)
"""
_HOURS = """
SELECT NULL, hour, status, bucket, sum(n)::int FROM counted WHERE hour >= %(since)s
GROUP BY GROUPING SETS ((hour, status), (bucket))
"""
_FUNCTIONS = """
SELECT function, hour, status, bucket, sum(n)::int FROM counted WHERE hour >= %(since)s
GROUP BY GROUPING SETS ((function, hour, status), (function, bucket))
"""
_COUNT = f"""
WITH counted AS (
    SELECT date_trunc('hour', queued_at) AS hour, function, status, coalesce({_BUCKET}, -1) AS bucket, count(*) AS n
    FROM jobs_run WHERE id >= %s AND id < %s AND ended_at IS NOT NULL GROUP BY 1, 2, 3, 4
), stale AS (DELETE FROM jobs_hour WHERE hour >= %s AND hour < %s)
INSERT INTO jobs_hour (hour, function, status, bucket, n) SELECT hour, function, status, bucket, n FROM counted
WHERE hour >= %s AND hour < %s
"""


class Hour(models.Model):
    """How many runs of a function that were queued in one hour ended so, and took about so long."""

    hour = models.DateTimeField()
    function = models.CharField(max_length=200)
    status = models.CharField(max_length=9, choices=Status.choices)
    bucket = models.SmallIntegerField(
        help_text="Quarter octaves of a millisecond that completing took; -1: other ends."
    )
    n = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["hour", "function"], name="hour_of_function")]

    def __str__(self) -> str:
        return f"{self.hour} {self.function} {self.status}"


def seconds_of(bucket: int) -> float:
    """Return the middle of what a bucket stands for."""
    return float(_LEAST_MS * 2 ** ((bucket - 0.5) / BUCKETS_PER_OCTAVE) / 1000) if bucket > 0 else _LEAST_MS / 1000


@dataclass(frozen=True)
class Counted:
    """Runs that ended, by hour and status, and those that completed by how long they took, for each function asked."""

    ended: list[tuple[str, datetime, str, int]]
    took: list[tuple[str, int, int]]


def counted(since: datetime, *, each: bool = False, function: str = "") -> Counted:
    """Count runs queued from a full hour on, in one query: of each function, of one, or of all together."""
    only = "AND r.function = %(function)s" if function else ""
    values: dict[str, Any] = {"since": since, "first": identity.first_of(since), "function": function}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED.format(only=only) + (_FUNCTIONS if each else _HOURS), values)
        rows = cursor.fetchall()
    ended = [(name or "", hour, status, n) for name, hour, status, _, n in rows if hour is not None]
    took = [(name or "", bucket, n) for name, hour, _, bucket, n in rows if hour is None and bucket is not None]
    return Counted(ended, took)


def percentile(buckets: dict[int, int], share: float) -> float | None:
    """Return about how many seconds that share of runs took at most, None for none."""
    left = share * sum(buckets.values())
    for bucket in sorted(buckets):
        left -= buckets[bucket]
        if left <= 0:
            return seconds_of(bucket)
    return None


def count(cursor: Any, begin: datetime, end: datetime) -> int:
    """Count the hours between two full ones anew; returns how many rows that made."""
    ids = [identity.first_of(begin), identity.first_of(end)]
    cursor.execute(clock.sql(_COUNT), [*ids, begin, end, begin, end])
    return int(cursor.rowcount)


def forget(cursor: Any, before: datetime) -> None:
    """Delete the hours before this one."""
    cursor.execute("DELETE FROM jobs_hour WHERE hour < %s", [before])
