"""What a run waits for: registered first, then looked for, so that an event sent meanwhile cannot be missed.

A sender looks for waits when its event is stored, and a run looks for events once its wait is registered. Whichever
of the two is second sees the other, but for a sender whose transaction is still open: then the run looks again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from jobs import clock, expressions, serialize
from jobs.attempt import Attempt
from jobs.errors import InvalidExpression, NonRetriableError
from jobs.journal import Awaited, Entry, Wait
from jobs.matching import match_of
from jobs.types import SIGNAL_SENT, Duration, Event, Op, StepStatus, TriggerEvent, is_suspiciously_short, pause, seconds

_LOOK_AGAIN_SECONDS = 0.2
_MOST = 20

logger = logging.getLogger("jobs")
_warned: set[tuple[str, str]] = set()


def for_events(
    attempt: Attempt, step_id: str, awaited: Sequence[TriggerEvent], timeout: Duration, lookback: Duration
) -> Event | None:
    """Return the first event that meets one of these, or None once the time is up; see `StepSync.wait_for_event`."""
    entry, finished = attempt.meet(step_id, Op.WAIT_FOR_EVENT)
    if not finished:
        _await(attempt, entry, awaited, timeout, timedelta(seconds=seconds(lookback)))
    value = attempt.stored(entry)
    return None if value is None else Event.model_construct(**value)


def for_signal(attempt: Attempt, step_id: str, signal: str, timeout: Duration) -> Any:
    """Return a signal's data, or None once the time is up; see `StepSync.wait_for_signal`."""
    entry, finished = attempt.meet(step_id, Op.WAIT_FOR_SIGNAL)
    if not finished:
        condition = f"async.data.signal == {serialize.dumps(signal)}"
        _await(attempt, entry, [TriggerEvent(event=SIGNAL_SENT, expression=condition)], timeout, timedelta(0))
    value = attempt.stored(entry)
    return None if value is None else value["data"].get("data")


def _await(
    attempt: Attempt, entry: Entry, awaited: Sequence[TriggerEvent], timeout: Duration, lookback: timedelta
) -> None:
    """Return once the entry is finished; otherwise leave the body until something may have come."""
    if entry.status != StepStatus.WAITING:
        _register(attempt, entry, awaited, timeout)
    found, unsure = attempt.recorder.look(attempt.claimed.run_id, entry.key, lookback)
    met = _first_met(attempt, entry, awaited, found)
    expired = entry.wake_at is not None and entry.wake_at <= attempt.claimed.now
    if met is not None or expired:
        entry.attempts = []
        value = None if met is None else met.model_dump()
        entry.output, entry.status, entry.ended_at = serialize.dumps(value), StepStatus.COMPLETED, clock.now()
        attempt.journal(entry, forget=[entry.key])
        return
    raise attempt.suspend(Wait(entry, again=_LOOK_AGAIN_SECONDS if unsure else None))


def _register(attempt: Attempt, entry: Entry, awaited: Sequence[TriggerEvent], timeout: Duration) -> None:
    if not 1 <= len(awaited) <= _MOST:
        raise NonRetriableError(f'"{entry.name}" waits for {len(awaited)} events; 1 to {_MOST} are possible')
    trigger = _trigger(attempt)
    rows = []
    for one in awaited:
        _check(entry, one)
        match = match_of(one.expression, trigger)
        rows.append(Awaited(entry.key, one.event, one.expression or "", match.path, match.value))
    entry.started_at = clock.now()
    if is_suspiciously_short(timeout):
        warn_of_milliseconds(attempt, entry.name, "waits", timeout)
    entry.delay = pause(timeout)
    entry.status = StepStatus.WAITING
    attempt.journal(entry, awaited=rows)


def warn_of_milliseconds(attempt: Attempt, step_id: str, what: str, duration: Duration) -> None:
    """Say once for each step that a bare number counts milliseconds, where somebody may have meant seconds."""
    function = attempt.function.id
    if (function, step_id) not in _warned:
        _warned.add((function, step_id))
        words = '"%s" of %s %s for %s milliseconds; write timedelta(seconds=%s) if seconds are meant'
        logger.warning(words, step_id, function, what, duration, duration)


def _check(entry: Entry, awaited: TriggerEvent) -> None:
    try:
        if awaited.expression is not None:
            expressions.compiled(awaited.expression)
    except InvalidExpression as error:
        raise NonRetriableError(f'"{entry.name}": {error}') from error
    if "*" in awaited.event:
        raise NonRetriableError(f'"{entry.name}" waits for {awaited.event!r}; only whole names can be waited for')


def _first_met(attempt: Attempt, entry: Entry, awaited: Sequence[TriggerEvent], found: list[Event]) -> Event | None:
    trigger = _trigger(attempt)
    return next((event for event in found if any(meets(one, trigger, event) for one in awaited)), None)


def meets(awaited: TriggerEvent, trigger: dict[str, Any], event: Event) -> bool:
    """Whether an event is what a step waits for."""
    if awaited.event != event.name:
        return False
    try:
        return awaited.expression is None or bool(expressions.evaluate(awaited.expression, trigger, event.model_dump()))
    except InvalidExpression:
        return False  # it cannot be compared with this one; another may still come


def _trigger(attempt: Attempt) -> dict[str, Any]:
    events = attempt.claimed.events
    return events[0].model_dump() if events else {"name": attempt.claimed.trigger, "data": {}, "id": "", "ts": 0}
