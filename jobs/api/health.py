"""`GET /health`: whether events are stored and runs are executed, for load balancers and people."""

from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse

from jobs import clock, conf
from jobs.api.answers import answer, methods
from jobs.models import Run, Worker

PATIENCE_SECONDS = 2.0
"""How long the database may take to accept us; whoever asks for health asks again soon."""
OVERDUE_SECONDS = 60.0
"""A run that is due for longer than this says that the workers do not keep up."""

STUCK_SECONDS = 15.0
"""A worker that comes round to take runs no more often than this takes none."""


@methods("GET")
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 while events can be stored, 503 while the database is away; `degraded` if runs do not move.

    `workers_stuck` are alive and take no runs, `runs_without_connection` wait long for a database connection.
    """
    try:
        _reach_database()
        state = _state()
    except (DatabaseError, InterfaceError, psycopg.Error):
        return answer({"status": "degraded", "database": "away", "workers": None, "oldest_due_seconds": None}, 503)
    return answer(state)


def _reach_database() -> None:
    pool = getattr(connection, "pool", None)
    if pool is not None and connection.connection is None:
        pool.open()
        with pool.connection(timeout=PATIENCE_SECONDS):
            pass


def _state() -> dict[str, Any]:
    now = clock.now()
    is_stuck = Q(stuck_seconds__gt=STUCK_SECONDS)
    told = alive().aggregate(workers=Count("id"), stuck=Count("id", filter=is_stuck), starving=Sum("starving"))
    workers, stuck, starving = told["workers"], told["stuck"], told["starving"] or 0
    overdue = max(0.0, (now - (oldest_due() or now)).total_seconds())
    well = workers > stuck and not starving and overdue <= OVERDUE_SECONDS
    return {
        "status": "ok" if well else "degraded",
        "database": "ok",
        "workers": workers,
        "workers_stuck": stuck,
        "runs_without_connection": starving,
        "oldest_due_seconds": round(overdue, 3),
    }


def workers_alive() -> int:
    """Return how many worker processes have been heard of lately, on any host."""
    return alive().count()


def alive() -> QuerySet[Worker]:
    """Return the worker processes that have been heard of lately."""
    heard_after = clock.now() - timedelta(seconds=conf.settings().SILENT_SECONDS)
    return Worker.objects.filter(seen_at__gt=heard_after)


def oldest_due() -> datetime | None:
    """Return since when the run has been due that has waited longest for a worker; None if none waits.

    Runs that wait for a slot, their turn or a paused function wait for no worker.
    """
    # One look at the head of each of the claim's indexes, however many runs wait.
    plain = Run.objects.filter(run_at__isnull=False, rank__isnull=True).order_by("run_at", "id")
    ranked = Run.objects.filter(rank__isnull=False, blocked_by__isnull=True).order_by("rank", "id")
    heads = [
        runs.values_list("run_at", flat=True).first()
        for runs in (plain, ranked.filter(gated=False), ranked.filter(gated=True))
    ]
    return min((moment for moment in heads if moment is not None), default=None)
