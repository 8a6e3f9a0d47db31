"""The end of a run that others hear of: its row and its internal event are written in one transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobs import clock, serialize
from jobs.events import Opening
from jobs.ids import new_id
from jobs.journal import Claimed, Settle, Write
from jobs.models import writing
from jobs.registry import registry
from jobs.types import FUNCTION_CANCELLED, FUNCTION_FAILED, FUNCTION_FINISHED, Event, Source, Status

_NAMES = {
    Status.COMPLETED: FUNCTION_FINISHED,
    Status.FAILED: FUNCTION_FAILED,
    Status.CANCELLED: FUNCTION_CANCELLED,
}


def is_heard(claimed: Claimed, settle: Settle) -> bool:
    """Whether the end of this run is announced by an event; runs started by such events announce nothing."""
    if not settle.ended or claimed.trigger in _NAMES.values():
        return False
    if settle.status == Status.COMPLETED:
        return bool(registry.listening_to(FUNCTION_FINISHED))
    return True


def end(claimed: Claimed, write: Write) -> bool:
    """Settle a run and announce its end; False if the lease was lost, and then nothing is written."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            held = writing.write(cursor, [write])
        if not held or write.settle is None:
            return False
        announce(
            Status(write.settle.status),
            run_id=claimed.run_id,
            function=claimed.function,
            subject=claimed.subject,
            events=[event.model_dump() for event in claimed.events],
            result=write.settle.error or _value(write.settle.output),
        )
    return True


def _value(output: str | None) -> Any:
    return None if output is None else serialize.loads(output)


def announce(
    status: Status, *, run_id: UUID, function: str, subject: str, events: list[dict[str, Any]], result: Any
) -> None:
    """Store the internal event of a run's end and open what it starts, in the caller's transaction."""
    data: dict[str, Any] = {
        "function_id": function,
        "run_id": str(run_id),
        "event": events[0] if events else None,
        "events": events,
        "result" if status == Status.COMPLETED else "error": result,
    }
    now_ms = int(clock.now().timestamp() * 1000)
    event = Event(name=_NAMES[status], data=data, ts=now_ms)
    opening = Opening()
    event_id = new_id()
    opening.add_event(event_id, event, now_ms)
    for listener in registry.started_by(event):
        # What handles a function's failure is about the same object as the failed run.
        opening.add_run(listener, event, [event_id], subject=subject if listener.failure_of else "")
    opening.write(source=Source.INTERNAL, sender=function)
