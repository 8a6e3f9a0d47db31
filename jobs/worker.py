"""A worker process: it takes due runs in batches, has them executed, and waits by listening.

One process has one Worker, made after the fork. `pump()` is what Q2 calls; between two pumps the runs in flight go on.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from django.db import Error

from jobs import conf, deliveries, gate, pooler
from jobs.database import AWAY, pool
from jobs.flights import Flights
from jobs.heartbeat import Heartbeat
from jobs.ids import new_id
from jobs.journal import Claimed
from jobs.keeper import Keeper
from jobs.listener import Listener
from jobs.models import claiming
from jobs.models.agenda import Agenda, agenda
from jobs.postgresql import lending
from jobs.postgresql.reserving import reserved
from jobs.presence import Presence
from jobs.writer import Writer

logger = logging.getLogger("jobs")

BATCH = 64
"""Runs taken by one claim, so that one process does not take everything."""
_BATCH_WAIT = 0.01
_BREATH = 0.002
"""Seconds to wait at least where something is due that another worker has at hand."""
_BEATEN = 0.01
"""The same where another worker is at the gate: it does the work of all, and whatever it frees is told."""
_PAUSE = 0.3


class Worker:
    """The threads, connections and runs of one worker process."""

    def __init__(self, *, stop_requested: Callable[[], bool] = lambda: False) -> None:
        self.id: UUID = new_id()
        self.host = socket.gethostname()
        self.pid = os.getpid()
        self.slots = conf.settings().THREADS
        self._stop_requested = stop_requested
        self._stopped = False
        self.flights = Flights(landed=self._landed, stopped=lambda: self._stopped)
        self._freed = threading.Event()
        self._starved = False
        self._backlog = False
        self._gated = False
        self._turn = False
        self.presence = Presence(self.id)
        self.pool = pool()
        self.paused: frozenset[str] = frozenset()
        self.writer = Writer(self.pool, in_flight=self.flights.__len__, stopping=self._wants_back)
        self.flights.writer = self.writer
        self.listener = Listener()
        self._came_round = time.monotonic()
        self._pumping = False
        self.in_database = False
        """Whether the pump waits for the database: a stall of the server is no fault of this process."""
        lending.begin()
        self.heartbeat = Heartbeat(self, doubted=self._look_who_is_lost)
        self.heartbeat.start()
        self.keeper = Keeper(self)
        self.keeper.start()

    def stopping(self) -> bool:
        """Whether runs are to be handed back at their next step."""
        return self._stopped or self._stop_requested()

    def _wants_back(self, function: str) -> bool:
        return function in self.paused or self.stopping()

    def stuck_seconds(self) -> float:
        """Return for how long this process has not come round to take runs, though it should."""
        return time.monotonic() - self._came_round if self._pumping else 0.0

    def _look_who_is_lost(self, cursor: Any) -> None:
        """Tell the runs that others have taken over meanwhile, so that they begin no further step."""
        attempts = {attempt.claimed.run_id: attempt for attempt in self.flights.attempts()}
        held = claiming.held(cursor, {run_id: attempt.claimed.lease for run_id, attempt in attempts.items()})
        lost = [attempt for run_id, attempt in attempts.items() if run_id not in held]
        for attempt in lost:
            attempt.lose()
        if lost:
            logger.warning("%d runs were given to other workers while this one could not be heard", len(lost))

    def pump(self, span: float, *, beat: Callable[[], None] = lambda: None) -> None:
        """Take and execute runs for that many seconds, or until a stop is asked for.

        `beat` is called at least every poll interval: it tells whoever watches that this process comes round.
        """
        until = time.monotonic() + span
        self._pumping = True
        try:
            self._pump(until, beat)
        finally:
            self._pumping = False

    def _pump(self, until: float, beat: Callable[[], None]) -> None:
        while (now := time.monotonic()) < until and not self.stopping():
            beat()
            self._came_round = now
            if not self._room():
                self._await_room()
                continue
            try:
                self.in_database = True
                self._take_or_wait()
            except psycopg.Error as error:
                what = "The database is away" if isinstance(error, AWAY) else "A claim failed"
                logger.warning("%s, trying again: %s", what, str(error).strip().partition("\n")[0])
                pooler.heed(error)
                self.listener.close()
                # A claim may have been committed although its answer never came.
                self.flights.unsure = True
                time.sleep(_PAUSE)
            finally:
                self.in_database = False

    def _room(self) -> bool:
        free = self.slots - len(self.flights)
        # With a backlog it pays to wait a moment for a whole batch of slots.
        return free >= (min(BATCH, self.slots) if self._backlog else 1)

    def _await_room(self) -> None:
        self._starved = True
        self._freed.clear()
        if not self._room():
            self._freed.wait(_BATCH_WAIT if self._backlog else conf.settings().POLL_SECONDS)
        self._starved = False
        if self._backlog and len(self.flights) < self.slots:
            # Long runs hold the other slots: better a small batch than none.
            self._backlog = False

    def _take_or_wait(self) -> None:
        if not self.heartbeat.wait_until_known(_PAUSE):
            return
        connection = self.listener.connection()
        with connection.cursor() as cursor:
            if self.flights.unsure:
                claiming.hand_back(cursor, self.id, except_for=self.flights.ids())
                self.flights.unsure = False
            asked = min(self.slots - len(self.flights), BATCH)
            share = self._plain_share(asked)
            taken = claiming.claim(cursor, self.id, share) if share else []
            self.flights.take(taken)
            ahead = agenda(cursor)
            gated = self._claim_gated(connection, ahead, asked - len(taken))
        self._gated = ahead.gated
        # A claim asks for a power of two, so half of what was wanted may still be a full one. Runs with limits do not
        # count: while this worker waits for a batch of slots, theirs would be free and nobody would use them.
        self._backlog = len(taken) * 2 > asked
        if self._look_after(ahead) or taken or gated:
            return
        poll = conf.settings().POLL_SECONDS
        at_hand = ahead.deliveries or ahead.overdue
        wait = _BREATH if at_hand else poll if ahead.next is None else max(_BREATH, min(poll, ahead.next))
        self.listener.wait(_BEATEN if ahead.gated else wait)

    def _plain_share(self, asked: int) -> int:
        """Return how many runs without limits to ask for: half, where others wait as well, so that neither starves."""
        if not self._gated:
            return asked
        self._turn = not self._turn
        return (asked + self._turn) // 2

    def _claim_gated(self, connection: psycopg.Connection[Any], agenda: Agenda, most: int) -> list[Claimed]:
        if not agenda.gated or most < 1:
            return []
        with connection.transaction(), connection.cursor() as cursor:
            taken = gate.claim(cursor, self.id, most)
        self.flights.take(taken)
        return taken

    def _look_after(self, agenda: Agenda) -> bool:
        """Hand over what came for live runs, and end those whose time is up; whether something was done."""
        if not (agenda.deliveries or agenda.overdue):
            return False
        try:
            with reserved():
                done = deliveries.hand_over() if agenda.deliveries else 0
                return bool(done + (deliveries.end_overdue() if agenda.overdue else 0))
        except Error as error:
            logger.warning("Deliveries wait for the next round: %s", str(error).partition("\n")[0])
            return False
        except Exception:  # product code may have a part in an end; whatever it is, this worker goes on
            logger.exception("Deliveries wait for the next round")
            return False

    def _landed(self) -> None:
        # Setting an event is dear, so only for a pump that waits, and only once there is what it waits for.
        if self._starved and self._room():
            self._freed.set()

    def drain(self, seconds: float) -> bool:
        """Let the runs in flight finish without taking more; whether none is left."""
        until = time.monotonic() + seconds
        while self.flights and time.monotonic() < until:
            time.sleep(0.05)
        return not self.flights

    def stop(self, grace: float, *, beat: Callable[[], None] = lambda: None) -> None:
        """Stop in order: runs end at their next step or within `grace` seconds, the rest is handed back."""
        self._stopped = True
        until = time.monotonic() + grace
        while self.flights and time.monotonic() < until:
            beat()
            self.drain(0.2)
        self.flights.dismiss()
        self.writer.close()
        self.keeper.stop()
        self.heartbeat.stop()
        try:
            with self.pool.connection(timeout=2) as connection, connection.cursor() as cursor:
                handed = claiming.hand_back(cursor, self.id)
                claiming.forget(cursor, self.id)
            if handed:
                logger.warning("Handed back %d runs that were still at work", handed)
        except AWAY:
            logger.warning("The database is away; the runs of this worker will be freed once it counts as silent")
        self.listener.close()
        self.pool.close(timeout=1)
        lending.end()
        self.presence.end()
