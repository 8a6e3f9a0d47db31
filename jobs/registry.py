"""The functions this code defines, and which of them an event starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobs import definition
from jobs.errors import InvalidDefinition, UnknownFunction
from jobs.function import Function
from jobs.types import INTERNAL_PREFIXES, Event

_NAMES_KEPT = 1000


class Registry:
    """All functions by their full id."""

    def __init__(self) -> None:
        self._functions: dict[str, Function[Any]] = {}
        self._listeners: dict[str, list[Function[Any]]] = {}
        self.refused: list[InvalidDefinition] = []
        self._collecting = False

    def add(self, function: Function[Any]) -> None:
        """Register a function, and what handles its failures; InvalidDefinition says what is wrong with it.

        While Django starts, what is wrong is kept for the system checks instead, so that people see all of it.
        """
        try:
            self._add(function)
        except InvalidDefinition as error:
            if not self._collecting:
                raise
            self.refused.append(error)

    def _add(self, function: Function[Any]) -> None:
        definition.validate(function)
        known = self._functions.get(function.id)
        if known is not None and known.source != function.source:
            raise InvalidDefinition(f"{function.id!r} is defined twice: at {known.source} and at {function.source}")
        self._functions[function.id] = function
        self._listeners.clear()
        if function.on_failure is not None:
            self._add(function.on_failure)

    def get(self, function_id: str) -> Function[Any]:
        """Return a function by its full id."""
        try:
            return self._functions[function_id]
        except KeyError:
            known = ", ".join(sorted(self._functions)) or "none"
            raise UnknownFunction(f"{function_id!r} is not registered; known: {known}") from None

    def find(self, function_id: str) -> Function[Any] | None:
        """Return a function by its full id, or None if this code does not have it."""
        return self._functions.get(function_id)

    def all(self) -> list[Function[Any]]:
        """Return every function, ordered by id."""
        return [self._functions[key] for key in sorted(self._functions)]

    def started_by(self, event: Event) -> list[Function[Any]]:
        """Return the functions that this event starts."""
        return [function for function in self.listening_to(event.name) if function.starts_on(event)]

    def listening_to(self, name: str) -> list[Function[Any]]:
        """Return the functions with a trigger for events of this name, whatever its expression says."""
        known = self._listeners.get(name)
        if known is None:
            known = [function for function in self.all() if function.hears(name)]
            if len(self._listeners) < _NAMES_KEPT:
                self._listeners[name] = known
        return known

    def event_names(self) -> list[str]:
        """Return the names that triggers wait for, without wildcards and the engine's own."""
        names = {trigger.event for function in self.all() for trigger in function.event_triggers}
        return sorted(name for name in names if "*" not in name and not name.startswith(INTERNAL_PREFIXES))

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep what is wrong with definitions for the system checks, instead of raising at the first."""
        self._collecting = True
        try:
            yield
        finally:
            self._collecting = False

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Start empty and put everything back at the end; for tests."""
        before = self._functions, self._collecting
        self._functions, self._listeners, self._collecting = {}, {}, False
        try:
            yield
        finally:
            self._functions, self._collecting = before
            self._listeners = {}


registry = Registry()
