"""The gate: which of the due runs with limits may start now, decided exactly and in their order.

One worker at a time decides, under a lock that nobody waits for. A run that may not start is put behind the key that
stops it: a concurrency key without a free slot, a throttled key whose turn has not come, or its paused function.
Whatever frees a slot says so (`jobs.models.gating`), and a throttled key has a time of its own. So a run is looked at a
few times in its life, however many wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from jobs import executor, failures, serialize
from jobs.errors import UnknownFunction
from jobs.flow import Concurrency, Throttle
from jobs.function import bounded
from jobs.gcra import next_arrival, owed
from jobs.journal import Claimed
from jobs.models import gating
from jobs.models.gating import Arrival, Candidate
from jobs.registry import registry

_SHARED = ("env", "account")


class Slot(NamedTuple):
    """A key that a run takes a slot of, how many there are, and behind what the run waits when all are taken."""

    key: str
    limit: int
    behind: str


@dataclass
class Decision:
    """Who starts and who waits behind what, as far as it is decided."""

    now: datetime
    most: int
    paused: set[str]
    open: set[str] = field(default_factory=set)
    """Keys whose runs are to be looked at until one has to go on waiting for the key, or none is left."""
    taken: dict[str, int] = field(default_factory=dict)
    arrivals: dict[str, Arrival] = field(default_factory=dict)
    changed: dict[str, Arrival] = field(default_factory=dict)
    seen: set[UUID] = field(default_factory=set)
    starts: list[UUID] = field(default_factory=list)
    moves: dict[UUID, str] = field(default_factory=dict)
    waited_for: set[str] = field(default_factory=set)
    strangers: list[UUID] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)
    portion: int = 1

    @property
    def is_full(self) -> bool:
        """Whether this claim has all it may take, or has looked at enough for once."""
        return len(self.starts) >= self.most or len(self.seen) > 2 * gating.MOST

    def decide(self, candidate: Candidate) -> None:
        """Let a run start, or name what it waits for."""
        self.seen.add(candidate.id)
        function = registry.find(candidate.function)
        full = next((slot for slot in slots_of(candidate) if self.taken.get(slot.key, 0) >= slot.limit), None)
        if len(self.starts) >= self.most:
            self.unfinished |= set(filter(None, [candidate.behind]))
        elif function is None:
            self.strangers.append(candidate.id)
        elif candidate.function in self.paused:
            self._wait(candidate, f"paused {candidate.function}")
        elif full is not None:
            self._wait(candidate, full.behind)
        elif function.throttle and candidate.throttle_key and candidate.first:
            self._take_turn(candidate, candidate.throttle_key, function.throttle)
        else:
            self._start(candidate)

    def _take_turn(self, candidate: Candidate, key: str, throttle: Throttle) -> None:
        one = self.arrivals.get(key) or Arrival(key, self.now)
        conforms, arrival = next_arrival(one.arrival, self.now, *_pace(throttle))
        if conforms <= self.now:
            one.arrival = arrival
            self._start(candidate)
        else:
            postpone(one, throttle, self.now)
            self._wait(candidate, key)
        self.arrivals[key] = self.changed[key] = one

    def _wait(self, candidate: Candidate, key: str) -> None:
        self.waited_for.add(key)
        if candidate.behind != key:
            self.moves[candidate.id] = key

    def _start(self, candidate: Candidate) -> None:
        self.starts.append(candidate.id)
        for key in set(filter(None, candidate.keys)):
            self.taken[key] = self.taken.get(key, 0) + 1

    def wanted(self, candidates: Iterable[Candidate]) -> dict[str, int]:
        """Return how many runs to look at behind which keys, after these candidates."""
        wanted = dict.fromkeys(self.open - self.waited_for, self.portion)
        self.portion = min(2 * self.portion, gating.MOST)
        for slot in {slot for candidate in candidates for slot in slots_of(candidate)}:
            for behind, limit in self.sharing(slot):
                if (free := limit - self.taken.get(slot.key, 0)) > 0:
                    wanted[behind] = min(free, max(1, self.most - len(self.starts)))
        return wanted

    def sharing(self, slot: Slot) -> list[tuple[str, int]]:
        """Return behind what runs may wait for the key of a slot, with the limits."""
        others = [(_behind(slot.key, limit), limit) for limit in self._limits_of(slot.key)]
        return others or [(slot.behind, slot.limit)]

    def behind(self, freed: Iterable[str]) -> set[str]:
        """Return behind what runs may wait for these keys."""
        found = set(freed)
        return found | {_behind(key, limit) for key in found for limit in self._limits_of(key)}

    def _limits_of(self, key: str) -> set[int]:
        scope, colon, _ = key.partition(": ")
        return self._shared_limits.get(scope, set()) if colon else set()

    @cached_property
    def _shared_limits(self) -> dict[str, set[int]]:
        """The limits that functions have for keys which they share, by scope."""
        limits: dict[str, set[int]] = {}
        for one in (one for function in registry.all() for one in function.concurrency if one.scope in _SHARED):
            limits.setdefault(one.scope or "", set()).add(one.limit)
        return limits


def slots_of(candidate: Candidate) -> list[Slot]:
    """Return the slots that a run takes, as the code of today limits them."""
    return slots(candidate.function, candidate.keys)


def slots(function_id: str, keys: Iterable[str | None]) -> list[Slot]:
    """Return the slots of a function's run with these keys."""
    function = registry.find(function_id)
    limits: tuple[Concurrency, ...] = function.concurrency if function is not None else ()
    pairs = [(key, one) for key, one in zip(keys, limits, strict=False) if key is not None]
    return [Slot(key, one.limit, _behind(key, one.limit) if one.scope in _SHARED else key) for key, one in pairs]


def _behind(shared_key: str, limit: int) -> str:
    # Functions may share a key with limits of their own: one that is at its limit does not hold up the others.
    return bounded(f"{limit} of {shared_key}")


def _pace(throttle: Throttle) -> tuple[timedelta, int]:
    return timedelta(seconds=throttle.interval), throttle.at_once


def claim(cursor: Any, worker: UUID, most: int) -> list[Claimed]:
    """Take up to `most` due runs that have limits; the caller commits. Empty if another worker is at it."""
    if most < 1 or not gating.lock(cursor):
        return []
    begun = gating.begin(cursor)
    decision = Decision(begun.now, most, begun.paused)
    # Unless somebody goes on waiting for these keys, they are not to be looked at any more.
    decision.arrivals, decision.changed = dict(begun.turns), dict(begun.turns)
    decision.open = set(begun.turns) | decision.behind(begun.freed)
    asking = gating.candidates(cursor)
    _learn(cursor, decision, asking)
    # Those behind a key that has room are older than those who have only just asked.
    asking += _following(cursor, decision, asking)
    while asking:
        for candidate in sorted(asking, key=lambda one: (one.place, one.id)):
            decision.decide(candidate)
        # One that now waits for its other key has left room behind the first.
        asking = _following(cursor, decision, asking)
    return _carry_out(cursor, worker, decision)


def _following(cursor: Any, decision: Decision, asking: list[Candidate]) -> list[Candidate]:
    """Return runs behind the keys that have room, as far as this claim may still start some."""
    wanted = decision.wanted(asking)
    if not wanted or decision.is_full:
        decision.unfinished |= set(wanted)  # the next claim goes on here
        return []
    more = gating.behind(cursor, wanted, except_for=[*decision.seen, *(candidate.id for candidate in asking)])
    found = [candidate.behind for candidate in more]
    decision.open -= {key for key, most in wanted.items() if found.count(key) < most}
    _learn(cursor, decision, more)
    return more


def _learn(cursor: Any, decision: Decision, asking: list[Candidate]) -> None:
    """Find out what the keys of these candidates have left."""
    keys = {slot.key for candidate in asking for slot in slots_of(candidate)} - set(decision.taken)
    if keys:
        decision.taken |= gating.taken(cursor, keys)
    turns = {
        c.throttle_key: c for c in asking if c.throttle_key and c.first and c.throttle_key not in decision.arrivals
    }
    for key, one in gating.arrivals(cursor, turns).items() if turns else ():
        decision.arrivals[key] = one
        function = registry.find(turns[key].function)
        if one.wake_at is not None and function is not None and has_come(one, function.throttle, decision.now):
            # With other limits than before a deploy: those who have waited come first.
            decision.open.add(key)
            one.wake_at, decision.changed[key] = None, one


def has_come(one: Arrival, throttle: Throttle | None, now: datetime) -> bool:
    """Whether a key's next start conforms; without a throttle any does."""
    return throttle is None or next_arrival(one.arrival, now, *_pace(throttle))[0] <= now


def postpone(one: Arrival, throttle: Throttle, now: datetime) -> None:
    """Have the runs behind a throttled key looked at when the next may start."""
    one.arrival = owed(one.arrival, now, *_pace(throttle))
    one.wake_at = next_arrival(one.arrival, now, *_pace(throttle))[0]


def _carry_out(cursor: Any, worker: UUID, decision: Decision) -> list[Claimed]:
    if decision.moves:
        gating.put_behind(cursor, decision.moves)
    if decision.strangers:
        error = failures.describe(UnknownFunction("This code does not have the function"), code="unknown_function")
        gating.put_off(cursor, decision.strangers, executor.UNKNOWN_FUNCTION_PAUSE, serialize.dumps(error))
    if decision.changed:
        gating.set_arrivals(cursor, decision.changed.values())
    if unfinished := (decision.unfinished | decision.open) - decision.waited_for:
        gating.free(cursor, unfinished)
    return gating.start(cursor, worker, decision.starts, decision.now) if decision.starts else []
