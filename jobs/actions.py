"""What people do to runs and functions, from the admin, the API and the command line alike.

Each verb is safe to press twice and leaves a line that says who pressed it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction

from jobs import admission, clock, endings, expressions, serialize, wakeup
from jobs.errors import InvalidExpression
from jobs.events import signal
from jobs.models import Event, FunctionState, LogLine, Run, RunEvent, gating, sending
from jobs.models.run import database_deadline, database_now, database_rank
from jobs.models.step import Step
from jobs.opening import Opening, cancels_of
from jobs.registry import registry
from jobs.types import Event as EventValue
from jobs.types import Op, Source, Status, StepStatus

By: TypeAlias = AbstractBaseUser | AnonymousUser | str


def retry(run: Run, *, by: By) -> bool:
    """Queue a failed run again from the step that failed it; finished steps are kept and attempts count anew.

    False means that it is not failed any more, so there is nothing to retry. Raises RefusedByRule where another run
    lives by now for its singleton's or idempotency's key.
    """
    with transaction.atomic():
        _refuse_beside_live(run)
        error: Any = Run.objects.filter(pk=run.pk).values_list("error", flat=True).first()
        step = serialize.visible((error or {}).get("step", ""))[:255]
        changes = {"run_at": database_now(), "ended_at": None, "error": None, "attempt": 0, "crashes": 0}
        failed = Run.objects.filter(status=Status.FAILED)
        if not failed.move(run.pk, to=Status.QUEUED, deadline=database_deadline(), **changes):
            return False
        journal = Step.objects.filter(run_id=run.pk)
        journal.filter(status=StepStatus.FAILED, name=step).update(status=StepStatus.RETRYING, ended_at=None)
        journal.filter(status=StepStatus.RETRYING).update(tries=0, wake_at=None)
        # What it had waited for was forgotten when it ended: it waits anew. A child that it invoked still answers.
        journal.filter(status=StepStatus.WAITING, op__in=(Op.WAIT_FOR_EVENT, Op.WAIT_FOR_SIGNAL)).delete()
        _listen_for_cancels(run)
        _note(run, "Retried", by)
        transaction.on_commit(wakeup.hint, robust=True)
    return True


def _refuse_beside_live(run: Run) -> None:
    function, stored = registry.find(run.function), _events_of(run)
    if function is not None and stored and Run.objects.filter(pk=run.pk, status=Status.FAILED).exists():
        admission.refuse_beside_live(function, stored[0].as_value(), stored[0].pk, but=run.pk)


def _listen_for_cancels(run: Run) -> None:
    """Register again what cancels a run: it was forgotten when the run had ended."""
    function = registry.find(run.function)
    events = _events_of(run)
    rows = cancels_of(function, events[0].as_value(), run.pk) if function is not None and events else []
    if rows:
        with connection.cursor() as cursor:
            sending.cancels(cursor, rows)


def rerun(run: Run, *, by: By, data: dict[str, Any] | None = None) -> Run:
    """Start a new run of the same function, for the same events or for a copy with this data; linked to the old one.

    Raises UnknownFunction if the code no longer has the function, and RefusedByRule where another run lives for the
    key of its singleton or idempotency.
    """
    with transaction.atomic():
        return Run.objects.get(pk=_opened_again(run, by, data))


def rerun_from_step(run: Run, step: str, *, by: By, data: dict[str, Any] | None = None) -> Run:
    """Start a new run that has what this one's steps before the named one returned, and goes on with that step.

    `data` replaces the event's. Raises Step.DoesNotExist if the run never came to such a step, and UnknownFunction if
    the code no longer has the function, and RefusedByRule as `rerun` does.
    """
    with transaction.atomic():
        from_here = Step.objects.filter(run_id=run.pk, name=step).order_by("index").first()
        if from_here is None:
            raise Step.DoesNotExist(f"{run} has no step {step!r}.")
        pk = _opened_again(run, by, data, verb=f"Run again from {step}")
        kept = list(Step.objects.filter(run_id=run.pk, index__lt=from_here.index, status=StepStatus.COMPLETED))
        for one in kept:
            one.run_id = pk
            one._state.adding = True
        Step.objects.bulk_create(kept)
        # A run that has been claimed before is given its journal.
        Run.objects.filter(pk=pk).update(lease=1, steps=len(kept))
        return Run.objects.get(pk=pk)


def _opened_again(run: Run, by: By, data: dict[str, Any] | None, *, verb: str = "Run again") -> UUID:
    function = registry.get(run.function)
    stored = _events_of(run)
    first = stored[0].as_value() if stored else EventValue(name=run.trigger)
    ids = [event.pk for event in stored]
    opening = Opening()
    if data is not None:
        first = first.model_copy(update={"data": data, "ts": int(clock.now().timestamp() * 1000), "id": ""})
        ids = [opening.add_event(first)]
    subject = run.subject if data is None else ""
    # The event's own time has passed: a rerun is due now.
    due = first.model_copy(update={"ts": 0})
    key = admission.refuse_beside_live(function, first, ids[0]) if ids else None
    one: dict[str, Any] = {} if key is None else {"singleton_key": key}
    pk = opening.add_run(function, due, ids, subject=subject, rerun_of=run.pk, **one)
    opening.write(source=Source.MANUAL, sender=name_of(by))
    _note(run, verb, by)
    return pk


def cancel(run: Run, *, by: By) -> bool:
    """Stop a run that has not ended; a step under way finishes and its result is dropped.

    False means that it had ended already.
    """
    with transaction.atomic():
        if endings.cancel(run.pk, endings.cancelled(f"Cancelled by {name_of(by)}")) is None:
            return False
        _note(run, "Cancelled", by)
    return True


def wake(run: Run, *, by: By) -> bool:
    """Let a run go on now that sleeps, pauses before its next attempt, or was to start later.

    False means that there is nothing to cut short: it waits for something else, runs, or has ended.
    """
    with transaction.atomic():
        now = database_now()
        later = Run.objects.filter(pk=run.pk, status=Status.QUEUED, run_at__gt=now, blocked_by=None)
        if not later.update(run_at=now, rank=database_rank(), collecting=None):
            sleeping = Run.objects.filter(status=Status.SLEEPING)
            if not sleeping.move(run.pk, to=Status.QUEUED, run_at=now):
                return False
            journal = Step.objects.filter(run_id=run.pk)
            journal.filter(status=StepStatus.SLEEPING, wake_at__gt=now).update(wake_at=now)
            journal.filter(status=StepStatus.RETRYING).update(wake_at=None)
        _note(run, "Woken", by)
        transaction.on_commit(wakeup.hint, robust=True)
    return True


def pause(function_id: str, *, by: By) -> bool:
    """Start no more runs of a function: its events still open runs, which queue; what runs stops after its step.

    False means that it was paused already.
    """
    state, _ = FunctionState.objects.get_or_create(id=function_id)
    paused = {"paused": True, "paused_at": clock.now(), "paused_by": name_of(by)[:150]}
    return FunctionState.objects.filter(pk=state.pk, paused=False).update(**paused) == 1


def resume(function_id: str, *, by: By) -> bool:
    """Let a paused function's runs start and go on, in the order in which they were due.

    False means that it was not paused.
    """
    if not FunctionState.objects.filter(pk=function_id, paused=True).update(paused=False, paused_by=name_of(by)[:150]):
        return False
    with connection.cursor() as cursor:
        while gating.resume(cursor, function_id):
            pass
    transaction.on_commit(wakeup.hint, robust=True)
    return True


def send_signal(signal_name: str, data: Any, *, by: By) -> UUID:
    """Wake the runs that wait for a signal, with this data; returns the id of the event that carries it."""
    return signal(signal_name, data, sender=name_of(by)).event_id


def cancel_many(
    function_id: str,
    *,
    by: By,
    after: datetime | None = None,
    before: datetime | None = None,
    condition: str | None = None,
    most: int = 1000,
) -> int:
    """Cancel live runs of a function that were queued in a span of time, the oldest first; returns how many.

    condition: CEL over `event`, the one that started the run; where it cannot be evaluated the run goes on.
    """
    runs = Run.objects.live().filter(function=function_id)
    runs = runs.filter(queued_at__gte=after) if after is not None else runs
    runs = runs.filter(queued_at__lte=before) if before is not None else runs
    cancelled = 0
    for run in runs.order_by("id").iterator(chunk_size=500):
        if cancelled >= most:
            break
        if condition is None or _meets(run, condition):
            cancelled += cancel(run, by=by)
    return cancelled


def _meets(run: Run, condition: str) -> bool:
    events = _events_of(run)
    try:
        return bool(events) and bool(expressions.evaluate(condition, events[0].as_value().model_dump()))
    except InvalidExpression:
        return False


def _events_of(run: Run) -> list[Event]:
    return [link.event for link in RunEvent.objects.filter(run_id=run.pk).order_by("position").select_related("event")]


def _note(run: Run, verb: str, by: By) -> None:
    LogLine.objects.create(run_id=run.pk, level="ACTION", message=f"{verb} by {name_of(by)}", at=clock.now())


def name_of(by: By) -> str:
    """Return how a person or a key is named on what it did."""
    return by if isinstance(by, str) else by.get_username()
