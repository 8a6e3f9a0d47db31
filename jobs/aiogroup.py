"""Steps at the same time in an async function: each branch of a parallel group is a task of its event loop."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar, overload

from jobs import branch
from jobs.attempt import Attempt
from jobs.group import Arm, Group, Races, Waits
from jobs.journal import Suspend
from jobs.types import ParallelMode

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class GroupAsync:
    """Groups of steps of an async function that are under way at the same time."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    @overload
    async def parallel(self, callables: tuple[Callable[[], Awaitable[A]]], parallel_mode: Waits = ...) -> tuple[A]: ...
    @overload
    async def parallel(
        self, callables: tuple[Callable[[], Awaitable[A]], Callable[[], Awaitable[B]]], parallel_mode: Waits = ...
    ) -> tuple[A, B]: ...
    @overload
    async def parallel(
        self,
        callables: tuple[Callable[[], Awaitable[A]], Callable[[], Awaitable[B]], Callable[[], Awaitable[C]]],
        parallel_mode: Waits = ...,
    ) -> tuple[A, B, C]: ...
    @overload
    async def parallel(
        self,
        callables: tuple[
            Callable[[], Awaitable[A]],
            Callable[[], Awaitable[B]],
            Callable[[], Awaitable[C]],
            Callable[[], Awaitable[D]],
        ],
        parallel_mode: Waits = ...,
    ) -> tuple[A, B, C, D]: ...
    @overload
    async def parallel(
        self,
        callables: tuple[
            Callable[[], Awaitable[A]],
            Callable[[], Awaitable[B]],
            Callable[[], Awaitable[C]],
            Callable[[], Awaitable[D]],
            Callable[[], Awaitable[E]],
        ],
        parallel_mode: Waits = ...,
    ) -> tuple[A, B, C, D, E]: ...
    @overload
    async def parallel(
        self, callables: Sequence[Callable[[], Awaitable[T]]], parallel_mode: Waits = ...
    ) -> tuple[T, ...]: ...
    @overload
    async def parallel(
        self, callables: tuple[Callable[[], Awaitable[A]], Callable[[], Awaitable[B]]], parallel_mode: Races
    ) -> tuple[A | None, B | None]: ...
    @overload
    async def parallel(
        self,
        callables: tuple[Callable[[], Awaitable[A]], Callable[[], Awaitable[B]], Callable[[], Awaitable[C]]],
        parallel_mode: Races,
    ) -> tuple[A | None, B | None, C | None]: ...
    @overload
    async def parallel(
        self, callables: Sequence[Callable[[], Awaitable[T]]], parallel_mode: ParallelMode
    ) -> tuple[T | None, ...]: ...

    async def parallel(
        self,
        callables: Sequence[Callable[[], Awaitable[Any]]],
        parallel_mode: ParallelMode = ParallelMode.WAIT,
    ) -> tuple[Any, ...]:
        """Await all of these at the same time, each as a task; see `GroupSync.parallel`."""
        attempt = self._attempt
        group = Group(attempt, callables)
        if parallel_mode is ParallelMode.WAIT:
            return group.all_of([arm async for arm in _tasks(attempt, group.arms)])
        if (winner := group.known_winner()) is not None:
            [arm] = [arm async for arm in _tasks(attempt, [group.arms[winner]])]
            return group.alone(arm)
        ended = []
        async for arm in _tasks(attempt, group.arms):
            ended.append(arm)
            if not isinstance(arm.error, Suspend):
                break
        return await attempt.recorder.offload(lambda: group.first_of(ended))


async def _tasks(attempt: Attempt, arms: Sequence[Arm]) -> AsyncIterator[Arm]:
    """Yield arms as they end, each a task; the next begins when the one before has come to its first step."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Queue[Arm] = asyncio.Queue()

    async def work(arm: Arm, begun: asyncio.Event) -> None:
        try:
            with branch.entered(arm.line):
                arm.value = await arm.call()
        except BaseException as error:  # carried over to the line of the group
            arm.error = error
        attempt.recorder.widen(-1)
        arm.end(attempt)
        begun.set()
        ended.put_nowait(arm)

    tasks = []
    for arm in arms:
        begun = asyncio.Event()
        arm.line.begun = _signal(loop, begun)
        attempt.recorder.widen(1)
        tasks.append(loop.create_task(work(arm, begun), context=contextvars.copy_context()))
        await begun.wait()
    for _ in arms:
        yield await ended.get()


def _signal(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> Callable[[], None]:
    """Return what sets an event of this loop from whatever thread."""

    def signal() -> None:
        loop.call_soon_threadsafe(event.set)

    return signal
