"""The door: whether an event that triggers a function starts a run now, later, together with others, or not at all.

Everything is decided under locks on the keys concerned, which the sender's transaction holds until it commits: two
senders of the same key see each other's decisions, and a rolled-back send has never happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection

from jobs import clock, expressions, failures, serialize
from jobs.errors import InvalidExpression
from jobs.function import Function
from jobs.gcra import next_arrival, owed
from jobs.models import door, sending
from jobs.models.door import Collecting
from jobs.opening import Opening, time_to_come
from jobs.types import Event, seconds

BATCH_TIMEOUT = 60.0
"""Seconds that a batch waits for more events unless its definition says otherwise."""


@dataclass(frozen=True, eq=False)
class Ask:
    """An event that triggers a function with rules at the door; its keys are None where a rule does not apply.

    `more` is what else its run is opened with. With `alone` it joins no others: somebody waits for this very run.
    With `told` a refusal is a SKIPPED run: a tick or a person's press has no event of its own that would say so.
    """

    function: Function[Any]
    event: Event
    event_id: UUID
    more: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = False
    told: bool = False

    @cached_property
    def once(self) -> str | None:
        """The value for which one run starts in 24 hours."""
        return self._key("once", self.function.idempotency) if self.function.idempotency is not None else None

    @cached_property
    def rate(self) -> str | None:
        """The key of its rate limit."""
        return self._key("rate", self.function.rate_limit.key) if self.function.rate_limit else None

    @cached_property
    def collecting(self) -> str | None:
        """The key under which events are collected into one run."""
        if self.alone:
            return None
        if self.function.debounce is not None:
            return self._key("debounce", self.function.debounce.key)
        if self.function.batch_events is not None and self._joins_batch():
            return self._key("batch", self.function.batch_events.key)
        return None

    @cached_property
    def singleton(self) -> str | None:
        """The key under which one run may live."""
        rule = self.function.singleton
        if rule is None or self.function.switches_off(rule.key, self.event):
            return None
        return self._key("one", rule.key)

    def _key(self, kind: str, expression: str | None) -> str | None:
        key = self.function.key(expression, self.event)
        return None if key is None else f"{kind} {key}"[:255]

    def _joins_batch(self) -> bool:
        if time_to_come(self.event) is not None:
            return False  # the others would have to wait for its time, or it would come too early
        condition = self.function.batch_events.if_exp if self.function.batch_events else None
        try:
            return condition is None or bool(expressions.evaluate(condition, self.event.model_dump()))
        except InvalidExpression:
            return False


@dataclass
class Door:
    """What is known about the keys of one send, and what each ask leads to."""

    opening: Opening
    now: datetime = field(default_factory=clock.now)
    repeated: set[tuple[str, UUID]] = field(default_factory=set)
    arrivals: dict[str, datetime] = field(default_factory=dict)
    collecting: dict[str, Collecting] = field(default_factory=dict)
    singletons: dict[str, list[UUID]] = field(default_factory=dict)
    changed: dict[str, datetime] = field(default_factory=dict)
    unused: list[tuple[str, UUID]] = field(default_factory=list)

    def ask(self, asks: Sequence[Ask]) -> dict[Ask, list[UUID]]:
        """Return the runs that each ask opened or joined."""
        with connection.cursor() as cursor:
            self._learn(cursor, asks)
            runs = {ask: self._admit(ask) for ask in asks}
            if self.changed:
                door.set_arrivals(cursor, self.changed)
            if self.unused:
                sending.forget_seen(cursor, self.unused)
        return runs

    def _learn(self, cursor: Any, asks: Sequence[Ask]) -> None:
        rates, collecting, singletons = (
            keys_of(getattr(ask, kind) for ask in asks) for kind in ("rate", "collecting", "singleton")
        )
        if rates or collecting or singletons:
            self.now = door.lock(cursor, [*rates, *collecting, *singletons])
        if rates:
            self.arrivals = door.arrivals(cursor, rates)
        if collecting:
            self.collecting = door.collecting(cursor, collecting)
        if singletons:
            self.singletons = door.singletons(cursor, singletons)
        self.repeated = _repeated(cursor, [(ask.once, ask.event_id) for ask in asks])

    def _admit(self, ask: Ask) -> list[UUID]:
        if ask.once is not None and (ask.once, ask.event_id) in self.repeated:
            return self._refused(ask, "idempotency", "has started for this value within 24 hours")
        if ask.rate is not None and not self._within_rate(ask, ask.rate):
            if ask.once is not None:
                self.unused.append((ask.once, ask.event_id))
            return self._refused(ask, "rate_limit", "rate limited")
        if ask.collecting is not None:
            return [self._collected(ask, ask.collecting)]
        if ask.singleton is not None:
            return [self._only_one(ask, ask.singleton)]
        return [self.opening.add_run(ask.function, ask.event, [ask.event_id], **ask.more)]

    def _refused(self, ask: Ask, code: str, words: str) -> list[UUID]:
        self.opening.note(ask.event_id, ask.function, words)
        return [self._skipped(ask, code, f"{ask.function.id}: {words}")] if ask.told else []

    def _skipped(self, ask: Ask, code: str, words: str) -> UUID:
        """Record a run that was refused; a run that waits for it hears of that like of any other end."""
        error = failures.simple(code, words)
        run = self.opening.add_run(
            ask.function, ask.event, [ask.event_id], **ask.more, error=serialize.dumps(error), delay=0
        )
        if (parent := ask.more.get("parent")) is not None:
            row = {"run": parent[0], "step": parent[1], "error": serialize.dumps(error)}
            self.opening.deliveries.append(row)
        return run

    def _within_rate(self, ask: Ask, key: str) -> bool:
        rule = ask.function.rate_limit
        assert rule is not None  # noqa: S101
        interval = timedelta(seconds=seconds(rule.period)) / rule.limit
        known = self.arrivals.get(key)
        conforms, arrival = next_arrival(known, self.now, interval, rule.limit)
        if conforms > self.now:
            # Where a slower limit left more, before a deploy, the time from now on counts for this one.
            arrival = owed(known, self.now, interval, rule.limit)
        if arrival != known:
            self.arrivals[key] = self.changed[key] = arrival
        return conforms <= self.now

    def _collected(self, ask: Ask, key: str) -> UUID:
        """Add the event to the run that collects under this key, or open one."""
        known = self.collecting.get(key)
        if known is None:
            run = self.opening.add_run(
                ask.function,
                ask.event,
                [ask.event_id],
                **ask.more,
                collecting=key,
                collected=1,
                delay=_delay(ask.function),
            )
            known = self.collecting[key] = Collecting(run, 1)
        else:
            self.opening.links.append({"run": known.run, "event": ask.event_id, "position": known.count})
            known.count += 1
            self._extend(ask, known)
        batch = ask.function.batch_events
        if batch is not None and known.count >= batch.max_size:
            self._close(key, known)
        return known.run

    def _extend(self, ask: Ask, known: Collecting) -> None:
        if (row := self.opening.runs.get(known.run)) is not None:
            row["collected"] = known.count
        else:
            row = self.opening.extensions.setdefault(known.run, {"run": known.run, "count": 0, "full": False})
            row["count"] += 1
            if (debounce := ask.function.debounce) is not None:
                row["delay"] = seconds(debounce.period)
                row["cap"] = None if debounce.timeout is None else seconds(debounce.timeout)
        if (moment := time_to_come(ask.event)) is not None:
            row["not_before"] = max(moment, row.get("not_before", moment))

    def _close(self, key: str, known: Collecting) -> None:
        """Let a batch start that is full; the next event opens another."""
        del self.collecting[key]
        self.opening.due_now = True
        if (opened := self.opening.runs.get(known.run)) is not None:
            opened["collecting"], opened["delay"] = None, 0
        else:
            self.opening.extensions[known.run]["full"] = True

    def _only_one(self, ask: Ask, key: str) -> UUID:
        """Open a run unless one lives, or in its place."""
        rule = ask.function.singleton
        live = self.singletons.setdefault(key, [])
        if live and rule is not None and rule.mode == "skip":
            words = f"{ask.function.id} lives already for this key, as run {live[0]}"
            return self._skipped(ask, "singleton", words)
        run = self.opening.add_run(ask.function, ask.event, [ask.event_id], **ask.more, singleton_key=key)
        for other in live:
            error = failures.simple("cancelled", f"Cancelled by the rule that one run lives: {run} took its place")
            self.opening.deliveries.append({"run": other, "step": "", "error": serialize.dumps(error)})
        self.singletons[key] = [run]
        return run


def _delay(function: Function[Any]) -> float:
    if function.debounce is not None:
        return seconds(function.debounce.period)
    batch = function.batch_events
    return BATCH_TIMEOUT if batch is None or batch.timeout is None else seconds(batch.timeout)


def keys_of(keys: Iterable[str | None]) -> list[str]:
    return sorted({key for key in keys if key is not None})


def _repeated(cursor: Any, asked: Sequence[tuple[str | None, UUID]]) -> set[tuple[str, UUID]]:
    """Return the asks for whose value a run has started before, here or in another process."""
    first: dict[str, UUID] = {}
    named = [(key, event_id) for key, event_id in asked if key is not None]
    for key, event_id in named:
        first.setdefault(key, event_id)
    if not first:
        return set()
    new = sending.first_seen(cursor, sorted(first.items()))
    return {(key, event_id) for key, event_id in named if first[key] != event_id or event_id not in new}
