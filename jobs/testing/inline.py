"""Runs executed right where the test is: in its thread and its transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection, transaction

from jobs import deliveries, endings, executor, gate
from jobs.attempt import Attempt
from jobs.ids import new_id
from jobs.journal import Claimed, Entry, Line, Lost, Suspend, Write
from jobs.models import claiming, waiting, writing
from jobs.types import Event

T = TypeVar("T")

_BATCH = 64


class InlineRecorder:
    """Writes through Django's connection of this thread, so it works inside a test's transaction."""

    inline = True

    def write(self, write: Write) -> bool:
        """Write and return whether the lease held."""
        with transaction.atomic(), connection.cursor() as cursor:
            return bool(writing.write(cursor, [write]))

    def record_with(
        self, claimed: Claimed, make: Callable[[], Entry], lines: Callable[[], list[Line]]
    ) -> tuple[Entry, bool]:
        """Run `make` and journal its entry in one transaction."""
        with transaction.atomic():
            entry = make()
            if not self.write(Write(claimed.run_id, claimed.lease, [entry], lines=lines())):
                raise Suspend(Lost())
        return entry, True

    def look(self, run_id: UUID, step: str, lookback: timedelta) -> tuple[list[Event], bool]:
        """Return the events that came for a wait; nobody else sends in a test's transaction."""
        with connection.cursor() as cursor:
            return waiting.look(cursor, run_id, step, lookback), False

    def release_connections(self) -> None:
        """Keep the connection: the test's transaction lives on it."""

    def widen(self, by: int) -> None:
        """Nobody else writes."""

    async def offload(self, call: Callable[[], T]) -> T:
        """Make the call in the thread of the test, beside the event loop."""
        return await sync_to_async(call)()

    def complete(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine to its end; what it calls that may block happens in this thread."""

        async def main() -> T:
            return await work()

        return async_to_sync(main)()

    def stopping(self, function: str) -> bool:
        """Whether to hand runs back: never."""
        return False


def drain(*, most: int = 10_000) -> int:
    """Execute every run that is due, in this thread, until none is; returns how many attempts that took.

    Sleeping runs stay asleep: move the clock with `shift_clock` and drain again. Raises AssertionError after `most`
    attempts, because a function that always has something due would never let a test end.
    """
    return drain_with(lambda attempt: attempt, most=most)


def drain_with(prepare: Callable[[Attempt], Attempt], *, most: int) -> int:
    """Do the same with attempts that a test has had its hands on."""
    worker = new_id()
    recorder = InlineRecorder()
    attempts = 0
    while claimed := _claim(worker):
        for run in claimed:
            _execute(run, recorder, prepare)
        attempts += len(claimed)
        if attempts > most:
            raise AssertionError(f"Still something due after {attempts} attempts")
    return attempts


def _claim(worker: UUID) -> list[Claimed]:
    """Look after what live runs wait for, and take what is due."""
    while deliveries.hand_over() or deliveries.end_overdue():
        pass
    with transaction.atomic(), connection.cursor() as cursor:
        plain = claiming.claim(cursor, worker, _BATCH)
        # One at a time, as for a site with one slot: each run ends before the next asks.
        return plain or gate.claim(cursor, worker, 1)


def _execute(claimed: Claimed, recorder: InlineRecorder, prepare: Callable[[Attempt], Attempt]) -> None:
    prepared = executor.prepare(claimed, recorder)
    if isinstance(prepared, Attempt):
        attempt = prepare(prepared)
        write = executor.settle(claimed, executor.run(attempt), attempt)
    else:
        write = executor.settle(claimed, prepared, None)
    if write is None or write.settle is None:
        return
    if endings.is_heard(claimed, write.settle):
        endings.end(claimed, write)
    else:
        recorder.write(write)
