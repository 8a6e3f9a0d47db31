"""The end of a run that others hear of: its row, its internal event and what its parent gets, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobs import clock, failures, serialize, wakeup
from jobs.journal import Claimed, Settle, Write
from jobs.models import Run, RunEvent, Wait, gating, writing
from jobs.models.run import database_now
from jobs.opening import Opening
from jobs.registry import registry
from jobs.types import ENDS, FUNCTION_CANCELLED, FUNCTION_FAILED, FUNCTION_FINISHED, Event, Source, Status

_NAMES = {
    Status.COMPLETED: FUNCTION_FINISHED,
    Status.FAILED: FUNCTION_FAILED,
    Status.CANCELLED: FUNCTION_CANCELLED,
}


def is_heard(claimed: Claimed, settle: Settle) -> bool:
    """Whether somebody is told of the end of this run: its parent, or whoever listens to the event of its end."""
    return settle.ended and (claimed.parent is not None or _is_announced(Status(settle.status), claimed.trigger))


def _is_announced(status: Status, trigger: str) -> bool:
    # Runs started by such events announce nothing, so that nothing goes round in circles.
    if trigger in ENDS:
        return False
    return status != Status.COMPLETED or bool(registry.listening_to(FUNCTION_FINISHED))


def end(claimed: Claimed, write: Write) -> bool:
    """Settle a run and tell of its end; False if the lease was lost, and then nothing is written."""
    if write.settle is not None:
        write.settle.announced = _is_announced(Status(write.settle.status), claimed.trigger)
    with transaction.atomic():
        with connection.cursor() as cursor:
            held = writing.write(cursor, [write])
        if not held or write.settle is None:
            return False
        if write.freed:
            transaction.on_commit(wakeup.hint, robust=True)
        _tell(
            Status(write.settle.status),
            run_id=claimed.run_id,
            function=claimed.function,
            subject=claimed.subject,
            parent=claimed.parent,
            events=[event.model_dump() for event in claimed.events],
            output=write.settle.output,
            error=write.settle.error,
            announced=write.settle.announced,
        )
    return True


def cancel(run_id: UUID, error: dict[str, Any]) -> Run | None:
    """End a run that is live, with the error that says why, and tell of it; None if it had ended."""
    with transaction.atomic():
        ended = {"run_at": None, "ended_at": database_now(), "current_step": "", "error": error}
        if not Run.objects.move(run_id, to=Status.CANCELLED, **ended):
            return None
        run = Run.objects.get(pk=run_id)
        Wait.objects.filter(run=run_id).delete()
        _give_slots_back(run)
        parent = None if run.parent_run is None else (run.parent_run, run.parent_step)
        _tell_of(run, parent, announced=_is_announced(Status.CANCELLED, run.trigger))
    return run


def _give_slots_back(run: Run) -> None:
    keys = [key for key in (run.concurrency_1, run.concurrency_2) if key is not None]
    if keys:
        with connection.cursor() as cursor:
            gating.free(cursor, keys)
        transaction.on_commit(wakeup.hint, robust=True)


def announce(run_id: UUID) -> None:
    """Store the event of a completed run's end, for those who wait for it."""
    run = Run.objects.filter(pk=run_id, status=Status.COMPLETED).first()
    if run is not None:
        _tell_of(run, None, announced=True)


def _tell_of(run: Run, parent: tuple[UUID, str] | None, *, announced: bool) -> None:
    links = RunEvent.objects.filter(run_id=run.pk).order_by("position").select_related("event")
    _tell(
        Status(run.status),
        run_id=run.pk,
        function=run.function,
        subject=run.subject,
        parent=parent,
        events=[link.event.as_value().model_dump() for link in links],
        output=None if run.output is None else serialize.dumps(run.output),
        error=run.error,
        announced=announced,
    )


def cancelled(words: str) -> dict[str, Any]:
    """Return the error of a run that was cancelled."""
    return {**failures.simple("cancelled", words), "name": "Cancelled"}


def _tell(
    status: Status,
    *,
    run_id: UUID,
    function: str,
    subject: str,
    parent: tuple[UUID, str] | None,
    events: Sequence[dict[str, Any]],
    output: str | None,
    error: dict[str, Any] | None,
    announced: bool,
) -> None:
    """Leave what the run's parent waits for, and store the internal event of its end with the runs that it starts."""
    opening = Opening()
    if parent is not None:
        failure = None if error is None else serialize.dumps(error)
        opening.deliveries.append({"run": parent[0], "step": parent[1], "output": output, "error": failure})
    if announced:
        data: dict[str, Any] = {"function_id": function, "run_id": str(run_id)}
        data |= {"event": events[0] if events else None, "events": events}
        completed = status == Status.COMPLETED
        data["result" if completed else "error"] = _value(output) if completed else error
        event = Event(name=_NAMES[status], data=data, ts=int(clock.now().timestamp() * 1000))
        event_id = opening.add_event(event)
        for listener in registry.started_by(event):
            # What handles a function's failure is about the same object as the failed run.
            opening.add_run(listener, event, [event_id], subject=subject if listener.failure_of else "")
    opening.write(source=Source.INTERNAL, sender=function)


def _value(output: str | None) -> Any:
    return None if output is None else serialize.loads(output)
