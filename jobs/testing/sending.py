"""What was sent: the stored events, as a test asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jobs import models
from jobs.types import INTERNAL_PREFIXES, Event

SENDER = "jobs.testing"


def sent(name: str | None = None, *, data: Mapping[str, Any] | None = None) -> list[Event]:
    """Return the events that were sent, oldest first: those of this name, whose data has at least these items.

    The engine's own events are among them only if they are asked for by name.
    """
    return [event for _, event in stored() if _is_wanted(event, name, data)]


def assert_sent(name: str, *, data: Mapping[str, Any] | None = None, times: int | None = None) -> list[Event]:
    """Return what `sent` returns; AssertionError, with what was sent instead, if that is nothing or not `times`."""
    found = sent(name, data=data)
    if bool(found) if times is None else len(found) == times:
        return found
    wanted = name if data is None else f"{name} with {dict(data)}"
    known = "\n".join(f"  {event.name} {dict(event.data)}" for event in sent()) or "  nothing"
    often = "" if times is None else f" {times} times but {len(found)}"
    raise AssertionError(f"{wanted} was not sent{often}. Sent was:\n{known}")


@contextmanager
def sending() -> Iterator[list[Event]]:
    """Collect the events that are sent in the block into a list, which is filled when the block ends."""
    before = {pk for pk, _ in stored()}
    events: list[Event] = []
    try:
        yield events
    finally:
        events += [event for pk, event in stored() if pk not in before and _is_wanted(event, None, None)]


def stored() -> list[tuple[Any, Event]]:
    """Return the ids and values of all events but those with which `run` started one."""
    rows = models.Event.objects.exclude(sender=SENDER).order_by("id")
    return [(row.pk, row.as_value()) for row in rows]


def _is_wanted(event: Event, name: str | None, data: Mapping[str, Any] | None) -> bool:
    if name is None and event.name.startswith(INTERNAL_PREFIXES):
        return False
    named = name is None or event.name == name
    return named and all(key in event.data and event.data[key] == value for key, value in (data or {}).items())
