"""The gate: which of the due runs with limits may start now, decided exactly and in their order.

One worker at a time decides, under a lock that nobody waits for. A run that may not start is put behind the key that
stops it: a concurrency key without a free slot, a throttled key whose turn has not come, or its paused function.
Whatever ends a run lets the first run behind its keys be looked at again (`jobs.models.writing`), and a throttled key
has a time of its own. So a run is looked at a few times in its life, however many wait.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from jobs.flow import Throttle
from jobs.gcra import next_arrival
from jobs.journal import Claimed
from jobs.models import gating
from jobs.models.gating import Arrival, Candidate
from jobs.registry import registry

_PORTION = 8
"""Runs behind a throttled key that are looked at together: the first that is refused ends it."""


@dataclass
class Decision:
    """Who starts and who waits behind what, as far as it is decided."""

    now: datetime
    most: int
    paused: set[str]
    taken: dict[str, int] = field(default_factory=dict)
    arrivals: dict[str, Arrival | None] = field(default_factory=dict)
    starts: list[UUID] = field(default_factory=list)
    waits: dict[UUID, str] = field(default_factory=dict)
    left: set[UUID] = field(default_factory=set)
    changed: dict[str, Arrival] = field(default_factory=dict)
    turns: dict[str, Arrival] = field(default_factory=dict)
    through: set[str] = field(default_factory=set)

    @property
    def seen(self) -> list[UUID]:
        """The runs that have been looked at."""
        return [*self.starts, *self.waits, *self.left]

    def decide(self, candidate: Candidate) -> None:
        """Let a run start, or name what it waits for."""
        function = registry.find(candidate.function)
        if len(self.starts) >= self.most:
            self.left.add(candidate.id)
        elif function is None:
            self._start(candidate)  # only to be offered again later: another worker may know the function
        elif candidate.function in self.paused:
            self.waits[candidate.id] = f"paused {candidate.function}"
        elif (
            full := next((key for key, limit in limits_of(candidate) if self._is_full(key, limit)), None)
        ) is not None:
            self.waits[candidate.id] = full
        elif function.throttle and candidate.throttle_key and candidate.first:
            self._take_turn(candidate, candidate.throttle_key, function.throttle)
        else:
            self._start(candidate)

    def _is_full(self, key: str, limit: int) -> bool:
        return self.taken.get(key, 0) >= limit

    def _take_turn(self, candidate: Candidate, key: str, throttle: Throttle) -> None:
        known = self.arrivals.get(key)
        interval = timedelta(seconds=throttle.interval)
        conforms, arrival = next_arrival(known.arrival if known else None, self.now, interval, throttle.at_once)
        if conforms <= self.now:
            self.arrivals[key] = self.changed[key] = Arrival(key, arrival, known.wake_at if known else None)
            self._start(candidate)
        else:
            waiting = known or Arrival(key, self.now)
            waiting.wake_at = conforms
            self.arrivals[key] = self.changed[key] = waiting
            self.waits[candidate.id] = key

    def _start(self, candidate: Candidate) -> None:
        self.starts.append(candidate.id)
        for key in filter(None, candidate.keys):
            self.taken[key] = self.taken.get(key, 0) + 1

    def room(self, candidates: Iterable[Candidate]) -> dict[str, int]:
        """Return how many more runs the keys of these candidates have slots for."""
        room: dict[str, int] = {}
        for key, limit in itertools.chain.from_iterable(map(limits_of, candidates)):
            free = min(limit - self.taken.get(key, 0), gating.MOST)
            if free > 0:
                room[key] = max(free, room.get(key, 0))
        return room


def limits_of(candidate: Candidate) -> list[tuple[str, int]]:
    """Return the keys of a run whose slots the code of today limits, with the limits."""
    function = registry.find(candidate.function)
    limits = function.concurrency if function is not None else ()
    return [(key, limit.limit) for key, limit in zip(candidate.keys, limits, strict=False) if key is not None]


def claim(cursor: Any, worker: UUID, most: int) -> list[Claimed]:
    """Take up to `most` due runs that have limits; the caller commits. Empty if another worker is at it."""
    if most < 1 or not gating.lock(cursor):
        return []
    decision = Decision(gating.now(cursor), most, gating.paused_functions(cursor))
    decision.turns = gating.due_keys(cursor)
    for key, arrival in decision.turns.items():
        # Unless somebody goes on waiting for it, nothing is to be looked at any more.
        decision.arrivals[key] = decision.changed[key] = arrival
    asking = gating.candidates(cursor)
    _learn(cursor, decision, asking)
    # Those behind a key that has room are older than those who have only just asked.
    asking += _behind(cursor, decision, asking)
    while asking:
        for candidate in sorted(asking, key=lambda one: (one.place, one.id)):
            decision.decide(candidate)
        # One that now waits for its other key has left room behind the first.
        asking = _behind(cursor, decision, asking)
    return _carry_out(cursor, worker, decision)


def _behind(cursor: Any, decision: Decision, asking: list[Candidate]) -> list[Candidate]:
    """Return runs behind the keys that have room, as far as this claim may still start some."""
    wanted = decision.room(asking)
    waited_for = set(decision.waits.values())
    wanted |= dict.fromkeys(set(decision.turns) - waited_for - decision.through, _PORTION)
    if not wanted or len(decision.starts) >= decision.most:
        return []
    if len(decision.seen) > 2 * gating.MOST:
        gating.let_look(cursor, list(wanted))  # enough for once; the next claim goes on here
        return []
    more = gating.behind(cursor, wanted, except_for=[*decision.seen, *(candidate.id for candidate in asking)])
    decision.through |= set(decision.turns) & set(wanted) - {candidate.throttle_key for candidate in more}
    _learn(cursor, decision, more)
    return more


def _learn(cursor: Any, decision: Decision, asking: list[Candidate]) -> None:
    """Find out what the keys of these candidates have left."""
    keys = {key for candidate in asking for key, _ in limits_of(candidate)} - set(decision.taken)
    if keys:
        decision.taken |= gating.taken(cursor, keys)
    turns = {c.throttle_key for c in asking if c.throttle_key is not None and c.first} - set(decision.arrivals)
    if turns:
        decision.arrivals |= dict.fromkeys(turns) | gating.arrivals(cursor, turns)


def _carry_out(cursor: Any, worker: UUID, decision: Decision) -> list[Claimed]:
    if decision.waits:
        gating.put_behind(cursor, decision.waits)
    if decision.left:
        gating.release(cursor, decision.left)
    for key in set(decision.turns) - decision.through - set(decision.waits.values()):
        decision.changed[key].wake_at = decision.now  # this claim did not come to all that wait for it
    if decision.changed:
        gating.set_arrivals(cursor, decision.changed.values())
    return gating.start(cursor, worker, decision.starts) if decision.starts else []


def look_again(cursor: Any) -> int:
    """Have runs looked at whose key has room although nobody said so, as after a crash or a deploy with other limits.

    Returns how many runs or keys that were.
    """
    blocked = gating.keys_with_blocked(cursor)
    paused = gating.paused_functions(cursor)
    resumed = [key.removeprefix("paused ") for key, _ in blocked if key.startswith("paused ")]
    count = sum(gating.resume(cursor, function) for function in resumed if function not in paused)
    if throttled := [key for key, _ in blocked if key.startswith("throttle ")]:
        gating.wake_keys(cursor, throttled)
    slots = {key: function for key, function in blocked if not key.startswith(("paused ", "throttle "))}
    if slots:
        taken = gating.taken(cursor, slots)
        free = [key for key, function in slots.items() if taken[key] < _widest(function)]
        count += gating.let_look(cursor, free) if free else 0
    return count


def _widest(function_id: str) -> int:
    function = registry.find(function_id)
    return max((limit.limit for limit in function.concurrency), default=1) if function is not None else 1
