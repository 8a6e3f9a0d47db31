"""The runs that a worker process has in flight, each on a thread: executed, settled, and never forgotten."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import Error

from jobs import endings, executor, failures
from jobs.attempt import Attempt
from jobs.database import AWAY
from jobs.journal import Claimed, Failed, Outcome, Write
from jobs.postgresql.reserving import reserved
from jobs.writer import Writer

logger = logging.getLogger("jobs")

_PAUSE = 0.3


class Flights:
    """The runs in flight and the threads that execute them.

    `landed` is called after each end, and `stopped` tells whether an end need not wait for the database any more.
    """

    def __init__(self, *, landed: Callable[[], None], stopped: Callable[[], bool]) -> None:
        self.unsure = False
        """Whether a run may be held by this worker that is not in flight."""
        self._landed = landed
        self._stopped = stopped
        self._attempts: dict[UUID, Attempt | None] = {}
        self._queue: queue.SimpleQueue[list[Claimed]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.writer: Writer

    def __len__(self) -> int:
        return len(self._attempts)

    def ids(self) -> list[UUID]:
        """Return the runs in flight."""
        return list(self._attempts)

    def attempts(self) -> list[Attempt]:
        """Return the passes that are under way."""
        return [attempt for attempt in list(self._attempts.values()) if attempt is not None]

    def take(self, claimed: list[Claimed]) -> None:
        """Execute these runs."""
        for one in claimed:
            self._attempts[one.run_id] = None
            # As many threads as runs: counting the idle ones would count one that has just been given a run, and the
            # next run would wait until that one ends.
            if len(self._threads) < len(self._attempts):
                thread = threading.Thread(target=self._loop, name=f"jobs-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
        if claimed:
            self._queue.put(claimed[::-1])

    def dismiss(self) -> None:
        """End the threads that wait for work, and the others after what they do."""
        for _ in self._threads:
            self._queue.put([])

    def _loop(self) -> None:
        while True:
            batch = self._queue.get()
            if not batch:
                return
            claimed = batch.pop()
            if batch:
                # Each thread wakes the next: all at once they would only fight for the interpreter.
                self._queue.put(batch)
            try:
                self._execute(claimed)
            except BaseException as error:
                logger.exception("Run %s could not be settled", claimed.run_id)
                self._give_up(claimed, error)

    def _execute(self, claimed: Claimed) -> None:
        prepared = executor.prepare(claimed, self.writer)
        if not isinstance(prepared, Attempt):
            self._settle(claimed, prepared, None)
            return
        self._attempts[claimed.run_id] = prepared
        try:
            outcome = executor.run(prepared)
        finally:
            self.writer.release_connections()
        self._settle(claimed, outcome, prepared)

    def _settle(self, claimed: Claimed, outcome: Outcome, attempt: Attempt | None) -> None:
        write = executor.settle(claimed, outcome, attempt)
        if write is None or write.settle is None:
            self._land(claimed.run_id)
        elif endings.is_heard(claimed, write.settle):
            self._end(claimed, write)
            self._land(claimed.run_id)
        else:
            self.writer.hand_over(write, lambda error: self._settled(claimed, error))

    def _settled(self, claimed: Claimed, error: Exception | None) -> None:
        if error is None:
            self._land(claimed.run_id)
        else:
            # Not here: this may be the writer's own thread, and giving up writes again.
            threading.Thread(target=self._give_up, args=(claimed, error), daemon=True).start()

    def _end(self, claimed: Claimed, write: Write) -> None:
        """End a run in a way others hear of, as soon as the database lets us."""
        while True:
            try:
                with reserved():
                    endings.end(claimed, write)
                return
            except Error as error:
                if self._stopped() or not isinstance(error.__cause__, AWAY):
                    raise
                time.sleep(_PAUSE)

    def _give_up(self, claimed: Claimed, error: BaseException) -> None:
        """Fail a run that cannot be settled as it should be, or else leave it to the next claim."""
        plain = executor.settle(claimed, Failed(failures.describe(error, code="unsettled")), None)
        try:
            if plain is not None and plain.settle is not None and endings.is_heard(claimed, plain.settle):
                self._end(claimed, plain)
            elif plain is not None:
                self.writer.write(plain)
        except Exception:
            logger.exception("Run %s is left to the next claim", claimed.run_id)
            self.unsure = True
        finally:
            self._land(claimed.run_id)

    def _land(self, run_id: UUID) -> None:
        self._attempts.pop(run_id, None)
        self._landed()

    def at_a_glance(self) -> list[tuple[UUID, int, str, dict[str, Any] | None]]:
        """Return what the runs in flight are at: run, lease, step and progress."""
        under_way = [attempt for attempt in self.attempts() if attempt.current_since]
        return [(a.claimed.run_id, a.claimed.lease, a.current_step, a.progress) for a in under_way]
