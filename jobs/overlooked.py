"""Runs that wait for nothing any more although nobody said so: after a deploy with other limits, or an old pause.

What happens in the course of things frees keys by itself. This is for what no statement of ours has changed.
"""

from __future__ import annotations

from typing import Any

from jobs import gate
from jobs.models import blocked, gating
from jobs.models.gating import Arrival
from jobs.registry import registry

Behind = tuple[str, str, tuple[str | None, str | None]]


def look(cursor: Any) -> int:
    """Have such runs looked at by the next claim; returns how many runs or keys that were. The caller has the gate."""
    waiting = blocked.keys_with_blocked(cursor)
    paused = gating.paused_functions(cursor)
    resumed = {key.removeprefix("paused ") for key, _, _ in waiting if key.startswith("paused ")} - paused
    count = sum(gating.resume(cursor, function) for function in resumed)
    throttled = {key: function for key, function, _ in waiting if key.startswith("throttle ")}
    slots = [one for one in waiting if not one[0].startswith(("paused ", "throttle "))]
    free = [*_with_room(cursor, slots), *_whose_turn_it_is(cursor, throttled)]
    if free:
        gating.free(cursor, free)
    return count + len(free)


def _with_room(cursor: Any, slots: list[Behind]) -> list[str]:
    """Return what has no reason to block: its key has slots, or the code no longer limits it."""
    limits = {key: _slot(key, function, keys) for key, function, keys in slots}
    wanted = {slot.key for slot in limits.values() if slot is not None}
    taken = gating.taken(cursor, wanted) if wanted else {}
    return [key for key, slot in limits.items() if slot is None or taken[slot.key] < slot.limit]


def _slot(key: str, function: str, keys: tuple[str | None, str | None]) -> gate.Slot | None:
    if registry.find(function) is None:
        # Newer workers may know it and look for themselves; if nobody does, it shall come forth and say so.
        return gate.Slot(keys[0] or keys[1] or key, 1, key)
    return next((slot for slot in gate.slots(function, keys) if slot.behind == key), None)


def _whose_turn_it_is(cursor: Any, throttled: dict[str, str]) -> list[str]:
    """Return the throttled keys that may go on by the limits of today, and correct the times of the others."""
    now, arrivals = gating.now(cursor), gating.arrivals(cursor, throttled)
    free, changed = [], []
    for key, function_id in throttled.items():
        one, function = arrivals.get(key) or Arrival(key, now), registry.find(function_id)
        if function is None:
            free += [key] if one.wake_at is None else []
        elif function.throttle is None or gate.has_come(one, function.throttle, now):
            free.append(key)
        else:
            planned = one.wake_at
            gate.postpone(one, function.throttle, now)
            changed += [one] if one.wake_at != planned else []
    if changed:
        gating.set_arrivals(cursor, changed)
    return free
