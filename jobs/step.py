"""The steps a function calls: each handler runs once per run, and its result is in the journal before it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, TypeVarTuple

from jobs import branch, clock, deadlines, failures, hooks, invoking, serialize, waiting
from jobs.attempt import Attempt, step_error
from jobs.function import Function
from jobs.journal import Entry, Sleep
from jobs.types import Duration, Event, Op, StepStatus, TriggerEvent, is_suspiciously_short, pause, seconds

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
ABSENT: Any = object()


class StepSync:
    """The steps of a function; every id is journaled once per run."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def run(
        self,
        step_id: str,
        handler: Callable[[*Ts], T],
        *args: *Ts,
        output_type: Any = ABSENT,
        retries: int | None = None,
        timeout: Duration | None = None,
    ) -> T:
        """Call the handler once per run and return its result, journaled before this returns.

        The result is what JSON makes of it: tuples come back as lists unless `output_type` names the type.
        `retries` replaces the function's, and an attempt that takes longer than `timeout` fails as StepTimeout.
        Raises StepError once the attempts are spent. Steps are at least once: a worker that dies between the
        handler's end and the commit makes the next one call it again; see `transaction` for exactly once.
        """
        attempt = self._attempt
        entry, finished = attempt.meet(step_id, Op.RUN)
        if not finished:
            entry.started_at = clock.now()
            try:
                called = attempt.handler(step_id, handler)
                output = handled(attempt, entry, lambda: called(*args), output_type, timeout)
            except Exception as error:
                raise attempt.attempt_failed(entry, error, retries) from error
            finally:
                attempt.recorder.release_connections()
            attempt.complete(entry, output)
        value: T = result(attempt, entry, output_type)
        return value

    def transaction(self, step_id: str, handler: Callable[[*Ts], T], *args: *Ts, output_type: Any = ABSENT) -> T:
        """Call the handler and journal its result in one database transaction: both happen, once, or neither."""
        called = self._attempt.handler(step_id, handler)
        value: T = in_transaction(self._attempt, step_id, Op.RUN, lambda: called(*args), output_type)
        return value

    def send_event(self, step_id: str, events: Event | list[Event]) -> list[str]:
        """Send events once per run; returns their ids in order."""
        function = self._attempt.function
        kinds = [*function.client.middleware, *function.middleware]

        def send() -> list[str]:
            several = list(events) if isinstance(events, list) else [events]
            if not kinds:
                return _stored(several)
            return hooks.sending(function.client, kinds, several, lambda: _stored(several))

        # Sending is database work, so it shares the journal's transaction: exactly once.
        called = self._attempt.handler(step_id, send)
        ids: list[str] = in_transaction(self._attempt, step_id, Op.SEND_EVENT, called, ABSENT)
        return ids

    def sleep(self, step_id: str, duration: Duration) -> None:
        """Sleep that long without holding a worker: a timedelta, or whole milliseconds; a second is 1000."""
        if is_suspiciously_short(duration):
            waiting.warn_of_milliseconds(self._attempt, step_id, "sleeps", duration)
        self._sleep(step_id, delay=pause(duration))

    def sleep_until(self, step_id: str, until: datetime) -> None:
        """Sleep until a point in time; without a time zone it is in the site's, `TIME_ZONE`."""
        self._sleep(step_id, until=clock.absolute(until))

    def _sleep(self, step_id: str, *, until: datetime | None = None, delay: float | None = None) -> None:
        entry, finished = self._attempt.meet(step_id, Op.SLEEP)
        if finished:
            return
        if entry.wake_at is None:
            entry.wake_at, entry.delay = until, delay
            entry.started_at = clock.now()
        entry.status = StepStatus.SLEEPING
        raise self._attempt.suspend(Sleep(entry))

    def wait_for_event(
        self,
        step_id: str,
        *,
        event: str,
        if_exp: str | None = None,
        timeout: Duration,
        lookback: Duration = 0,
    ) -> Event | None:
        """Wait for an event that is received from now on, and return it; None if none came in time.

        if_exp: CEL over `event`, which started the run, and `async`, the event that came.
        lookback: also take an event that was received up to that long before.
        """
        awaited = [TriggerEvent(event=event, expression=if_exp)]
        return waiting.for_events(self._attempt, step_id, awaited, timeout, lookback)

    def wait_for_any(
        self, step_id: str, events: Sequence[str | TriggerEvent], timeout: Duration, *, lookback: Duration = 0
    ) -> Event | None:
        """Wait for the first of several events, given by name or with an expression as in `wait_for_event`."""
        awaited = [TriggerEvent(event=one) if isinstance(one, str) else one for one in events]
        return waiting.for_events(self._attempt, step_id, awaited, timeout, lookback)

    def wait_for_signal(self, step_id: str, signal: str, *, timeout: Duration) -> Any:
        """Wait for `jobs.send_signal(signal, data)` and return its data; None if it did not come in time."""
        return waiting.for_signal(self._attempt, step_id, signal, timeout)

    def invoke(
        self,
        step_id: str,
        *,
        function: Function[T],
        data: Mapping[str, Any] | None = None,
        timeout: Duration | None = None,
        v: str | None = None,
    ) -> T:
        """Run another function with this data as its event's and return its result.

        Raises StepError if that run fails or is cancelled, with the name InvokeTimeoutError if it takes longer than
        `timeout`. `v` is accepted for functions written elsewhere.
        """
        value: T = invoking.invoke(self._attempt, step_id, function, data, timeout)
        return value

    def invoke_by_id(
        self,
        step_id: str,
        *,
        app_id: str | None = None,
        function_id: str,
        data: Mapping[str, Any] | None = None,
        timeout: Duration | None = None,
        v: str | None = None,
    ) -> Any:
        """The same for a function that is named: `function_id` in the app `app_id`, by default in this one."""
        full_id = f"{app_id or self._attempt.function.app_id}-{function_id}"
        return invoking.invoke(self._attempt, step_id, full_id, data, timeout)


def _stored(events: list[Event]) -> list[str]:
    from jobs.events import send  # the models behind it load only after Django's apps

    return [str(sent.event_id) for sent in send(events)]


def handled(attempt: Attempt, entry: Entry, call: Callable[[], Any], output_type: Any, timeout: Duration | None) -> str:
    """Run a step's handler and return its result as JSON text."""
    attempt.begin(entry.name)
    try:
        with branch.handling(entry.name):
            value = call() if timeout is None else deadlines.within(call, seconds(timeout), attempt.recorder)
    finally:
        attempt.current_since = None
    return accepted(attempt, entry, value, output_type)


def accepted(attempt: Attempt, entry: Entry, value: Any, output_type: Any) -> str:
    """Return what a handler returned as JSON text, as middleware and serializer leave it."""
    if attempt.hooks is not None:
        value = attempt.hooks.transform_output(value, step=entry)
    serializer = attempt.function.client.serializer
    if serializer is not None and output_type is not ABSENT:
        value = serializer.serialize(value, output_type)
    return attempt.output(entry.name, value)


def in_transaction(attempt: Attempt, step_id: str, op: Op, call: Callable[[], Any], output_type: Any) -> Any:
    """Call, and journal the result in the same database transaction."""
    entry, finished = attempt.meet(step_id, op)
    if not finished:
        entry.started_at = clock.now()

        def make() -> Entry:
            entry.output, entry.error = handled(attempt, entry, call, output_type, None), None
            entry.status, entry.ended_at, entry.wake_at = StepStatus.COMPLETED, clock.now(), None
            return entry

        try:
            attempt.committed(*attempt.recorder.record_with(attempt.claimed, make, attempt.take_lines))
        except Exception as error:
            raise attempt.attempt_failed(entry, error) from error
        finally:
            attempt.recorder.release_connections()
    return result(attempt, entry, output_type)


def result(attempt: Attempt, entry: Entry, output_type: Any) -> Any:
    """Return what a finished step returned, or raise the StepError it ended with."""
    if entry.status == StepStatus.FAILED:
        raise step_error(entry.error or failures.simple("error", "failed", step=entry.name))
    value = attempt.stored(entry)
    if output_type is ABSENT:
        return value
    serializer = attempt.function.client.serializer
    return serialize.restore(value, output_type) if serializer is None else serializer.deserialize(value, output_type)
