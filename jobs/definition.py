"""What a definition must be: every rule that a function is refused for, in words and with the way out."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from jobs import expressions
from jobs.errors import InvalidDefinition, InvalidExpression
from jobs.function import Function
from jobs.types import is_suspiciously_short, seconds

MAX_TRIGGERS = 10
MAX_RETRIES = 20
MAX_CANCELS = 5
MAX_CONCURRENCY = 2
MAX_BATCH = 10_000

_NOT_WITH_BATCH = ("debounce", "singleton", "priority", "cancel")


def validate(function: Function[Any]) -> None:
    """Raise InvalidDefinition for the first rule that a function breaks; expressions are `wrong_expressions`."""
    for problem, hint in _problems(function):
        raise InvalidDefinition(f"{function.id} {problem}", hint=hint)


def short_durations(function: Function[Any]) -> Iterator[tuple[str, int]]:
    """Yield the bare numbers among its durations that are less than a second: seconds may have been meant."""
    rules = ("timeouts", "debounce", "batch_events", "rate_limit", "throttle")
    found = [(name, getattr(function, name)) for name in rules] + [("cancel", one) for one in function.cancel]
    for name, rule in found:
        for part in ("start", "finish", "period", "timeout"):
            value: Any = getattr(rule, part, None)
            if is_suspiciously_short(value):
                yield f"{name}: {part}", value


def wrong_expressions(function: Function[Any]) -> Iterator[tuple[str, str]]:
    """Yield what an expression is for, and what is wrong with it."""
    for what, expression in function.conditions:
        try:
            expressions.compiled(expression)
        except InvalidExpression as error:
            yield what, str(error)


def _problems(function: Function[Any]) -> Iterator[tuple[str, str]]:
    if not function.fn_id or len(function.id) > 200:
        yield f"is not an id: fn_id {function.fn_id!r} must have 1 to 200 characters with the app id", "Shorten it."
    if not 1 <= len(function.triggers) <= MAX_TRIGGERS:
        yield (
            f"has {len(function.triggers)} triggers; 1 to {MAX_TRIGGERS} are possible",
            "Use a wildcard, or send one event for several.",
        )
    if not 0 <= function.retries <= MAX_RETRIES:
        yield (
            f"has retries={function.retries}; 0 to {MAX_RETRIES} are possible",
            "A longer `backoff` reaches further than more attempts.",
        )
    for trigger in function.event_triggers:
        if "*" in trigger.event[:-1] or (trigger.event.endswith("*") and not trigger.event.endswith(("/*", ".*"))):
            yield f"listens to {trigger.event!r}, which may have * only at its end, after / or .", 'As in "user/*".'
    yield from _limits(function)
    yield from _combinations(function)


def _limits(function: Function[Any]) -> Iterator[tuple[str, str]]:
    if len(function.concurrency) > MAX_CONCURRENCY:
        yield f"has {len(function.concurrency)} concurrency limits; {MAX_CONCURRENCY} are possible", "Join two keys."
    for limit in function.concurrency:
        if limit.scope in ("env", "account") and limit.key is None:
            hint = "Give a key, such as key='\"openai\"' for all functions that call one service."
            yield f'has a concurrency limit of scope "{limit.scope}" without a key', hint
    if len(function.cancel) > MAX_CANCELS:
        yield f"has {len(function.cancel)} cancel rules; {MAX_CANCELS} are possible", "Use if_exp with ||."
    for rule in function.cancel:
        if rule.if_exp is None and not rule.match_all:
            words = f"would have every run cancelled by any {rule.event!r}"
            yield words, 'Add if_exp="event.data.id == async.data.id", or say match_all=True.'
    if function.batch_events is not None and function.batch_events.max_size > MAX_BATCH:
        yield f"batches {function.batch_events.max_size} events; {MAX_BATCH:,} are possible", "Send where the rows are."
    debounce = function.debounce
    if debounce and debounce.timeout is not None and seconds(debounce.timeout) < seconds(debounce.period):
        yield "has a debounce whose timeout is shorter than its period", "The timeout caps the whole wait."


def _combinations(function: Function[Any]) -> Iterator[tuple[str, str]]:
    if function.batch_events is not None:
        for name in _NOT_WITH_BATCH:
            if getattr(function, name):
                yield f"has batch_events together with {name}, which concerns single events", f"Leave out {name}."
    if function.debounce is not None and function.rate_limit is not None:
        yield "has debounce together with rate_limit", "The debounce alone already lets few events start a run."
    if function.on_failure is not None and function.is_handler_async != function.on_failure.is_handler_async:
        kind, other = ("async", "plain") if function.is_handler_async else ("plain", "async")
        yield f"is {kind} and its on_failure is {other}", "Write both alike."
    if inspect.isgeneratorfunction(function.handler) or inspect.isasyncgenfunction(function.handler):
        yield "is a generator, whose body would never run", "Return a value instead of yielding some."
