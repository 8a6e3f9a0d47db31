"""The steps a function calls: each handler runs once per run, and its result is in the journal before it returns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple

from jobs import clock, failures, serialize
from jobs.attempt import Attempt, step_error
from jobs.errors import NonRetriableError
from jobs.journal import Entry, Sleep
from jobs.types import Duration, Event, Op, StepStatus, seconds

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_ABSENT: Any = object()


class StepSync:
    """The steps of a function; every id is journaled once per run."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def run(self, step_id: str, handler: Callable[[*Ts], T], *args: *Ts, output_type: Any = _ABSENT) -> T:
        """Call the handler once per run and return its result, journaled before this returns.

        The result is what JSON makes of it: tuples come back as lists unless `output_type` names the type.
        Raises StepError once the attempts are spent. Steps are at least once: a worker that dies between the
        handler's end and the commit makes the next one call it again; see `transaction` for exactly once.
        """
        result: T = self._step(step_id, lambda: handler(*args), output_type)
        return result

    def transaction(self, step_id: str, handler: Callable[[*Ts], T], *args: *Ts, output_type: Any = _ABSENT) -> T:
        """Call the handler and journal its result in one database transaction: both happen, once, or neither."""
        result: T = self._transaction(step_id, Op.RUN, lambda: handler(*args), output_type)
        return result

    def _transaction(self, step_id: str, op: Op, handler: Callable[[], Any], output_type: Any = _ABSENT) -> Any:
        attempt = self._attempt
        entry, finished = attempt.meet(step_id, op)
        if not finished:
            entry.started_at = clock.now()

            def make() -> Entry:
                entry.output, entry.error = attempt.call(step_id, handler), None
                entry.status, entry.ended_at = StepStatus.COMPLETED, clock.now()
                return entry

            try:
                attempt.committed(*attempt.recorder.record_with(attempt.claimed, make, attempt.take_lines))
            except Exception as error:
                raise attempt.attempt_failed(entry, error) from error
            finally:
                attempt.recorder.release_connections()
        return self._result(entry, output_type)

    def send_event(self, step_id: str, events: Event | list[Event]) -> list[str]:
        """Send events once per run; returns their ids in order."""
        from jobs.events import send  # the models behind it load only after Django's apps

        several = events if isinstance(events, list) else [events]

        def deliver() -> list[str]:
            return [str(sent.event_id) for sent in send(several)]

        # Sending is database work, so it shares the journal's transaction: exactly once.
        ids: list[str] = self._transaction(step_id, Op.SEND_EVENT, deliver)
        return ids

    def sleep(self, step_id: str, duration: Duration) -> None:
        """Sleep that long (a timedelta, or milliseconds) without holding a worker."""
        self._sleep(step_id, clock.now() + timedelta(seconds=seconds(duration)))

    def sleep_until(self, step_id: str, until: datetime) -> None:
        """Sleep until a point in time, which must have a time zone."""
        if until.tzinfo is None:
            raise NonRetriableError(f"sleep_until({step_id!r}) needs a time with a time zone, not {until.isoformat()}")
        self._sleep(step_id, until)

    def _sleep(self, step_id: str, until: datetime) -> None:
        entry, finished = self._attempt.meet(step_id, Op.SLEEP)
        if finished:
            return
        if entry.wake_at is None:
            entry.wake_at = until
            entry.started_at = clock.now()
        entry.status = StepStatus.SLEEPING
        raise self._attempt.suspend(Sleep(entry))

    def _step(self, step_id: str, handler: Callable[[], Any], output_type: Any) -> Any:
        attempt = self._attempt
        entry, finished = attempt.meet(step_id, Op.RUN)
        if not finished:
            entry.started_at = clock.now()
            try:
                output = attempt.call(step_id, handler)
            except Exception as error:
                raise attempt.attempt_failed(entry, error) from error
            finally:
                attempt.recorder.release_connections()
            entry.output, entry.error = output, None
            entry.status, entry.ended_at = StepStatus.COMPLETED, clock.now()
            attempt.journal(entry)
        return self._result(entry, output_type)

    def _result(self, entry: Entry, output_type: Any) -> Any:
        if entry.status == StepStatus.FAILED:
            raise step_error(entry.error or failures.simple("error", "failed", step=entry.name))
        value = None if entry.output is None else serialize.loads(entry.output)
        return value if output_type is _ABSENT else serialize.restore(value, output_type)
