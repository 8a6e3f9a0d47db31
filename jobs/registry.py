"""The functions this code defines, and which events start them."""

from __future__ import annotations

import functools
import inspect
import logging
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobs import conf, expressions, serialize
from jobs.errors import InvalidDefinition, InvalidExpression, UnknownFunction
from jobs.types import INTERNAL_PREFIXES, Event, Priority, Trigger, TriggerCron, TriggerEvent

if TYPE_CHECKING:
    from jobs.conf import Backoff

logger = logging.getLogger("jobs")

MAX_TRIGGERS = 10
MAX_RETRIES = 20
_NAMES_KEPT = 1000


@dataclass(frozen=True)
class Function:
    """One durable function: what starts it, how often it is tried, and the code itself."""

    fn_id: str
    app_id: str
    name: str
    handler: Callable[[Any], Any]
    triggers: tuple[Trigger, ...]
    retries: int
    backoff: Backoff | None = None
    priority: Priority | None = None
    subject: str | Callable[[Event], str] | None = None
    output_type: Any = None
    failure_of: str | None = None
    on_failure: Function | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """The full id, unique in the site."""
        return f"{self.app_id}-{self.fn_id}"

    @property
    def description(self) -> str:
        """The first line of the handler's docstring."""
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    @property
    def source(self) -> str:
        """Where the handler is defined: `module:line`."""
        code = inspect.unwrap(self.handler).__code__
        return f"{self.handler.__module__}:{code.co_firstlineno}"

    @property
    def crons(self) -> tuple[TriggerCron, ...]:
        """The schedules that start it."""
        return tuple(trigger for trigger in self.triggers if isinstance(trigger, TriggerCron))

    @functools.cached_property
    def _has_expressions(self) -> bool:
        return any(trigger.expression is not None for trigger in _event_triggers(self))

    def starts_on(self, event: Event) -> bool:
        """Whether this event starts a run of it; with an expression that cannot be evaluated it does, see `check`."""
        if self.failure_of is not None and event.data.get("function_id") != self.failure_of:
            return False
        return any(_holds(trigger, event, unsure=True) for trigger in _event_triggers(self))

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

    def check(self, event: Event) -> None:
        """Raise InvalidExpression if an expression cannot be evaluated for this event.

        Whoever sends an event cannot help it, so the send goes through, and it is the run that fails.
        """
        if self._has_expressions and not any(_holds(t, event, unsure=False) for t in _event_triggers(self)):
            for trigger in _event_triggers(self):
                _holds(trigger, event)
        if self.priority is not None:
            _seconds(self.priority, event)


def _holds(trigger: TriggerEvent, event: Event, *, unsure: bool | None = None) -> bool:
    """Whether an event meets a trigger; `unsure` answers for an expression that cannot be evaluated, else it raises."""
    if not _hears(trigger, event.name):
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


def _hears(trigger: TriggerEvent, name: str) -> bool:
    return trigger.event == name or _covers(trigger.event, name)


def _covers(pattern: str, name: str) -> bool:
    return pattern.endswith(("/*", ".*")) and name.startswith(pattern[:-1]) and len(name) >= len(pattern)


class Registry:
    """All functions by their full id."""

    def __init__(self) -> None:
        self._functions: dict[str, Function] = {}
        self._listeners: dict[str, list[Function]] = {}

    def add(self, function: Function) -> None:
        """Register a function, and what handles its failures; InvalidDefinition says what is wrong with it."""
        _validate(function)
        known = self._functions.get(function.id)
        if known is not None and known.source != function.source:
            raise InvalidDefinition(f"{function.id!r} is defined twice: at {known.source} and at {function.source}")
        self._functions[function.id] = function
        self._listeners.clear()
        if function.on_failure is not None:
            self.add(function.on_failure)

    def get(self, function_id: str) -> Function:
        """Return a function by its full id."""
        try:
            return self._functions[function_id]
        except KeyError:
            known = ", ".join(sorted(self._functions)) or "none"
            raise UnknownFunction(f"{function_id!r} is not registered; known: {known}") from None

    def all(self) -> list[Function]:
        """Return every function, ordered by id."""
        return [self._functions[key] for key in sorted(self._functions)]

    def started_by(self, event: Event) -> list[Function]:
        """Return the functions that this event starts."""
        return [function for function in self.listening_to(event.name) if function.starts_on(event)]

    def listening_to(self, name: str) -> list[Function]:
        """Return the functions with a trigger for events of this name, whatever its expression says."""
        known = self._listeners.get(name)
        if known is None:
            known = [function for function in self.all() if _listens(function, name)]
            if len(self._listeners) < _NAMES_KEPT:
                self._listeners[name] = known
        return known

    def event_names(self) -> list[str]:
        """Return the names that triggers wait for, without wildcards and the engine's own."""
        names = {trigger.event for function in self.all() for trigger in _event_triggers(function)}
        return sorted(name for name in names if "*" not in name and not name.startswith(INTERNAL_PREFIXES))

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Start empty and put everything back at the end; for tests."""
        before, self._functions, self._listeners = self._functions, {}, {}
        try:
            yield
        finally:
            self._functions, self._listeners = before, {}


def _listens(function: Function, name: str) -> bool:
    return any(_hears(trigger, name) for trigger in _event_triggers(function))


def _event_triggers(function: Function) -> Iterable[TriggerEvent]:
    return (trigger for trigger in function.triggers if isinstance(trigger, TriggerEvent))


def _validate(function: Function) -> None:
    if not function.fn_id or len(function.id) > 200:
        raise InvalidDefinition(f"fn_id {function.fn_id!r} must have 1 to 200 characters with the app id")
    if not 1 <= len(function.triggers) <= MAX_TRIGGERS:
        raise InvalidDefinition(
            f"{function.id} has {len(function.triggers)} triggers; 1 to {MAX_TRIGGERS} are possible"
        )
    if not 0 <= function.retries <= MAX_RETRIES:
        raise InvalidDefinition(f"{function.id} has retries={function.retries}; 0 to {MAX_RETRIES} are possible")
    if inspect.iscoroutinefunction(function.handler):
        raise InvalidDefinition(f"{function.id} is async; write it as a plain function")
    for trigger in _event_triggers(function):
        if "*" in trigger.event[:-1] or (trigger.event.endswith("*") and not trigger.event.endswith(("/*", ".*"))):
            raise InvalidDefinition(f"{function.id}: {trigger.event!r} may have * only at its end, after / or .")
        if trigger.expression is not None:
            expressions.compiled(trigger.expression)
    if function.priority is not None:
        expressions.compiled(function.priority.run)


def default_retries() -> int:
    """Return the retries of a function that names none."""
    return conf.settings().RETRIES


registry = Registry()
