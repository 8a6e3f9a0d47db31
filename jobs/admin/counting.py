"""How many runs each status has, at a cost that does not grow with the table."""

from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from jobs.models import Run
from jobs.types import ENDED, Status

NEWEST = 10_000
"""Ended runs, and unfinished ones, that are counted at most."""
# Spelled like the conditions of the partial indexes, so that few unfinished runs are found among millions.
UNFINISHED = Q(run_at__isnull=False, rank__isnull=True) | Q(rank__isnull=False) | Q(status=Status.RUNNING)


def by_status(runs: QuerySet[Run]) -> dict[str, int]:
    """Return counts in one query: of ended runs among the newest of these, and of all unfinished ones."""
    newest, newest_values = _sql(runs.order_by("-pk"))
    unfinished, unfinished_values = _sql(runs.order_by().filter(UNFINISHED))
    # The ORM can neither group a cut query nor a union, and a join with the cut one would look up each row again.
    statement = (
        f"SELECT status, COUNT(*) FROM (SELECT status FROM ({newest}) newest WHERE status = ANY(%s)"  # noqa: S608
        f" UNION ALL ({unfinished})) counted GROUP BY status"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*newest_values, list(ENDED), *unfinished_values])
        return dict(cursor.fetchall())


def _sql(runs: QuerySet[Run]) -> tuple[str, tuple[Any, ...]]:
    return runs.values("status")[:NEWEST].query.sql_with_params()
