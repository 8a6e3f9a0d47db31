"""Handing over: what senders and ended runs left for live ones, and the ends that time itself brings.

Senders never touch the runs of others, because their transactions may last; they leave deliveries, and a worker hands
these over in a transaction of its own. The first that comes for a step counts.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobs import endings, failures, serialize
from jobs.models import Event, Run, delivering
from jobs.models.delivering import Taken
from jobs.models.run import database_now


def hand_over() -> int:
    """Hand over a portion of what is there and return how much that was."""
    with transaction.atomic(), connection.cursor() as cursor:
        taken = delivering.take(cursor)
        firsts: dict[tuple[UUID, str], Taken] = {}
        for one in taken:
            firsts.setdefault((one.run, one.step), one)
        meeting = [one for one in firsts.values() if one.step not in ("", delivering.UNANNOUNCED)]
        if meeting:
            delivering.wake(cursor, delivering.meet(cursor, json.dumps([_row(one) for one in meeting])))
        for one in firsts.values():
            if one.step == delivering.UNANNOUNCED:
                endings.announce(one.run)
            elif not one.step:
                endings.cancel(one.run, _reason(one))
    return len(taken)


def _row(one: Taken) -> dict[str, Any]:
    event = None if one.event is None else str(one.event)
    return {"run": str(one.run), "step": one.step, "event": event, "output": one.output, "error": one.error}


def _reason(one: Taken) -> dict[str, Any]:
    if one.error is not None:
        return {**serialize.loads(one.error), "name": "Cancelled"}
    event = Event.objects.get(pk=one.event) if one.event is not None else None
    return endings.cancelled(f"Cancelled by the event {event}")


def end_overdue() -> int:
    """Cancel the runs whose time is up and return how many there were."""
    with connection.cursor() as cursor:
        late = delivering.overdue(cursor)
    for run_id, unstarted in late:
        with transaction.atomic():
            # It may have started, or ended, in the meantime.
            words = "not started" if unstarted else "not ended"
            runs = Run.objects.select_for_update().filter(pk=run_id, ended_at=None, started_at__isnull=unstarted)
            if runs.filter(deadline__lte=database_now()).exists():
                error = failures.simple("timed_out", f"Cancelled: it had {words} in time")
                endings.cancel(run_id, {**error, "name": "Cancelled"})
    return len(late)
