"""Steps at the same time: each branch of a parallel group on a thread of its own, in one worker."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar, overload

from jobs import branch, clock, failures, serialize
from jobs.attempt import Attempt
from jobs.branch import Branch
from jobs.errors import NonRetriableError
from jobs.journal import Entry, Failed, Lost, Outcome, Several, Suspend
from jobs.types import Op, ParallelMode, StepStatus

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")

Waits: TypeAlias = Literal[ParallelMode.WAIT]
Races: TypeAlias = Literal[ParallelMode.RACE]

AT_ONCE = 500
"""Branches of one group that are under way at the same time; the others begin as these end."""


@dataclass
class Arm:
    """One branch of a group and how it ended: with a value, an error, or suspended."""

    index: int
    call: Callable[[], Any]
    line: Branch
    begun: threading.Event = field(default_factory=threading.Event)
    ended: bool = False
    value: Any = None
    error: BaseException | None = None

    @property
    def suspended(self) -> Outcome | None:
        """How it left its line of steps, if it did."""
        return self.line.outcome

    def work(self, attempt: Attempt) -> None:
        """Go through the branch and remember how it ended."""
        try:
            with branch.entered(self.line):
                self.value = self.call()
        except BaseException as error:  # carried over to the line of the group
            self.error = error
        self.end(attempt)

    def end(self, attempt: Attempt) -> None:
        """Take note of the end."""
        swallowed = self.line.outcome is not None and not isinstance(self.error, Suspend)
        if swallowed and attempt.over is None and not self.line.lost:
            words = "A branch of a parallel group caught BaseException around a step"
            attempt.over = self.line.outcome = Failed(failures.simple("suspension_swallowed", words))
        self.ended = True
        self.begun.set()


class GroupSync:
    """Groups of steps that are under way at the same time."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    @overload
    def parallel(self, callables: tuple[Callable[[], A]], parallel_mode: Waits = ...) -> tuple[A]: ...
    @overload
    def parallel(
        self, callables: tuple[Callable[[], A], Callable[[], B]], parallel_mode: Waits = ...
    ) -> tuple[A, B]: ...
    @overload
    def parallel(
        self, callables: tuple[Callable[[], A], Callable[[], B], Callable[[], C]], parallel_mode: Waits = ...
    ) -> tuple[A, B, C]: ...
    @overload
    def parallel(
        self,
        callables: tuple[Callable[[], A], Callable[[], B], Callable[[], C], Callable[[], D]],
        parallel_mode: Waits = ...,
    ) -> tuple[A, B, C, D]: ...
    @overload
    def parallel(
        self,
        callables: tuple[Callable[[], A], Callable[[], B], Callable[[], C], Callable[[], D], Callable[[], E]],
        parallel_mode: Waits = ...,
    ) -> tuple[A, B, C, D, E]: ...
    @overload
    def parallel(self, callables: Sequence[Callable[[], T]], parallel_mode: Waits = ...) -> tuple[T, ...]: ...
    @overload
    def parallel(
        self, callables: tuple[Callable[[], A], Callable[[], B]], parallel_mode: Races
    ) -> tuple[A | None, B | None]: ...
    @overload
    def parallel(
        self, callables: tuple[Callable[[], A], Callable[[], B], Callable[[], C]], parallel_mode: Races
    ) -> tuple[A | None, B | None, C | None]: ...
    @overload
    def parallel(self, callables: Sequence[Callable[[], T]], parallel_mode: ParallelMode) -> tuple[T | None, ...]: ...

    def parallel(
        self, callables: Sequence[Callable[[], Any]], parallel_mode: ParallelMode = ParallelMode.WAIT
    ) -> tuple[Any, ...]:
        """Call all of these at the same time and return what they return, in their order.

        Each is a branch that may take several steps. A branch that sleeps, waits or is retried lets the others finish
        first; an error of one is raised once all others have ended or pause. With ParallelMode.RACE the first to end
        decides: it is alone in the returned tuple with a value, the others are None, and what they wait for is
        forgotten.
        """
        attempt = self._attempt
        group = Group(attempt, callables)
        if parallel_mode is ParallelMode.WAIT:
            return group.all_of(_threads(attempt, group.arms))
        if (winner := group.known_winner()) is not None:
            return group.alone(next(iter(_threads(attempt, [group.arms[winner]]))))
        return group.first_of(_threads(attempt, group.arms))


class Group:
    """The arms of one parallel call, and what follows from their ends."""

    def __init__(self, attempt: Attempt, calls: Sequence[Callable[[], Any]]) -> None:
        attempt.check_line("group.parallel")
        self.attempt = attempt
        self.outer = attempt.branch
        self.arms = [_arm(self.outer, index, call) for index, call in enumerate(calls)]
        self._race: Entry | None = None

    def all_of(self, ended: Any) -> tuple[Any, ...]:
        """Return every value, in order, or raise what the arms ended with."""
        for _ in ended:
            pass
        self._raise_for(self.arms)
        return tuple(arm.value for arm in self.arms)

    def known_winner(self) -> int | None:
        """Return which arm has won the race already, in an earlier pass."""
        key = self.outer.key("group.parallel")
        known = self.attempt.claimed.journal.get(key)
        self._race = Entry(key, "group.parallel", 0, Op.RACE, StepStatus.COMPLETED, clock.now())
        if known is None:
            return None
        decided = serialize.loads(known.output or "{}")
        winner = int(decided["winner"])
        if winner >= len(self.arms):
            return None  # the code has lost it
        # The others do not begin this time; steps that have their ids must be counted as if they had.
        for step_id, repeat in decided["met"].items():
            self.outer.repeats[step_id] = max(repeat, self.outer.repeats.get(step_id, -1))
        self.arms[winner].line.first = decided["first"] and tuple(decided["first"])
        return winner

    def first_of(self, ended: Any) -> tuple[Any, ...]:
        """Return the value of the first arm that ends, or raise its error; journaled, so that it stays the first."""
        for arm in ended:
            if not isinstance(arm.error, Suspend):
                self._journal_winner(arm)
                return self.alone(arm)
        self._raise_for(self.arms)
        return ()

    def alone(self, winner: Arm) -> tuple[Any, ...]:
        """Return the winner's value at its place among the others, or raise its error."""
        self._raise_for([winner])
        return tuple(winner.value if arm is winner else None for arm in self.arms)

    def _journal_winner(self, winner: Arm) -> None:
        assert self._race is not None  # noqa: S101
        losers = [arm.line for arm in self.arms if arm is not winner]
        for line in losers:
            line.lose()
        keys = [key for line in losers for key in line.keys]
        firsts = [arm.line.first[0] for arm in self.arms if arm.line.first is not None]
        met = {step_id: self.outer.repeats[step_id] for step_id in firsts}
        self._race.index, self._race.ended_at = self.attempt.met, clock.now()
        self._race.output = serialize.dumps({"winner": winner.index, "first": winner.line.first, "met": met})
        with branch.entered(self.outer):
            self.attempt.journal(self._race, forget=keys or None)
        self.attempt.claimed.drop(keys)

    def _raise_for(self, arms: Sequence[Arm]) -> None:
        """Raise an error of an arm, or leave the body if one is suspended."""
        if self.attempt.over is not None:
            raise Suspend(self.attempt.over)
        if self.outer.lost:
            raise Suspend(Lost())
        for arm in arms:
            if arm.error is not None and not isinstance(arm.error, Suspend):
                raise arm.error
        outcomes = tuple(arm.suspended for arm in arms if arm.suspended is not None)
        if outcomes:
            with branch.entered(self.outer):
                raise self.attempt.suspend(outcomes[0] if len(outcomes) == 1 else Several(outcomes))


def _arm(outer: Branch, index: int, call: Callable[[], Any]) -> Arm:
    if not callable(call):
        raise NonRetriableError(f"group.parallel takes callables, such as `lambda: ctx.step.run(...)`, not {call!r}")
    begun = threading.Event()
    return Arm(index, call, Branch(outer, begun=begun.set), begun)


def _threads(attempt: Attempt, arms: Sequence[Arm]) -> Any:
    """Yield arms as they end, each on a thread; the next begins when the one before has come to its first step."""
    if attempt.recorder.inline:
        for arm in arms:
            arm.work(attempt)
        yield from arms
        return
    ended: queue.SimpleQueue[Arm] = queue.SimpleQueue()

    def work(arm: Arm) -> None:
        try:
            arm.work(attempt)
        finally:
            attempt.recorder.release_connections()
            attempt.recorder.widen(-1)
            ended.put(arm)

    left = 0
    for arm in arms:
        if left >= AT_ONCE:
            yield ended.get()
            left -= 1
        attempt.recorder.widen(1)
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(work, arm), name="jobs-branch", daemon=True).start()
        left += 1
        arm.begun.wait()
    for _ in range(left):
        yield ended.get()
