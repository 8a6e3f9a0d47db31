"""Starts one function by hand: only it, whatever else listens to the event."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from jobs import admission, clock, schedule
from jobs.errors import InvalidEvent
from jobs.function import Function
from jobs.models import Run
from jobs.opening import Opening
from jobs.types import INTERNAL_PREFIXES, Event, Source

MANUAL_EVENT = "manual/run"
"""The event's name where a function's triggers give none."""


def can_start(function: Function[Any]) -> bool:
    """Whether a person may start it by hand: what only the engine's own events start has no business with others."""
    return bool(function.crons or event_name(function))


def event_name(function: Function[Any]) -> str:
    """Return the name of the event with which a function is started by hand; empty where there is none."""
    names = [trigger.event for trigger in function.event_triggers]
    names = [name for name in names if not name.startswith(INTERNAL_PREFIXES)]
    plain = [name for name in names if "*" not in name]
    return plain[0] if plain else (MANUAL_EVENT if names else "")


def start(function: Function[Any], *, by: str, data: dict[str, Any] | None = None) -> Run:
    """Open one run of a function: as its first schedule would, or for an event with this data.

    Where a rule of the function refuses it, that is a SKIPPED run with the reason.
    """
    name = event_name(function)
    with transaction.atomic():
        if name:
            run_id = _for_event(function, Event(name=name, data=data or {}), by)
        else:
            run_id = schedule.start(function, *schedule.parse(function.crons[0].cron), sender=by)
    return Run.objects.get(pk=run_id)


def _for_event(function: Function[Any], event: Event, by: str) -> UUID:
    now_ms = int(clock.now().timestamp() * 1000)
    stamped = event.model_copy(update={"ts": now_ms})
    opening = Opening()
    try:
        event_id = opening.add_event(stamped)
    except (TypeError, ValueError) as error:
        raise InvalidEvent(str(error)) from error
    run_id = admission.admit(opening, function, stamped, event_id)
    opening.write(source=Source.MANUAL, sender=by)
    return run_id
