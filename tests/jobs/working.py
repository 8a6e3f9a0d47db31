"""A real worker inside the test's process: the same claims, threads and fences, until nothing is left to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import connection

from jobs import clock
from jobs.models import Run
from jobs.worker import Worker
from tests.jobs.conftest import Engine

# In one statement: what is handed over between two looks would be seen by neither. A run that looks again for an event
# does so within 0.2 seconds.
_BUSY = """
SELECT EXISTS (SELECT 1 FROM jobs_delivery)
    OR EXISTS (SELECT 1 FROM jobs_run WHERE status = 'RUNNING'
                                         OR (run_at <= {now} + interval '0.3 seconds' AND blocked_by IS NULL)
                                         OR (deadline <= {now} AND ended_at IS NULL))
"""


@contextmanager
def at_work() -> Iterator[Worker]:
    """Have a worker pump on a thread until the block ends."""
    enough = threading.Event()
    process = Worker(stop_requested=enough.is_set)
    thread = threading.Thread(target=_pump, args=(process,), daemon=True)
    thread.start()
    try:
        yield process
    finally:
        enough.set()
        thread.join(10)
        process.stop(5)


def _pump(process: Worker) -> None:
    try:
        process.pump(600)
    finally:
        connection.close()


def quiet() -> bool:
    """Whether nothing is due, at work or on its way."""
    with connection.cursor() as cursor:
        cursor.execute(clock.sql(_BUSY))
        return not cursor.fetchone()[0]


def worked(seconds: float = 20) -> None:
    """Let a worker do what is due, and return when nothing is left to do."""
    with at_work():
        wait_until_quiet(seconds)


def wait_until_quiet(seconds: float = 20) -> None:
    """Return when nothing is left to do."""
    until = time.monotonic() + seconds
    while not quiet():
        assert time.monotonic() < until, list(Run.objects.live().values("function", "status", "run_at"))
        time.sleep(0.02)


class WorkedEngine(Engine):
    """The engine of a test whose runs are executed by a real worker."""

    def drained(self, run: Run) -> Run:
        """Have a worker execute what is due and return the run as it is then."""
        worked()
        return Run.objects.get(pk=run.pk)


@contextmanager
def engine_at(place: str) -> Iterator[Engine]:
    """An engine whose runs are executed here ("inline") or by a real worker ("worker")."""
    with ExitStack() as stack, clock.shifted():
        yield (Engine if place == "inline" else WorkedEngine)(stack)
