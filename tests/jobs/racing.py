"""Two sides of a race: what a worker does, over a connection of its own, and calls aside that wait for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection as django_connection

from jobs import clock, executor
from jobs.ids import new_id
from jobs.journal import Claimed, Completed, Entry, Failed, Write, key_of
from jobs.models import claiming, writing
from jobs.types import Op, StepStatus
from tests.jobs.cluster import Bench, wait_until, workloads

Pair = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def aside(function: Callable[..., Any], *arguments: Any, **named: Any) -> Future[Any]:
    """Call something in another thread, over connections of its own."""
    pool = ThreadPoolExecutor(1)
    called = pool.submit(_and_close, function, *arguments, **named)
    pool.shutdown(wait=False)
    return called


def _and_close(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return function(*arguments, **named)
    finally:
        django_connection.close()


def wait_for_a_wait(bench: Bench) -> None:
    """Return once one connection waits for a lock that another one holds."""
    wait_until(lambda: bench.rows(WAITING) == [(1,)], 5, "a connection waits for the other's lock")


def claim(connection: psycopg.Connection[Any], most: int = 1, worker: UUID | None = None) -> list[Claimed]:
    """Claim in the connection's transaction, which stays open."""
    return claiming.claim(connection.cursor(), worker or new_id(), most)


def claimed_run(bench: Bench, connection: psycopg.Connection[Any], worker: UUID | None = None) -> Claimed:
    """Open a run and have it claimed, all committed."""
    bench.send(workloads.steps)
    (claimed,) = claim(connection, worker=worker)
    connection.commit()
    return claimed


def a_step(claimed: Claimed) -> Write:
    """What the worker that holds the run journals for its first step."""
    moment = clock.now()
    done = Entry(key_of("first"), "first", 0, Op.RUN, StepStatus.COMPLETED, moment, moment, output='"done"')
    return Write(claimed.run_id, claimed.lease, [done])


def an_end(claimed: Claimed, outcome: Completed | Failed | None = None) -> Write:
    """How the worker that holds the run leaves it."""
    write = executor.settle(claimed, outcome or Completed('"done"'), None)
    assert write is not None
    return write


def written(connection: psycopg.Connection[Any], write: Write) -> bool:
    """Write in the connection's transaction, which stays open; whether the lease held."""
    return bool(writing.write(connection.cursor(), [write]))


def freed(connection: psycopg.Connection[Any], worker: UUID) -> int:
    return claiming.free_runs_of(connection.cursor(), [worker])
