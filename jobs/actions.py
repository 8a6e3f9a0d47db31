"""What people do to runs, from the admin, the API and the command line alike; each verb is safe to press twice."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from jobs import clock, endings, serialize, wakeup
from jobs.events import Opening
from jobs.ids import new_id
from jobs.models import Event, LogLine, Run, RunEvent
from jobs.models.run import database_now
from jobs.models.step import Step
from jobs.registry import registry
from jobs.types import Event as EventValue
from jobs.types import Source, Status, StepStatus

By: TypeAlias = AbstractBaseUser | AnonymousUser | str


def retry(run: Run, *, by: By) -> bool:
    """Queue a failed run again from the step that failed it; finished steps are kept and attempts count anew.

    False means that it is not failed any more, so there is nothing to retry.
    """
    with transaction.atomic():
        error: Any = Run.objects.filter(pk=run.pk).values_list("error", flat=True).first()
        step = serialize.visible((error or {}).get("step", ""))[:255]
        moved = Run.objects.filter(status=Status.FAILED).move(
            run.pk, to=Status.QUEUED, run_at=database_now(), ended_at=None, error=None, attempt=0, crashes=0
        )
        if not moved:
            return False
        journal = Step.objects.filter(run_id=run.pk)
        journal.filter(status=StepStatus.FAILED, name=step).update(status=StepStatus.RETRYING, ended_at=None)
        journal.filter(status=StepStatus.RETRYING).update(tries=0)
        _note(run, "Retried", by)
        transaction.on_commit(wakeup.hint, robust=True)
    return True


def rerun(run: Run, *, by: By, data: dict[str, Any] | None = None) -> Run:
    """Start a new run of the same function, for the same events or for a copy with this data; linked to the old one.

    Raises UnknownFunction if the code no longer has the function.
    """
    function = registry.get(run.function)
    with transaction.atomic():
        links = RunEvent.objects.filter(run_id=run.pk).order_by("position").select_related("event")
        stored = [link.event for link in links]
        first = _as_value(stored[0]) if stored else EventValue(name=run.trigger)
        ids = [event.pk for event in stored]
        opening = Opening()
        if data is not None:
            first = first.model_copy(update={"data": data, "ts": _now_ms(), "id": ""})
            ids = [new_id()]
            opening.add_event(ids[0], first, first.ts)
        subject = run.subject if data is None else ""
        # The event's own time has passed: a rerun is due now.
        due = first.model_copy(update={"ts": 0})
        run_id = opening.add_run(function, due, ids, subject=subject, rerun_of=run.pk)
        opening.write(source=Source.MANUAL, sender=_name(by))
        _note(run, "Run again", by)
    return Run.objects.get(pk=run_id)


def cancel(run: Run, *, by: By) -> bool:
    """Stop a run that has not ended; a step under way finishes and its result is dropped.

    False means that it had ended already.
    """
    with transaction.atomic():
        moved = Run.objects.move(
            run.pk, to=Status.CANCELLED, run_at=None, ended_at=database_now(), current_step="", error=_cancelled(by)
        )
        if not moved:
            return False
        _note(run, "Cancelled", by)
        if not run.trigger.startswith("jobs/function."):
            links = RunEvent.objects.filter(run_id=run.pk).order_by("position").select_related("event")
            events = [_as_value(link.event).model_dump() for link in links]
            endings.announce(
                Status.CANCELLED,
                run_id=run.pk,
                function=run.function,
                subject=run.subject,
                events=events,
                result=_cancelled(by),
            )
    return True


def _cancelled(by: By) -> dict[str, str]:
    return {"code": "cancelled", "name": "Cancelled", "message": f"Cancelled by {_name(by)}", "stack": ""}


def _as_value(event: Event) -> EventValue:
    return EventValue.model_construct(
        name=event.name, data=event.data, id=event.external_id or str(event.pk), ts=event.ts
    )


def _note(run: Run, verb: str, by: By) -> None:
    LogLine.objects.create(run_id=run.pk, level="ACTION", message=f"{verb} by {_name(by)}", at=clock.now())


def _name(by: By) -> str:
    return by if isinstance(by, str) else by.get_username()


def _now_ms() -> int:
    return int(clock.now().timestamp() * 1000)
