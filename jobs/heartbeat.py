"""How a worker process says that it lives: a row every few seconds, over a connection that nothing else waits for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psycopg

from jobs import conf, database, pooler
from jobs.database import AWAY
from jobs.models import claiming
from jobs.postgresql import lending

if TYPE_CHECKING:
    from jobs.worker import Worker

logger = logging.getLogger("jobs")

_RETRY_SECONDS = 0.5


class Heartbeat:
    """The thread that reports, and what it knows of its own silences.

    `doubted` is called after a silence, or when the row had gone meanwhile: the runs may belong to others by now.
    """

    def __init__(self, worker: Worker, *, doubted: Callable[[Any], None]) -> None:
        self._worker = worker
        self._doubted = doubted
        self._stop = threading.Event()
        self._known = threading.Event()
        self._connection: psycopg.Connection[Any] | None = None
        self._last: float | None = None
        self._steady_since = 0.0
        self._thread = threading.Thread(target=self._loop, name="jobs-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; the row stays."""
        self._stop.set()
        self._thread.join(timeout=2)

    def wait_until_known(self, seconds: float) -> bool:
        """Wait for the first report: a worker that takes a run and dies unknown would be missed late."""
        return self._known.wait(seconds)

    def steady_seconds(self) -> float:
        """Return for how long this worker has been heard without a pause; 0 in a pause.

        Only a witness that was itself heard all the time can tell the silence of others from a stall of the database.
        """
        last, now = self._last, time.monotonic()
        if last is None or now - last > _pause_seconds():
            return 0.0
        return now - self._steady_since

    def _loop(self) -> None:
        while True:
            wait = self._beat_or_close()
            if self._stop.wait(wait):
                break
        self._close()

    def _beat_or_close(self) -> float:
        """Report, and return the seconds until the next report is due."""
        begun = time.monotonic()
        try:
            self._beat()
        except AWAY as error:
            pooler.heed(error)
            self._close()
            return _RETRY_SECONDS
        except Exception:  # whatever it is, without heartbeats this worker would lose its runs
            logger.exception("A heartbeat failed; the next one follows in a moment")
            self._close()
            return _RETRY_SECONDS
        return max(0.0, begun + conf.settings().HEARTBEAT_SECONDS - time.monotonic())

    def _beat(self) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = database.connect()
        worker = self._worker
        with self._connection.cursor() as cursor:
            is_new = claiming.beat(
                cursor,
                worker.id,
                claiming.Report(
                    host=worker.host,
                    pid=worker.pid,
                    slots=worker.slots,
                    busy=len(worker.flights),
                    version=conf.version(),
                    starving=lending.starving(),
                    stuck_seconds=worker.stuck_seconds(),
                ),
            )
            had_paused = self._note()
            if self._known.is_set() and (is_new or had_paused):
                self._doubted(cursor)
        self._known.set()

    def _note(self) -> bool:
        """Take note of a report that has arrived; whether there was a pause before it."""
        last, now = self._last, time.monotonic()
        self._last = now
        had_paused = last is None or now - last > _pause_seconds()
        if had_paused:
            self._steady_since = now
        return had_paused

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _pause_seconds() -> float:
    return 2 * conf.settings().HEARTBEAT_SECONDS
