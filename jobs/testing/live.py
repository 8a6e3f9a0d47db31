"""A real worker in the process of a test, with the claim, threads, fencing and connections of a cluster's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection, connections

from jobs import wakeup
from jobs.models import Run
from jobs.testing.running import Result
from jobs.types import ENDED, Status
from jobs.worker import Worker

_LOOK_SECONDS = 0.01
_PUMP_SECONDS = 3600.0


class LiveWorker:
    """A worker that pumps on a thread of the test's process; made by `testing.worker`."""

    def __init__(self, threads: int | None = None) -> None:
        self._stop = threading.Event()
        self.worker = Worker(stop_requested=self._stop.is_set)
        if threads is not None:
            self.worker.slots = threads
        self._thread = threading.Thread(target=self._pump, name="jobs-testing-pump", daemon=True)
        self._thread.start()

    def _pump(self) -> None:
        try:
            while not self._stop.is_set():
                self.worker.pump(_PUMP_SECONDS)
        finally:
            connections.close_all()

    def stop(self, grace: float) -> None:
        """Hand back what still runs after so many seconds, end all threads and close all connections."""
        self._stop.set()
        wakeup.hint()
        self._thread.join()
        self.worker.stop(grace)

    def wait_for(
        self, what: Run | Result | UUID | str, *, seconds: float = 10.0, status: Status | str | None = None
    ) -> Run:
        """Return a run once it has ended, or has this status; `what` is the run, its id, or the id of its event.

        AssertionError after so many seconds, or if an event has started several runs: see `wait_for_all`.
        """
        [*runs] = self._awaited(what, seconds, status)
        if len(runs) > 1:
            raise AssertionError(f"The event {what} started {len(runs)} runs; wait_for_all returns them")
        return runs[0]

    def wait_for_all(self, event_id: UUID | str, *, seconds: float = 10.0) -> list[Run]:
        """Return the runs that an event has started, once all of them have ended."""
        return self._awaited(event_id, seconds, None)

    def _awaited(self, what: Any, seconds: float, status: Status | str | None) -> list[Run]:
        find = _finder(what)
        until = time.monotonic() + seconds
        while True:
            runs = find()
            if runs and all(_is_there(run, status) for run in runs):
                return runs
            if time.monotonic() > until:
                raise AssertionError(_words(what, runs, seconds))
            time.sleep(_LOOK_SECONDS)


@contextmanager
def worker(*, threads: int | None = None, grace: float = 5.0) -> Iterator[LiveWorker]:
    """Start a worker that executes what is due until the block ends.

    For tests whose writes are committed (`django_db(transaction=True)`, `TransactionTestCase`): it has connections of
    its own. threads: how many runs at once, as in JOBS["THREADS"]. grace: seconds for what runs when the block ends.
    """
    if connection.in_atomic_block:
        raise AssertionError(
            "A worker cannot see what this test's transaction has written. Mark the test with "
            "pytest.mark.django_db(transaction=True), derive it from TransactionTestCase, or use testing.drain()."
        )
    live = LiveWorker(threads)
    try:
        yield live
    finally:
        live.stop(grace)


def _finder(what: Any) -> Callable[[], list[Run]]:
    pk = what.run.pk if isinstance(what, Result) else what.pk if isinstance(what, Run) else UUID(str(what))

    def find() -> list[Run]:
        return list(Run.objects.filter(pk=pk)) or list(Run.objects.filter(events=pk).order_by("id"))

    return find


def _is_there(run: Run, status: Status | str | None) -> bool:
    return run.status in ENDED if status is None else run.status == status


def _words(what: Any, runs: list[Run], seconds: float) -> str:
    if not runs:
        return f"Nothing runs for {what} after {seconds:g} s"
    states = ", ".join(
        f"{run} is {run.get_status_display().lower()}" + (f" ({run.error['message']})" if run.error else "")
        for run in runs
    )
    return f"After {seconds:g} s {states}"
