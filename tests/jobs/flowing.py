"""What tests of flow control do: send numbered events, take runs as a worker would, and end them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

import jobs
from jobs import clock, endings, executor, gate, testing
from jobs.ids import new_id
from jobs.journal import Claimed, Completed, Outcome, Retry
from jobs.models import Event, Run, claiming

DONE = Completed("null")
LATER = Retry({}, 3600.0)


def send(numbers: Iterable[int], name: str = "test/event", **data: Any) -> list[str]:
    """Send numbered events in one send and return their ids."""
    return jobs.send_sync([jobs.Event(name=name, data={"n": number, **data}) for number in numbers])


def take(most: int = 64, worker: UUID | None = None) -> list[Claimed]:
    """Take due runs that have limits, as one worker would; they hold their slots from here on."""
    with transaction.atomic(), connection.cursor() as cursor:
        return gate.claim(cursor, worker or new_id(), most)


def take_plain(most: int = 64) -> list[Claimed]:
    """Take due runs that have no limits."""
    with connection.cursor() as cursor:
        return claiming.claim(cursor, new_id(), most)


def leave(taken: Claimed | Sequence[Claimed], outcome: Outcome = DONE) -> None:
    """Settle runs that were taken."""
    for claimed in taken if isinstance(taken, Sequence) else [taken]:
        write = executor.settle(claimed, outcome, None)
        assert write is not None
        assert write.settle is not None
        if endings.is_heard(claimed, write.settle):
            endings.end(claimed, write)
        else:
            testing.InlineRecorder().write(write)


def numbers(taken: Sequence[Claimed]) -> list[int]:
    """Return the numbers of runs that were taken, in their order."""
    return [claimed.events[0].data["n"] for claimed in taken]


def everything_in_turn(most: int = 1) -> list[int]:
    """Take and end runs, so many at a time, until none is left; returns their numbers in order."""
    seen: list[int] = []
    while taken := take(most):
        seen += numbers(taken)
        leave(taken)
    return seen


def notes(event_id: str) -> str:
    """Return what is noted on an event."""
    return Event.objects.get(pk=event_id).note


def statuses() -> list[str]:
    """Return the statuses of all runs, oldest first."""
    return list(Run.objects.order_by("queued_at", "id").values_list("status", flat=True))


def blocked() -> int:
    """Count the runs that wait behind a key or a paused function."""
    return Run.objects.filter(blocked_by__isnull=False).count()


def milliseconds(**ahead: float) -> int:
    """Return the `ts` of an event so far from now."""
    return int((clock.now() + timedelta(**ahead)).timestamp() * 1000)


def too_early(starts: Sequence[datetime], interval: float, at_once: int) -> list[float]:
    """Return by how many seconds starts came before the generic cell rate algorithm lets them, where they did."""
    early: list[float] = []
    arrival = float("-inf")
    for start in sorted(start.timestamp() for start in starts):
        due = max(arrival, start)
        if (ahead := due - interval * (at_once - 1) - start) > 0:
            early.append(ahead)
        arrival = due + interval
    return early
