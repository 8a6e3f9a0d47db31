"""Sending: store events, find the functions they start and open their runs, in the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobs import clock
from jobs.door import Ask, Door
from jobs.errors import InvalidEvent
from jobs.ids import new_id
from jobs.models import sending
from jobs.opening import Opening
from jobs.registry import registry
from jobs.types import INTERNAL_PREFIXES, SIGNAL_SENT, Event, Source

_EARLIEST = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp() * 1000)
_LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
_MAX_ID = 255


@dataclass(frozen=True)
class Seed:
    """What makes a resend give the same internal ids: a time in milliseconds and ten bytes of the sender's."""

    ms: int
    entropy: bytes

    def id(self, position: int) -> UUID:
        """Return the internal id of the event at this position of the request."""
        digest = hashlib.sha256(self.entropy + position.to_bytes(8, "big")).digest()
        # In place of random bits right after the time, so that the ids of one request sort as its events do.
        ordered = (position & 0xFFF) << 64 | int.from_bytes(digest[:8], "big")
        value = (self.ms & 0xFFFFFFFFFFFF) << 80 | ordered
        # Version 7 and the variant of RFC 9562.
        value = value & ~(0xF << 76) | 7 << 76
        return UUID(int=value & ~(0x3 << 62) | 2 << 62)


@dataclass(frozen=True)
class Sent:
    """What became of one event."""

    event_id: UUID
    duplicate: bool = False
    run_ids: tuple[UUID, ...] = ()
    note: str = ""
    """Why it did not start a function, one in each line."""


def send(
    events: Sequence[Event], *, source: Source = Source.EVENT, sender: str = "", seed: Seed | None = None
) -> list[Sent]:
    """Store events and open the runs they start; all of them or, with an InvalidEvent, none.

    Inside `transaction.atomic()` this commits or vanishes together with the caller's rows.
    """
    for position, event in enumerate(events):
        validate(event, position, internal=source in (Source.INTERNAL, Source.CRON))
    if not events:
        return []
    ids = [seed.id(position) if seed else new_id() for position in range(len(events))]
    opening, stamped = _stamped(events, ids)
    # With a seed, the ids may be there already; the savepoint keeps the transaction of who resends usable.
    with transaction.atomic(savepoint=seed is not None):
        repeated = _duplicates(events, ids) if any(event.id for event in events) else set()
        return _store(opening, stamped, repeated, source=source, sender=sender)


def signal(name: str, data: Any, *, sender: str = "") -> Sent:
    """Send a signal: the event that `wait_for_signal` waits for."""
    if not name or len(name) > _MAX_ID:
        raise InvalidEvent(f"A signal's name must have 1 to {_MAX_ID} characters")
    [sent] = send([Event(name=SIGNAL_SENT, data={"signal": name, "data": data})], source=Source.INTERNAL, sender=sender)
    return sent


def validate(event: Event, position: int = 0, *, internal: bool = False) -> None:
    """Raise InvalidEvent, with the event's position and words, if it cannot be accepted."""
    where = f"event {position}: "
    for what, text in (("name", event.name), ("id", event.id)):
        if "\0" in text or not _encodable(text):
            raise InvalidEvent(f"{where}its {what} has a character that no {what} may have")
    if len(event.id) > _MAX_ID:
        raise InvalidEvent(f"{where}its id has {len(event.id)} characters; {_MAX_ID} are possible")
    if not internal and event.name.startswith(INTERNAL_PREFIXES):
        raise InvalidEvent(f"{where}{event.name!r} begins with a prefix that only the engine may use")
    if event.ts and not _EARLIEST <= event.ts <= _LATEST:
        raise InvalidEvent(f"{where}its ts {event.ts} is not in milliseconds between 1980 and 2100")


def _stamped(events: Sequence[Event], ids: Sequence[UUID]) -> tuple[Opening, dict[UUID, Event]]:
    """Return the rows of events, and the events as functions see them: as stored, with their time."""
    opening = Opening()
    now_ms = int(clock.now().timestamp() * 1000)
    stamped: dict[UUID, Event] = {}
    for event, event_id in zip(events, ids, strict=True):
        stamped[event_id] = event if event.ts else event.model_copy(update={"ts": now_ms})
        try:
            opening.add_event(stamped[event_id], event_id)
        except (TypeError, ValueError) as error:
            raise InvalidEvent(f"event {event.name!r}: {error}") from error
    return opening, stamped


def _store(
    opening: Opening, events: dict[UUID, Event], duplicates: set[UUID], *, source: Source, sender: str
) -> list[Sent]:
    runs: dict[UUID, list[UUID]] = {event_id: [] for event_id in events}
    asks: list[Ask] = []
    for event_id in duplicates:
        opening.mark_duplicate(event_id)
    for event_id, event in events.items():
        for function in registry.started_by(event) if event_id not in duplicates else ():
            if function.has_door:
                asks.append(Ask(function, event, event_id))
            else:
                runs[event_id].append(opening.add_run(function, event, [event_id]))
    for ask, opened in Door(opening).ask(asks).items() if asks else ():
        runs[ask.event_id] += opened
    opening.write(source=source, sender=sender)
    return [Sent(pk, pk in duplicates, tuple(opened), opening.events[pk]["note"]) for pk, opened in runs.items()]


def _duplicates(events: Sequence[Event], ids: Sequence[UUID]) -> set[UUID]:
    """Return the events whose id was seen before, here or in another process."""
    named: dict[str, UUID] = {}
    repeated: set[UUID] = set()
    for event, event_id in zip(events, ids, strict=True):
        if event.id and named.setdefault(event.id, event_id) != event_id:
            repeated.add(event_id)
    with connection.cursor() as cursor:
        first = sending.first_seen(cursor, sorted(named.items())) if named else set()
    return repeated | (set(named.values()) - first)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
