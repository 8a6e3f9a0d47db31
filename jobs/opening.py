"""The rows of one send, gathered before anything is written: events, the runs they start, and who waited for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobs import clock, expressions, matching, serialize, wakeup
from jobs.errors import InvalidExpression
from jobs.function import Function
from jobs.ids import new_id
from jobs.models import sending, waiting
from jobs.types import Event, Source, seconds


@dataclass
class Opening:
    """The rows of one send."""

    events: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    runs: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    links: list[dict[str, Any]] = field(default_factory=list)
    cancels: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    extensions: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    due_now: bool = False
    _heard: dict[UUID, Event] = field(default_factory=dict)

    def add_event(self, event: Event, event_id: UUID | None = None) -> UUID:
        """Store this event, which must have its time, and return its id."""
        pk = event_id or new_id()
        data = serialize.dumps(event.data)
        row = {"id": pk, "name": event.name, "data": data, "ts": event.ts, "external_id": event.id}
        self.events[pk] = {**row, "duplicate": False, "note": ""}
        self._heard[pk] = event
        return pk

    def mark_duplicate(self, event_id: UUID) -> None:
        """Store an event whose id was seen before as such: nobody hears of it."""
        self.events[event_id]["duplicate"] = True
        del self._heard[event_id]

    def note(self, event_id: UUID, function: Function[Any], words: str) -> None:
        """Say on an event why it did not start a function."""
        self.events[event_id]["note"] += f"{function.id}: {words}\n"

    def add_run(
        self,
        function: Function[Any],
        event: Event,
        event_ids: Sequence[UUID],
        *,
        subject: str = "",
        rerun_of: UUID | None = None,
        parent: tuple[UUID, str] | None = None,
        **more: Any,
    ) -> UUID:
        """Open a run of this function for events that are stored already, or with it."""
        run_id: UUID = new_id()
        row: dict[str, Any] = {
            "id": run_id,
            "function": function.id,
            "priority": function.priority_of(event),
            "trigger": event.name,
            "subject": (subject or function.subject_of(event))[:200],
            **more,
        }
        if (not_before := time_to_come(event)) is not None:
            row["not_before"] = not_before
        _relate(row, rerun_of, parent)
        _limit(row, function, event)
        self.runs[run_id] = row
        self.links.extend({"run": run_id, "event": pk, "position": n} for n, pk in enumerate(event_ids))
        self.due_now = self.due_now or (not_before is None and "delay" not in more)
        if "error" not in row:
            self.cancels.extend(cancels_of(function, event, run_id))
        return run_id

    def write(self, *, source: Source, sender: str) -> None:
        """Write everything in the caller's transaction, and wake a worker once it is committed."""
        with transaction.atomic(savepoint=False), connection.cursor() as cursor:
            if self.extensions:
                # First, because a batch that is full now makes room for the next one under its key.
                sending.extend(cursor, list(self.extensions.values()))
            rows = {"events": list(self.events.values()), "runs": list(self.runs.values()), "links": self.links}
            sending.store(cursor, source=source, sender=sender[:100], **rows)
            if self.cancels:
                sending.cancels(cursor, self.cancels)
            if self._heard:
                self._meet_waits(cursor)
            if self.deliveries:
                sending.deliver(cursor, self.deliveries)
            if self.due_now or self.deliveries:
                transaction.on_commit(wakeup.hint, robust=True)

    def _meet_waits(self, cursor: Any) -> None:
        """Leave these events for the runs that wait for them."""
        events = list(self._heard.items())
        known = waiting.shapes(cursor, sorted({event.name for _, event in events}))
        if not known:
            return
        seen = [event.model_dump() for _, event in events]
        wanted = [
            {"number": number, "event": name, "path": path, "value": value}
            for number, event in enumerate(seen)
            for name, path in known
            if name == event["name"] and (value := matching.value_at(path, event) if path else "") is not None
        ]
        own = {(link["run"], link["event"]) for link in self.links}
        for found in waiting.find(cursor, wanted):
            event_id = events[found.number][0]
            if (found.run, event_id) not in own and _met(found, seen[found.number]):
                self.deliveries.append({"run": found.run, "step": found.step, "event": event_id})


def cancels_of(function: Function[Any], event: Event, run_id: UUID) -> list[dict[str, Any]]:
    """Return which later events cancel a run of this function that this event started."""
    rows = []
    for rule in function.cancel:
        match = matching.match_of(rule.if_exp, event.model_dump())
        expires = None if rule.timeout is None else seconds(rule.timeout)
        row = {"run": run_id, "event": rule.event, "expression": rule.if_exp or "", "expires": expires}
        rows.append({**row, "path": match.path, "value": match.value})
    return rows


def _relate(row: dict[str, Any], rerun_of: UUID | None, parent: tuple[UUID, str] | None) -> None:
    if rerun_of is not None:
        row["rerun_of"] = rerun_of
    if parent is not None:
        row["parent_run"], row["parent_step"] = parent


def _limit(row: dict[str, Any], function: Function[Any], event: Event) -> None:
    if function.is_gated:
        one, two = [*function.concurrency_keys(event), None, None][:2]
        row |= {"concurrency_1": one, "concurrency_2": two, "throttle_key": function.throttle_key(event)}
        row["gated"] = any(row[name] is not None for name in ("concurrency_1", "concurrency_2", "throttle_key"))
    if function.timeouts is not None:
        start, finish = function.timeouts.start, function.timeouts.finish
        row["deadline"] = None if start is None else seconds(start)
        row["finish_within"] = None if finish is None else seconds(finish)


def _met(found: waiting.Found, event: dict[str, Any]) -> bool:
    if not found.expression:
        return True
    try:
        return bool(expressions.evaluate(found.expression, found.trigger, event))
    except InvalidExpression:
        return False  # it cannot be compared with this one; another may still come


def time_to_come(event: Event) -> datetime | None:
    """Return when an event happens that is still to happen; None for all others."""
    moment = datetime.fromtimestamp(event.ts / 1000, UTC) if event.ts else None
    return moment if moment is not None and moment > clock.now() else None
