"""What a worker process does besides executing: freeing the runs of the dead, ticks, and a glance at work.

It has its own thread, so a busy run never delays it, and a round a second. Heartbeats are elsewhere: a round may wait
for a lock on the runs, and a heartbeat must not.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import Error

from jobs import conf, overlooked, pooler, presence, schedule
from jobs.database import AWAY
from jobs.models import claiming, gating, notifying, writing
from jobs.postgresql.reserving import reserved

if TYPE_CHECKING:
    from jobs.worker import Worker

logger = logging.getLogger("jobs")

ROUND_SECONDS = 1.0
LOOK_SECONDS = 10.0
"""How often to look whether runs wait behind keys that have room, as after a deploy with other limits."""

ALIVE_PATIENCE = 10
"""How many times longer a silent worker is waited for whose process can be seen to live on this host."""


class Keeper:
    """The housekeeping thread of one worker process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._parent = os.getppid()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="jobs-keeper", daemon=True)
        self._next_tick = 0.0
        self._next_look = 0.0
        self._shown: dict[Any, Any] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round under way."""
        self._stop.set()
        self._thread.join(timeout=2)

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
                self._free_the_dead(cursor)
                self._glance(cursor)
                self._worker.paused = frozenset(gating.paused_functions(cursor))
                self._look_again(conn)
            self._tick()
        except AWAY as error:
            pooler.heed(error)
            return
        except Exception:  # whatever it is, nobody else looks after this host's dead
            logger.exception("A round of the keeper failed; the next one follows in a second")

    def _free_the_dead(self, cursor: Any) -> None:
        worker = self._worker
        siblings = [known for known in claiming.workers_on(cursor, worker.host) if known != worker.id]
        dead = [known for known in siblings if presence.is_dead(known)]
        freed = claiming.free_runs_of(cursor, dead) if dead else 0
        for forgotten in claiming.unknown(cursor, dead) if dead else ():
            presence.forget(forgotten)
        freed += self._free_the_silent(cursor)
        if freed:
            logger.warning("Freed %d runs of workers that died", freed)
            notifying.notify(cursor)

    def _free_the_silent(self, cursor: Any) -> int:
        limit = conf.settings().SILENT_SECONDS
        heartbeat = self._worker.heartbeat
        if heartbeat.steady_seconds() < limit:
            return 0
        silent = claiming.silent(cursor, limit)
        silent.pop(self._worker.id, None)
        # A process whose lock is held lives, whatever keeps it from being heard; not for ever, for it may be stopped.
        gone = [
            one for one, silence in silent.items() if silence > limit * ALIVE_PATIENCE or not presence.is_alive(one)
        ]
        # Asked again: had the answer come late, a stall would make everybody look silent.
        if not gone or heartbeat.steady_seconds() < limit:
            return 0
        return claiming.free_runs_of(cursor, gone)

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
        self._next_tick = now + ROUND_SECONDS
        try:
            # Looking at least every round keeps a tick less than a second late, whoever changed the schedules.
            with reserved():
                self._next_tick = now + min(ROUND_SECONDS, schedule.tick())
        except Error as error:
            logger.warning("Schedules wait for the next round: %s", str(error).partition("\n")[0])
