"""The same steps for functions that are `async def`: whatever may block happens beside the event loop."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, TypeVarTuple, overload

from jobs import branch, clock
from jobs.attempt import Attempt
from jobs.deadlines import in_time
from jobs.function import Function
from jobs.step import ABSENT, StepSync, accepted, result
from jobs.types import Duration, Event, Op, TriggerEvent, seconds

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Step:
    """The steps of an async function; each method means what it means in `StepSync`."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._sync = StepSync(attempt)

    @overload
    async def run(
        self,
        step_id: str,
        handler: Callable[[*Ts], Awaitable[T]],
        *args: *Ts,
        output_type: Any = ...,
        retries: int | None = ...,
        timeout: Duration | None = ...,
    ) -> T: ...

    @overload
    async def run(
        self,
        step_id: str,
        handler: Callable[[*Ts], T],
        *args: *Ts,
        output_type: Any = ...,
        retries: int | None = ...,
        timeout: Duration | None = ...,
    ) -> T: ...

    async def run(  # type: ignore[misc]  # the checker cannot match *args: *Ts with *args: Any
        self,
        step_id: str,
        handler: Any,
        *args: Any,
        output_type: Any = ABSENT,
        retries: int | None = None,
        timeout: Duration | None = None,
    ) -> Any:
        """Await the handler once per run, or call it beside the event loop if it is a plain function."""
        attempt = self._attempt
        offload = attempt.recorder.offload
        entry, finished = attempt.meet(step_id, Op.RUN)
        if not finished:
            entry.started_at = clock.now()
            attempt.begin(entry.name)
            try:
                with branch.handling(entry.name):
                    value = await in_time(
                        self._called(attempt.handler(step_id, handler), args),
                        None if timeout is None else seconds(timeout),
                    )
                output = accepted(attempt, entry, value, output_type)
            except Exception as error:
                raise await offload(functools.partial(attempt.attempt_failed, entry, error, retries)) from error
            finally:
                attempt.current_since = None
            await offload(functools.partial(attempt.complete, entry, output))
        return result(attempt, entry, output_type)

    async def _called(self, handler: Callable[..., Any], args: Sequence[Any]) -> Any:
        if inspect.iscoroutinefunction(handler):
            return await handler(*args)
        value = await self._attempt.recorder.offload(functools.partial(handler, *args))
        return await value if inspect.isawaitable(value) else value

    async def transaction(self, step_id: str, handler: Callable[[*Ts], T], *args: *Ts, output_type: Any = ABSENT) -> T:
        """Call the plain handler and journal its result in one database transaction."""
        call = functools.partial(self._sync.transaction, step_id, handler, *args, output_type=output_type)
        return await self._attempt.recorder.offload(call)

    async def send_event(self, step_id: str, events: Event | list[Event]) -> list[str]:
        """Send events once per run; returns their ids in order."""
        return await self._attempt.recorder.offload(lambda: self._sync.send_event(step_id, events))

    async def sleep(self, step_id: str, duration: Duration) -> None:
        """Sleep that long without holding a worker: a timedelta, or whole milliseconds; a second is 1000."""
        self._sync.sleep(step_id, duration)

    async def sleep_until(self, step_id: str, until: datetime) -> None:
        """Sleep until a point in time; without a time zone it is in the site's, `TIME_ZONE`."""
        self._sync.sleep_until(step_id, until)

    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: str,
        if_exp: str | None = None,
        timeout: Duration,
        lookback: Duration = 0,
    ) -> Event | None:
        """Wait for an event that is received from now on, and return it; None if none came in time."""
        wait = functools.partial(self._sync.wait_for_event, step_id, event=event, if_exp=if_exp)
        return await self._attempt.recorder.offload(lambda: wait(timeout=timeout, lookback=lookback))

    async def wait_for_any(
        self, step_id: str, events: Sequence[str | TriggerEvent], timeout: Duration, *, lookback: Duration = 0
    ) -> Event | None:
        """Wait for the first of several events, given by name or with an expression."""
        wait = functools.partial(self._sync.wait_for_any, step_id, events, timeout, lookback=lookback)
        return await self._attempt.recorder.offload(wait)

    async def wait_for_signal(self, step_id: str, signal: str, *, timeout: Duration) -> Any:
        """Wait for a signal and return its data; None if it did not come in time."""
        wait = functools.partial(self._sync.wait_for_signal, step_id, signal, timeout=timeout)
        return await self._attempt.recorder.offload(wait)

    async def invoke(
        self,
        step_id: str,
        *,
        function: Function[T],
        data: Mapping[str, Any] | None = None,
        timeout: Duration | None = None,
        v: str | None = None,
    ) -> T:
        """Run another function with this data as its event's and return its result."""
        invoke = functools.partial(self._sync.invoke, step_id, function=function, data=data, timeout=timeout)
        return await self._attempt.recorder.offload(invoke)

    async def invoke_by_id(
        self,
        step_id: str,
        *,
        app_id: str | None = None,
        function_id: str,
        data: Mapping[str, Any] | None = None,
        timeout: Duration | None = None,
        v: str | None = None,
    ) -> Any:
        """The same for a function that is named."""
        named = functools.partial(self._sync.invoke_by_id, step_id, app_id=app_id, function_id=function_id)
        return await self._attempt.recorder.offload(lambda: named(data=data, timeout=timeout))
