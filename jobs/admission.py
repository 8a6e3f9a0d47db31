"""The way in for ticks, invocations and people: the rules of the door hold for them as they do for events."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection

from jobs.door import Ask, Door, keys_of
from jobs.errors import RefusedByRule
from jobs.function import Function
from jobs.models import door
from jobs.opening import Opening
from jobs.types import Event


def admit(
    opening: Opening, function: Function[Any], event: Event, event_id: UUID, *, alone: bool = False, **more: Any
) -> UUID:
    """Return the run that an event opens or joins which is meant for this function alone; a refusal is a SKIPPED run.

    With `alone` it joins no debounce or batch: somebody waits for this very run.
    """
    if not function.has_door:
        return opening.add_run(function, event, [event_id], **more)
    ask = Ask(function, event, event_id, more, alone=alone, told=True)
    return Door(opening).ask([ask])[ask][0]


def refuse_beside_live(function: Function[Any], event: Event, event_id: UUID, *, but: UUID | None = None) -> str | None:
    """Raise RefusedByRule if a run of this function lives that forbids another one for this event.

    Returns the singleton's key, which is held until the transaction ends. `but` is the run that wants to go on.
    """
    ask = Ask(function, event, event_id)
    once, one = ask.once, ask.singleton
    if once is None and one is None:
        return None
    with connection.cursor() as cursor:
        door.lock(cursor, keys_of([once, one]))
        live = [] if one is None else door.singletons(cursor, [one]).get(one, [])
        live += [] if once is None else door.live_by_value(cursor, [once], function.id)
    others = [run for run in live if run != but]
    if others:
        raise RefusedByRule(
            f"{function.id} lives already for this key, as run {others[0]}; wait for its end or cancel it"
        )
    return one
