"""What a worker process does besides executing: heartbeats, freeing the runs of the dead, ticks, and a glance at work.

It has its own thread, so a busy run never delays it, and a round a second.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection

from jobs import conf, overlooked, pooler, presence, schedule
from jobs.database import AWAY
from jobs.models import claiming, gating, notifying, writing

if TYPE_CHECKING:
    from jobs.worker import Worker

logger = logging.getLogger("jobs")

ROUND_SECONDS = 1.0
LOOK_SECONDS = 10.0
"""How often to look whether runs wait behind keys that have room, as after a deploy with other limits."""


class Keeper:
    """The housekeeping thread of one worker process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._parent = os.getppid()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="jobs-keeper", daemon=True)
        self._next_beat = 0.0
        self._next_tick = 0.0
        self._next_look = 0.0
        self._steady_since: float | None = None
        self._shown: dict[Any, Any] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round under way."""
        self._stop.set()
        self._thread.join(timeout=2)

    def ensure_known(self, cursor: Any) -> None:
        """Report before a run is taken: a worker that dies unknown would be missed late."""
        if self._steady_since is None:
            self._next_beat = 0.0
            self._beat(cursor)

    def _loop(self) -> None:
        while True:
            self._round()
            if self._stop.wait(min(ROUND_SECONDS, max(0.01, self._next_tick - time.monotonic()))):
                return

    def _round(self) -> None:
        # Where the kernel does not end orphans for us, they end themselves.
        if os.getppid() != self._parent:
            os._exit(1)
        try:
            with self._worker.pool.connection() as conn, conn.cursor() as cursor:
                self._beat(cursor)
                self._free_the_dead(cursor)
                self._glance(cursor)
                self._worker.paused = frozenset(gating.paused_functions(cursor))
                self._look_again(conn)
            self._tick()
        except AWAY as error:
            pooler.heed(error)
            # Whoever could not report may be thought silent by now, and so may we think of others.
            self._steady_since, self._next_beat = None, 0.0
        except Exception:  # whatever it is, without heartbeats this worker would lose its runs
            logger.exception("A round of the keeper failed; the next one follows in a second")

    def _beat(self, cursor: Any) -> None:
        now = time.monotonic()
        if now < self._next_beat:
            return
        worker = self._worker
        claiming.beat(cursor, worker.id, worker.host, worker.pid, worker.slots, len(worker.flights), conf.version())
        self._next_beat = now + conf.settings().HEARTBEAT_SECONDS
        if self._steady_since is None:
            self._steady_since = now

    def _free_the_dead(self, cursor: Any) -> None:
        worker = self._worker
        siblings = [known for known in claiming.workers_on(cursor, worker.host) if known != worker.id]
        dead = [known for known in siblings if presence.is_dead(known)]
        freed = claiming.free_runs_of(cursor, dead) if dead else 0
        for forgotten in claiming.unknown(cursor, dead) if dead else ():
            presence.forget(forgotten)
        silent = conf.settings().SILENT_SECONDS
        if self._steady_since is not None and time.monotonic() - self._steady_since >= silent:
            freed += claiming.free_runs_of_silent(cursor, silent)
        if freed:
            logger.warning("Freed %d runs of workers that died", freed)
            notifying.notify(cursor)

    def _look_again(self, conn: psycopg.Connection[Any]) -> None:
        """Find runs that wait for nothing any more; one worker does it for all."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        with conn.transaction(), conn.cursor() as cursor:
            if gating.lock(cursor) and overlooked.look(cursor):
                notifying.notify(cursor)

    def _glance(self, cursor: Any) -> None:
        """Show the step and progress of runs that have been at one step for a round or more."""
        rows = self._worker.flights.at_a_glance()
        news = [row for row in rows if self._shown.get(row[0]) != row[2:]]
        self._shown = {row[0]: (row[2], dict(row[3]) if row[3] else None) for row in rows}
        if news:
            writing.glance(cursor, news)

    def _tick(self) -> None:
        now = time.monotonic()
        if now < self._next_tick:
            return
        try:
            # Looking at least every round keeps a tick less than a second late, whoever changed the schedules.
            self._next_tick = now + min(ROUND_SECONDS, schedule.tick())
        finally:
            connection.close()
