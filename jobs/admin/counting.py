"""How many runs each status has, at a cost that does not grow with the table."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

from jobs.models import Run
from jobs.selection import UNFINISHED

NEWEST = 10_000
"""Ended runs, and unfinished ones, that are counted at most."""
MOST = 100_000
"""Runs of one selection that are counted at most, by function."""


def by_status(runs: QuerySet[Run]) -> dict[str, int]:
    """Return counts in one query: of the newest ended ones of these runs, and of all unfinished ones."""
    newest, newest_values = _sql(runs.filter(ended_at__isnull=False).order_by("-pk"))
    unfinished, unfinished_values = _sql(runs.order_by().filter(UNFINISHED))
    # The ORM can neither group a cut query nor a union, and a join with the cut one would look up each row again.
    statement = f"SELECT status, COUNT(*) FROM (({newest}) UNION ALL ({unfinished})) counted GROUP BY status"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [*newest_values, *unfinished_values])
        return dict(cursor.fetchall())


def _sql(runs: QuerySet[Run]) -> tuple[str, tuple[Any, ...]]:
    return runs.values("status")[:NEWEST].query.sql_with_params()


def by_function(runs: QuerySet[Run]) -> dict[str, int]:
    """Return how many of these runs each function has, most first."""
    some = runs.order_by().values("function", "pk")[:MOST]
    inner, values = some.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT function, COUNT(*) FROM ({inner}) counted GROUP BY function ORDER BY 2 DESC, 1",  # noqa: S608
            values,
        )
        return dict(cursor.fetchall())
