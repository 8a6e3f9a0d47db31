"""Sending: store events, find the functions they start and open their runs, in the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobs import clock, serialize, wakeup
from jobs.errors import InvalidEvent
from jobs.ids import new_id
from jobs.models import sending
from jobs.registry import Function, registry
from jobs.types import INTERNAL_PREFIXES, Event, Source

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
        value = (self.ms & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(digest[:10], "big")
        # Version 7 and the variant of RFC 9562.
        value = value & ~(0xF << 76) | 7 << 76
        return UUID(int=value & ~(0x3 << 62) | 2 << 62)


@dataclass(frozen=True)
class Sent:
    """What became of one event."""

    event_id: UUID
    duplicate: bool = False
    run_ids: tuple[UUID, ...] = ()


@dataclass
class Opening:
    """The rows of one send, gathered before anything is written."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    runs: list[tuple[Any, ...]] = field(default_factory=list)
    links: list[tuple[UUID, UUID, int]] = field(default_factory=list)
    due_now: bool = False

    def add_event(self, event_id: UUID, event: Event, ts: int, *, duplicate: bool = False) -> None:
        """Store this event."""
        self.events.append((event_id, event.name, serialize.dumps(event.data), ts, event.id, duplicate))

    def add_run(self, function: Function, event: Event, event_ids: Sequence[UUID], **origin: Any) -> UUID:
        """Open a run of this function for events that are stored already, or with it."""
        run_id: UUID = new_id()
        not_before = _not_before(event)
        subject = origin.get("subject") or function.subject_of(event)
        priority = function.priority_of(event)
        row = (run_id, function.id, priority, event.name, subject[:200], not_before, origin.get("rerun_of"))
        self.runs.append(row)
        self.links.extend((run_id, event_id, position) for position, event_id in enumerate(event_ids))
        self.due_now = self.due_now or not_before is None
        return run_id

    def write(self, *, source: Source, sender: str) -> None:
        """Write everything in one statement, and wake a worker once it is committed."""
        with connection.cursor() as cursor:
            sending.store(
                cursor, source=source, sender=sender[:100], events=self.events, runs=self.runs, links=self.links
            )
        if self.due_now:
            transaction.on_commit(wakeup.hint, robust=True)


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
    # With a seed, the ids may be there already; the savepoint keeps the transaction of who resends usable.
    if seed or any(event.id for event in events):
        with transaction.atomic():
            return _store(events, ids, _duplicates(events, ids), source=source, sender=sender)
    return _store(events, ids, set(), source=source, sender=sender)


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


def _store(
    events: Sequence[Event], ids: Sequence[UUID], duplicates: set[UUID], *, source: Source, sender: str
) -> list[Sent]:
    opening = Opening()
    sent = []
    now_ms = int(clock.now().timestamp() * 1000)
    for event, event_id in zip(events, ids, strict=True):
        duplicate = event_id in duplicates
        try:
            opening.add_event(event_id, event, event.ts or now_ms, duplicate=duplicate)
            # Functions see the event as it is stored: with its time.
            stamped = event if event.ts else event.model_copy(update={"ts": now_ms})
            runs = () if duplicate else tuple(_open(opening, stamped, event_id))
        except (TypeError, ValueError) as error:
            raise InvalidEvent(f"event {event.name!r}: {error}") from error
        sent.append(Sent(event_id, duplicate, runs))
    opening.write(source=source, sender=sender)
    return sent


def _open(opening: Opening, event: Event, event_id: UUID) -> list[UUID]:
    return [opening.add_run(function, event, [event_id]) for function in registry.started_by(event)]


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


def _not_before(event: Event) -> datetime | None:
    moment = datetime.fromtimestamp(event.ts / 1000, UTC) if event.ts else None
    return moment if moment is not None and moment > clock.now() else None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
