"""One durable function: what starts it, what limits it, and how these read an event."""

from __future__ import annotations

import functools
import hashlib
import inspect
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from jobs import expressions, serialize
from jobs.errors import InvalidExpression
from jobs.flow import Batch, Cancel, Concurrency, Debounce, Priority, RateLimit, Singleton, Throttle, Timeouts
from jobs.types import Event, Trigger, TriggerCron, TriggerEvent

if TYPE_CHECKING:
    from jobs.conf import Backoff

logger = logging.getLogger("jobs")

T_co = TypeVar("T_co", covariant=True)

_LONGEST_KEY = 255


@dataclass(frozen=True)
class Function(Generic[T_co]):
    """One durable function: what starts it, how often it is tried, what limits it, and the code itself."""

    fn_id: str
    app_id: str
    name: str
    handler: Callable[[Any], Any]
    triggers: tuple[Trigger, ...]
    retries: int
    backoff: Backoff | None = None
    priority: Priority | None = None
    concurrency: tuple[Concurrency, ...] = ()
    throttle: Throttle | None = None
    rate_limit: RateLimit | None = None
    debounce: Debounce | None = None
    batch_events: Batch | None = None
    singleton: Singleton | None = None
    idempotency: str | None = None
    cancel: tuple[Cancel, ...] = ()
    timeouts: Timeouts | None = None
    subject: str | Callable[[Event], str] | None = None
    output_type: Any = None
    middleware: tuple[Any, ...] = field(default=(), repr=False)
    client: Any = field(default=None, repr=False)
    failure_of: str | None = None
    on_failure: Function[Any] | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """The full id, unique in the site."""
        return f"{self.app_id}-{self.fn_id}"

    @property
    def local_id(self) -> str:
        """The id within its app."""
        return self.fn_id

    def get_id(self) -> str:
        """Return the full id."""
        return self.id

    @property
    def on_failure_fn_id(self) -> str | None:
        """The full id of what handles its failures."""
        return None if self.on_failure is None else self.on_failure.id

    @property
    def description(self) -> str:
        """The first line of the handler's docstring."""
        return (inspect.getdoc(_written(self.handler)) or "").partition("\n")[0]

    @property
    def source(self) -> str:
        """Where the handler is defined: `module:line`."""
        written = _written(self.handler)
        return f"{written.__module__}:{written.__code__.co_firstlineno}"

    @functools.cached_property
    def is_handler_async(self) -> bool:
        """Whether the handler is a coroutine function."""
        return inspect.iscoroutinefunction(self.handler)

    @property
    def crons(self) -> tuple[TriggerCron, ...]:
        """The schedules that start it."""
        return tuple(trigger for trigger in self.triggers if isinstance(trigger, TriggerCron))

    @functools.cached_property
    def event_triggers(self) -> tuple[TriggerEvent, ...]:
        """The events that start it."""
        return tuple(trigger for trigger in self.triggers if isinstance(trigger, TriggerEvent))

    @functools.cached_property
    def is_gated(self) -> bool:
        """Whether its runs have to ask before they start: for a slot, or for their turn."""
        return bool(self.concurrency) or self.throttle is not None

    @functools.cached_property
    def has_door(self) -> bool:
        """Whether an event that triggers it may start nothing, or not at once."""
        rules = (self.rate_limit, self.debounce, self.batch_events, self.singleton, self.idempotency)
        return any(rule is not None for rule in rules)

    @functools.cached_property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """Every expression of the definition: what it is for, and its text."""
        return tuple(_conditions(self))

    def hears(self, name: str) -> bool:
        """Whether a trigger is for events of this name, whatever its expression says."""
        return any(trigger.hears(name) for trigger in self.event_triggers)

    def starts_on(self, event: Event) -> bool:
        """Whether this event starts a run of it; with an expression that cannot be evaluated it does, see `check`."""
        if self.failure_of is not None and event.data.get("function_id") != self.failure_of:
            return False
        return any(_holds(trigger, event, unsure=True) for trigger in self.event_triggers)

    def subject_of(self, event: Event) -> str:
        """The product object that a run for this event is about, as `app.model/pk`; empty if there is none."""
        if self.subject is None:
            return ""
        try:
            subject = self.subject(event) if callable(self.subject) else self.subject.format_map(event.data)
            return serialize.visible(subject)
        except (LookupError, AttributeError, TypeError, ValueError):
            return ""
        except Exception:  # product code; what a run is about is never worth losing its event or a tick
            logger.exception("%s: the subject of %s could not be told", self.id, event.name)
            return ""

    def priority_of(self, event: Event) -> int:
        """Seconds by which a run for this event counts as queued earlier, from -600 to 600."""
        try:
            return 0 if self.priority is None else _seconds(self.priority, event)
        except InvalidExpression:
            return 0

    def concurrency_keys(self, event: Event) -> tuple[str | None, ...]:
        """The keys whose slots a run for this event takes, in the order of `concurrency`."""
        return tuple(self._slot_key(limit, event) for limit in self.concurrency)

    def _slot_key(self, limit: Concurrency, event: Event) -> str | None:
        if limit.scope in ("env", "account"):
            # Shared by all functions that give the same value, whatever expression it comes from.
            value = self._value(limit.key, event)
            return None if value is None else bounded(f"{limit.scope}: {value}")
        return self.key(limit.key, event)

    def throttle_key(self, event: Event) -> str | None:
        """The key whose turn a run for this event waits for."""
        key = None if self.throttle is None else self.key(self.throttle.key, event)
        return None if key is None else bounded(f"throttle {key}")

    def key(self, expression: str | None, event: Event) -> str | None:
        """The function's id with an expression's value for this event; None if that cannot be evaluated."""
        value = self._value(expression, event)
        if value is None:
            return None
        return bounded(self.id if expression is None else f"{self.id}: {expression} = {value}")

    def _value(self, expression: str | None, event: Event) -> str | None:
        if expression is None:
            return ""
        try:
            return serialize.visible(serialize.dumps(expressions.evaluate(expression, event.model_dump())))
        except (InvalidExpression, TypeError, ValueError):
            return None  # the run is told so when it starts

    def switches_off(self, expression: str | None, event: Event) -> bool:
        """Whether a key evaluates to false, by which an event asks for a rule not to apply."""
        return expression is not None and self._value(expression, event) == "false"

    def check(self, event: Event) -> None:
        """Raise InvalidExpression if an expression cannot be evaluated for this event.

        Whoever sends an event cannot help it, so the send goes through, and it is the run that fails.
        """
        if not any(_holds(trigger, event, unsure=False) for trigger in self.event_triggers):
            for trigger in self.event_triggers:
                _holds(trigger, event)
        if self.priority is not None:
            _seconds(self.priority, event)
        for what, expression in self.conditions:
            if what.endswith("key"):
                expressions.evaluate(expression, event.model_dump())


def _written(handler: Any) -> Any:
    """Return the function that somebody wrote, inside of partials and objects that can be called."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    handler = inspect.unwrap(handler)
    return handler if hasattr(handler, "__code__") else type(handler).__call__


def _conditions(function: Function[Any]) -> Iterator[tuple[str, str]]:
    for trigger in function.event_triggers:
        if trigger.expression is not None:
            yield "trigger", trigger.expression
    if function.priority is not None:
        yield "priority", function.priority.run
    if function.idempotency is not None:
        yield "idempotency key", function.idempotency
    yield from (("concurrency key", limit.key) for limit in function.concurrency if limit.key is not None)
    rules = ("throttle", "rate_limit", "debounce", "batch_events", "singleton")
    for name in rules:
        rule = getattr(function, name)
        if rule is not None and rule.key is not None:
            yield f"{name} key", rule.key
    if function.batch_events is not None and function.batch_events.if_exp is not None:
        yield "batch_events", function.batch_events.if_exp
    yield from (("cancel", rule.if_exp) for rule in function.cancel if rule.if_exp is not None)


def bounded(key: str) -> str:
    """Return a key that fits its column; two that differ only far behind stay different."""
    if len(key) <= _LONGEST_KEY:
        return key
    digest = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
    return f"{key[: _LONGEST_KEY - 41]}/{digest}"


def _holds(trigger: TriggerEvent, event: Event, *, unsure: bool | None = None) -> bool:
    """Whether an event meets a trigger; `unsure` answers for an expression that cannot be evaluated, else it raises."""
    if not trigger.hears(event.name):
        return False
    try:
        return trigger.expression is None or bool(expressions.evaluate(trigger.expression, event.model_dump()))
    except InvalidExpression:
        if unsure is None:
            raise
        return unsure


def _seconds(priority: Priority, event: Event) -> int:
    value = expressions.evaluate(priority.run, event.model_dump())
    if value is None:
        return 0
    if not isinstance(value, int | float) or math.isnan(value):
        raise InvalidExpression(f"{priority.run!r} must give a number of seconds, not {value!r}")
    return int(max(-600, min(600, value)))
