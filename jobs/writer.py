"""How a worker process writes: alone for a single run, and many runs in one commit when many are in flight.

One thread takes whatever writes are pending into one transaction. For a lone run that hand-over would cost more
than it saves, so it commits by itself. Either way a caller goes on only when its write is committed.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from django.db import connections
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from psycopg_pool import ConnectionPool

from jobs import pooler
from jobs.database import AWAY
from jobs.doubts import record_once
from jobs.journal import Claimed, Entry, Line, Lost, Suspend, Write
from jobs.models import notifying, waiting, writing
from jobs.models.writing import Statement
from jobs.pending import Pending
from jobs.types import Event

T = TypeVar("T")

logger = logging.getLogger("jobs")

MOST = 256
"""Writes in one commit."""
HEAVIEST = 8 * 1024 * 1024
"""Characters of outputs after which a commit takes no more writes."""
ALONE = 2
"""Up to so many runs in flight, each commits by itself."""
_BESIDE = 512
"""Threads beside the event loops of async functions."""
_PAUSE = 0.2
_LIMIT_EXCEEDED = "54"


class Writer:
    """The recorder of one worker process; see `jobs.recording.Recorder`."""

    inline = False

    def __init__(
        self, pool: ConnectionPool[Any], *, in_flight: Callable[[], int], stopping: Callable[[str], bool]
    ) -> None:
        self._pool = pool
        self._in_flight = in_flight
        self._branches = 0
        self._counting = threading.Lock()
        self._beside: ThreadPoolExecutor | None = None
        self.stopping = stopping
        self._queue: queue.SimpleQueue[Pending | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="jobs-writer", daemon=True)
        self._thread.start()
        self._closed = False

    def record_with(
        self, claimed: Claimed, make: Callable[[], Entry], lines: Callable[[], list[Line]]
    ) -> tuple[Entry, bool]:
        """Run `make` and journal its entry in one transaction; see `jobs.recording.Recorder`."""
        return record_once(claimed, make, lines, is_kept=lambda entry: self._is_kept(claimed, entry)), True

    def _is_kept(self, claimed: Claimed, entry: Entry) -> bool:
        """Tell whether an entry was committed, as soon as that can be told for certain."""
        while True:
            try:
                with self._borrowed() as conn, conn.cursor() as cursor:
                    kept = writing.kept(cursor, claimed.run_id, claimed.lease, entry.key)
                if kept is None:
                    raise Suspend(Lost())
                return kept
            except AWAY:  # or the commit is still under way
                if self._closed:
                    raise Suspend(Lost()) from None
                time.sleep(_PAUSE)

    def look(self, run_id: UUID, step: str, lookback: timedelta) -> tuple[list[Event], bool]:
        """Return the events that may meet a step's wait; see `jobs.recording.Recorder`."""
        while True:
            try:
                with self._borrowed() as conn, conn.cursor() as cursor:
                    unsure = waiting.unsure(cursor, run_id, step)
                    return waiting.look(cursor, run_id, step, lookback), unsure
            except AWAY:
                if self._closed:
                    raise Suspend(Lost()) from None
                time.sleep(_PAUSE)

    def widen(self, by: int) -> None:
        """Expect so many more writers at once, or so many fewer."""
        with self._counting:
            self._branches += by

    async def offload(self, call: Callable[[], T]) -> T:
        """Make a call on a thread of its own; see `jobs.recording.Recorder`."""
        with self._counting:
            if self._beside is None:
                self._beside = ThreadPoolExecutor(_BESIDE, thread_name_prefix="jobs-beside")
        inside = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._beside, inside.run, self._alone, call)

    def _alone(self, call: Callable[[], T]) -> T:
        try:
            return call()
        finally:
            self.release_connections()

    def complete(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine to its end in an event loop of its own."""

        async def main() -> T:
            return await work()

        return asyncio.run(main())

    def release_connections(self) -> None:
        """Close what product code opened in this thread, which returns it to Django's pool."""
        if getattr(_opened, "any", False):
            opened = connections.all(initialized_only=True)
            # One inside a transaction is passed over, and looked at again when that has ended.
            _opened.any = any(one.in_atomic_block for one in opened)
            for one in opened:
                if not one.in_atomic_block:
                    one.close()

    def write(self, write: Write) -> bool:
        """Commit a write and return whether the lease held."""
        if self._in_flight() + self._branches <= ALONE:
            return write.run_id in self._commit([write])
        pending = Pending(write)
        self._queue.put(pending)
        return pending.wait()

    def hand_over(self, write: Write, done: Callable[[Exception | None], None]) -> None:
        """Commit a write some time soon, then call `done` with what went wrong, if anything; nobody waits for it."""
        pending = Pending(write, done)
        if self._in_flight() <= ALONE:
            self._finish([pending])
        else:
            self._queue.put(pending)

    def close(self) -> None:
        """Stop the thread once everything handed over is committed, or at once if the server stays away."""
        self._closed = True
        if self._beside is not None:
            self._beside.shutdown(wait=False)
        self._queue.put(None)
        self._thread.join(timeout=2)

    def _loop(self) -> None:
        while (pending := self._queue.get()) is not None:
            self._finish(self._with_waiting(pending))

    def _with_waiting(self, first: Pending) -> list[Pending]:
        """Return this write and those that wait behind it, as far as they fit into one commit."""
        batch, weight = [first], first.write.weight
        while len(batch) < MOST and weight < HEAVIEST:
            try:
                pending = self._queue.get_nowait()
            except queue.Empty:
                break
            if pending is None:
                self._queue.put(None)
                break
            batch.append(pending)
            weight += pending.write.weight
        return batch

    def _finish(self, batch: list[Pending]) -> None:
        try:
            held = self._commit([pending.write for pending in batch])
        except Exception as error:  # whatever it is, those who wait must hear of it
            if len(batch) == 1:
                batch[0].finish(False, error)
                Pending.wake(batch)
                return
            # One of them is something PostgreSQL refuses: the others must not suffer for it.
            for pending in batch:
                self._finish([pending])
            return
        for pending in batch:
            pending.finish(pending.write.run_id in held)
        Pending.wake([pending for pending in batch if pending.done is None])

    def _commit(self, writes: list[Write]) -> set[UUID]:
        again = False
        while True:
            try:
                with self._borrowed() as conn:
                    held = writing.held_of(writes, _executed(conn, writing.statements(writes, again=again)))
                    if any(write.freed for write in writes):
                        notifying.notify(conn.cursor())
                    return held
            except AWAY as error:
                if (error.sqlstate or "").startswith(_LIMIT_EXCEEDED):
                    raise  # it counts as operational, but no patience makes the value smaller
                # Whether the commit arrived is unknown. The same write under the same lease changes nothing more.
                if self._closed:
                    return set()
                again = True
                time.sleep(_PAUSE)

    @contextmanager
    def _borrowed(self) -> Iterator[psycopg.Connection[Any]]:
        # The pool's own context manager would add an empty commit to every statement.
        conn = self._pool.getconn()
        try:
            yield conn
        except pooler.CONFUSED as error:
            pooler.heed(error)
            raise
        finally:
            self._pool.putconn(conn)


def _executed(conn: psycopg.Connection[Any], statements: list[Statement]) -> list[set[UUID]]:
    """Execute statements in one transaction and return the runs that those which tell have told."""
    if len(statements) == 1:
        cursors = [conn.execute(statements[0][0], statements[0][1])]
    else:
        # One round trip in all: after each, this thread would have to wait its turn among many busy ones.
        with conn.pipeline(), conn.transaction():
            cursors = [conn.execute(statement, parameters) for statement, parameters, _ in statements]
    told = zip(cursors, statements, strict=True)
    return [{row[0] for row in cursor.fetchall()} for cursor, (_, _, tells) in told if tells]


# Looking at all of a thread's connections after every handler would cost more than journaling its step.
_opened = threading.local()


@receiver(connection_created)
def _note_opened(**_: Any) -> None:
    _opened.any = True
