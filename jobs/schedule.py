"""Cron: schedules follow the code, and each tick starts one run however many clusters there are."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.db import transaction

from jobs import admission, clock
from jobs.errors import InvalidDefinition
from jobs.function import Function
from jobs.models import Schedule
from jobs.opening import Opening
from jobs.registry import registry
from jobs.types import SCHEDULED_TIMER, Event, Source

MISSED_AFTER = timedelta(seconds=30)
"""A tick that no worker saw for so long is not caught up."""

_ZONE = re.compile(r"^TZ=(?P<zone>\S+)\s(?P<fields>.+)$")


def parse(cron: str) -> tuple[str, str]:
    """Split a trigger's cron into its five fields and its time zone, raising InvalidDefinition for a wrong one."""
    match = _ZONE.match(cron.strip())
    fields, zone = (match["fields"].lstrip(), match["zone"]) if match else (cron.strip(), "UTC")
    try:
        if len(fields.split()) != 5:
            raise InvalidDefinition(f"{cron!r} must have five fields: minute, hour, day, month, weekday")
        next_tick(fields, zone, clock.estimate())  # also read where there is no database
    except (CronSimError, StopIteration) as error:
        raise InvalidDefinition(f"{cron!r} is not a cron expression: {error or 'it never comes'}") from None
    except (LookupError, ValueError, OSError) as error:
        raise InvalidDefinition(f"{cron!r} names no time zone that is known here: {error}") from None
    return fields, zone


def next_tick(fields: str, zone: str, after: datetime) -> datetime:
    """Return the first tick after a point in time."""
    return next(CronSim(fields, after.astimezone(ZoneInfo(zone))))


def follow_code() -> None:
    """Make the schedules those of the code: new ones are added, those that are gone are removed."""
    wanted = {(function.id, *parse(trigger.cron)) for function in registry.all() for trigger in function.crons}
    known = {(row.function, row.cron, row.timezone): row.pk for row in Schedule.objects.all()}
    for function_id, fields, zone in sorted(wanted - set(known)):
        # Another cluster may start at the same moment.
        Schedule.objects.get_or_create(
            function=function_id,
            cron=fields,
            timezone=zone,
            defaults={"next_at": next_tick(fields, zone, clock.now())},
        )
    ours = {function.app_id for function in registry.all()}
    gone = [pk for key, pk in known.items() if key not in wanted and any(key[0].startswith(f"{app}-") for app in ours)]
    Schedule.objects.filter(pk__in=gone).delete()


def tick() -> float:
    """Start what is due and return the seconds until the next tick, an hour at most."""
    now = clock.now()
    if Schedule.objects.filter(next_at__lte=now).exists():
        with transaction.atomic():
            due = Schedule.objects.select_for_update(skip_locked=True).filter(next_at__lte=now)
            for schedule in due:
                _start(schedule, now)
    following = Schedule.objects.order_by("next_at").values_list("next_at", flat=True).first()
    return 3600.0 if following is None else max(0.0, min(3600.0, (following - clock.now()).total_seconds()))


def _start(schedule: Schedule, now: datetime) -> None:
    """Start one run for this tick; the row lock and its new `next_at` make it one however many clusters try."""
    function = registry.find(schedule.function)
    if function is not None and not schedule.paused and now - schedule.next_at <= MISSED_AFTER:
        schedule.last_run = start(function, schedule.cron, schedule.timezone)
        schedule.last_at = schedule.next_at
    schedule.next_at = next_tick(schedule.cron, schedule.timezone, now)
    schedule.save(update_fields=["last_run", "last_at", "next_at"])


def start(function: Function[Any], cron: str, zone: str, *, sender: str = "") -> UUID:
    """Store the timer's event and open one run of this function, or a SKIPPED one where its rules refuse it."""
    now_ms = int(clock.now().timestamp() * 1000)
    text = cron if zone == "UTC" else f"TZ={zone} {cron}"
    event = Event(name=SCHEDULED_TIMER, data={"cron": text}, ts=now_ms)
    opening = Opening()
    event_id = opening.add_event(event)
    # The rules' locks hold until the run is written.
    with transaction.atomic():
        run_id = admission.admit(opening, function, event, event_id)
        opening.write(source=Source.CRON, sender=sender or function.id)
    return run_id
