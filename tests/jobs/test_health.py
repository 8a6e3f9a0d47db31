"""`GET /health`: what a load balancer learns, also while the database is away."""

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs import clock
from jobs.ids import new_id
from jobs.models import Run, Worker

MINUTES = timedelta(minutes=1)


def make_worker(*, silent: timedelta = timedelta(0)) -> Worker:
    now = clock.now()
    return Worker.objects.create(id=uuid4(), host="here", pid=1, started_at=now, seen_at=now - silent)


def make_run(*, due: timedelta, rank: timedelta | None = None) -> Run:
    now = clock.now()
    ranked = None if rank is None else now + rank
    return Run.objects.create(id=new_id(), function="f", queued_at=now, run_at=now + due, rank=ranked, trigger="n/x")


@pytest.fixture
def no_database() -> Any:
    """The database as it is while its server is down: an address where nobody answers."""
    connection.close()
    before = connection.settings_dict
    connection.close_pool()
    connection.settings_dict = before | {"HOST": "127.0.0.1", "PORT": "1"}
    yield
    connection.close_pool()
    connection.settings_dict = before


@pytest.mark.django_db
def test_a_site_with_a_worker_and_nothing_overdue_is_well() -> None:
    make_worker()
    make_run(due=5 * MINUTES)
    response = Client().get("/health")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "database": "ok",
        "workers": 1,
        "workers_stuck": 0,
        "runs_without_connection": 0,
        "oldest_due_seconds": 0.0,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("report", "told"), [({"stuck_seconds": 20.0}, "workers_stuck"), ({"starving": 3}, "runs_without_connection")]
)
def test_workers_that_can_take_no_work_are_told(report: dict[str, Any], told: str) -> None:
    worker = make_worker()
    Worker.objects.filter(pk=worker.pk).update(**report)
    answered = Client().get("/health").json()
    assert answered["status"] == "degraded"
    assert answered["workers"] == 1
    assert answered[told] in (1, 3)


@pytest.mark.django_db
def test_workers_that_fell_silent_are_not_counted() -> None:
    make_worker(silent=MINUTES)
    response = Client().get("/health")
    assert (response.status_code, response.json()["status"], response.json()["workers"]) == (200, "degraded", 0)


@pytest.mark.django_db
@pytest.mark.parametrize("rank", [None, -10 * MINUTES])
def test_runs_that_nobody_takes_are_noticed(rank: timedelta | None) -> None:
    make_worker()
    make_run(due=-2 * MINUTES, rank=rank)
    make_run(due=-MINUTES)
    state = Client().get("/health").json()
    assert state["status"] == "degraded"
    assert 120 <= state["oldest_due_seconds"] < 125


@pytest.mark.django_db
def test_it_costs_four_queries_however_many_runs_wait() -> None:
    for _ in range(20):
        make_run(due=-MINUTES)
    with CaptureQueriesContext(connection) as queries:
        Client().get("/health")
    assert len(queries) == 4


@pytest.mark.django_db
def test_it_needs_no_login_and_only_reads() -> None:
    assert Client().get("/health").status_code == 200
    assert Client().head("/health").status_code == 200
    assert Client().post("/health").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_said_soon_and_without_secrets(no_database: Any) -> None:
    began = time.monotonic()
    response = Client().get("/health")
    assert time.monotonic() - began < 5
    assert response.status_code == 503
    assert response.json() == {
        "status": "degraded",
        "database": "away",
        "workers": None,
        "oldest_due_seconds": None,
    }


@pytest.mark.django_db(transaction=True)
def test_health_returns_with_the_database() -> None:
    connection.close()
    assert Client().get("/health").json()["database"] == "ok"
