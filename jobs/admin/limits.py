"""What starts a function and what holds it back, in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cronsim import CronSim

from jobs import clock, schedule
from jobs.admin.presenting import length
from jobs.function import Function
from jobs.types import TriggerEvent, seconds


def cron_words(fields: str) -> str:
    """Return a cron expression as a sentence."""
    words: str = CronSim(fields, clock.now()).explain()
    return words


def triggers(function: Function[Any]) -> list[tuple[str, str]]:
    """Return each trigger as its name and, for a cron or an expression, what that means."""
    found = []
    for trigger in function.triggers:
        if isinstance(trigger, TriggerEvent):
            found.append((trigger.event, f"if {trigger.expression}" if trigger.expression else ""))
        else:
            fields, zone = schedule.parse(trigger.cron)
            found.append((fields, f"{cron_words(fields)}, {zone}"))
    return found


def limits(function: Function[Any]) -> list[str]:
    """Return what holds a function back, a sentence each."""
    said = [_retries(function)]
    for name, words in _WORDS.items():
        value = getattr(function, name, None)
        said += [words(each) for each in (value if isinstance(value, list | tuple) else [value]) if each is not None]
    return [sentence for sentence in said if sentence]


def _retries(function: Function[Any]) -> str:
    tries = function.retries + 1
    return "tried once" if tries == 1 else f"each step is tried up to {tries} times"


def span(duration: int | timedelta) -> str:
    """Return a duration as people say it."""
    return length(seconds(duration))


def _each(key: str | None) -> str:
    return f" for each {key}" if key else ""


def _timeouts(value: Any) -> str:
    parts = [
        f"begins within {span(value.start)}" if value.start else "",
        f"ends within {span(value.finish)}" if value.finish else "",
    ]
    return " and ".join(part for part in parts if part) + ", or is cancelled"


_SECOND = {"skip": "is skipped", "cancel": "cancels it"}
_WORDS: dict[str, Any] = {
    "concurrency": lambda each: f"{each.limit} at once{_each(each.key)}",
    "throttle": lambda each: f"{each.limit} starts per {span(each.period)}{_each(each.key)}, the rest wait",
    "rate_limit": lambda each: f"{each.limit} per {span(each.period)}{_each(each.key)}, further events start nothing",
    "debounce": lambda each: f"starts {span(each.period)} after the last event{_each(each.key)}",
    "batch_events": lambda each: f"up to {each.max_size} events in one run{_each(each.key)}",
    "singleton": lambda each: f"one at a time{_each(each.key)}, a second one {_SECOND[each.mode]}",
    "priority": lambda each: f"priority {each.run}",
    "idempotency": lambda each: f"once in 24 h for each {each}",
    "cancel": lambda each: f"cancelled by {each.event}",
    "timeouts": _timeouts,
}
