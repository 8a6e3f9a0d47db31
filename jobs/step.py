"""What a function holds while it runs: its context, and the steps that are journaled one by one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, TypeVarTuple

from jobs import clock, conf, failures, serialize
from jobs.errors import NonRetriableError, StepError
from jobs.journal import Claimed, Entry, Failed, Line, Lost, Outcome, Released, Retry, Sleep, Suspend, key_of
from jobs.types import Duration, Event, Op, StepStatus, seconds

if TYPE_CHECKING:
    from jobs.registry import Function

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_ABSENT: Any = object()

_logger = logging.getLogger("jobs.run")


class Recorder(Protocol):
    """Where an attempt writes; each call returns once its write is committed, False if the lease was lost."""

    def record(self, claimed: Claimed, entry: Entry, lines: list[Line]) -> bool:
        """Journal one step together with the lines logged so far."""

    def record_with(
        self, claimed: Claimed, make: Callable[[], Entry], lines: Callable[[], list[Line]]
    ) -> tuple[Entry, bool]:
        """Run `make` and journal its entry in one database transaction, which a lost lease rolls back."""

    def release_connections(self) -> None:
        """Give back the database connections that product code left open in this thread."""

    def stopping(self) -> bool:
        """Whether the worker wants its runs back at the next step."""


class Attempt:
    """One pass through a function's body: what the journal knows already, and what happens now."""

    def __init__(self, claimed: Claimed, function: Function, recorder: Recorder) -> None:
        self.claimed = claimed
        self.function = function
        self.recorder = recorder
        self.outcome: Outcome | None = None
        self.lines: list[Line] = []
        self.progress: dict[str, Any] | None = None
        self.current_step = ""
        self.current_since: datetime | None = None
        self.finished = sum(entry.finished(claimed.now) for entry in claimed.journal.values())
        self.failures = claimed.attempt if claimed.steps == self.finished else 0
        self._met = 0
        self._last_finished = self._key_of_last_finished()
        self._state = sum(serialize.size(entry.output or "") for entry in claimed.journal.values())
        self._repeats: dict[str, int] = {}
        self._inside = threading.local()

    @property
    def replaying(self) -> bool:
        """Whether the body is still passing steps that had finished before this pass."""
        return self._last_finished is not None

    def _key_of_last_finished(self) -> str | None:
        finished = [entry for entry in self.claimed.journal.values() if entry.finished(self.claimed.now)]
        return max(finished, key=lambda entry: entry.index).key if finished else None

    @property
    def inside(self) -> str | None:
        """The id of the step whose handler this thread is in."""
        return getattr(self._inside, "step", None)

    def suspend(self, outcome: Outcome) -> Suspend:
        """Remember how this pass ends, so that a body that swallows the suspension is found out."""
        self.outcome = outcome
        return Suspend(outcome)

    def meet(self, step_id: str, op: Op) -> tuple[Entry, bool]:
        """Return the journal's entry for a step that the body has come to, and whether it had finished before."""
        if not isinstance(step_id, str):
            raise NonRetriableError(f"A step's id must be a string, not {type(step_id).__name__}")
        if self.inside is not None:
            raise self.fail("step_nested", "Nested steps are not supported.", step=step_id)
        if self.outcome is not None:
            raise Suspend(self.outcome)
        repeat = self._repeats[step_id] = self._repeats.get(step_id, -1) + 1
        key, index = key_of(step_id, repeat), self._met
        self._met += 1
        known = self.claimed.journal.get(key)
        if known is not None and known.finished(self.claimed.now):
            if key == self._last_finished:
                self._last_finished = None
            return known, True
        # A step that is new to the journal ends the replay, even where the code has lost some of the old ones.
        self._last_finished = None
        if self.recorder.stopping():
            raise self.suspend(Released())
        if index >= conf.settings().MAX_STEPS:
            raise self.fail("too_many_steps", f"A run may have {conf.settings().MAX_STEPS} steps.", step=step_id)
        entry = known or Entry(key, step_id[:255], index, op, StepStatus.RETRYING, clock.now())
        return entry, False

    def fail(self, code: str, message: str, *, step: str) -> Suspend:
        """End the run now, in a way product code cannot catch."""
        return self.suspend(Failed(failures.simple(code, message, step=step)))

    def take_lines(self) -> list[Line]:
        """Return the lines logged since the last write."""
        lines, self.lines = self.lines, []
        return lines

    def call(self, step_id: str, handler: Callable[[], Any]) -> str:
        """Run a step's handler and return its result as JSON text."""
        self.current_step, self.current_since = step_id, clock.now()
        self._inside.step = step_id
        try:
            value = handler()
        finally:
            self._inside.step = None
            self.current_since = None
        text = self.to_json(step_id, value)
        self._state += serialize.size(text)
        if self._state > serialize.MAX_STATE:
            limit = serialize.MAX_STATE // 2**20
            message = f"The results of this run's steps take more than {limit} MiB."
            raise self.fail("state_too_large", message, step=step_id)
        return text

    def to_json(self, step_id: str, value: Any) -> str:
        """Return a result as JSON text; what JSON cannot carry, or is too much, fails the run."""
        try:
            text = serialize.dumps(value)
        except (TypeError, ValueError, RecursionError):
            raise self.fail(
                "output_unserializable", f'"{step_id}" returned unserializable data', step=step_id
            ) from None
        if serialize.size(text) > serialize.MAX_OUTPUT:
            limit = serialize.MAX_OUTPUT // 2**20
            raise self.fail("output_too_large", f'"{step_id}" returned more than {limit} MiB', step=step_id)
        return text

    def journal(self, entry: Entry) -> None:
        """Write a finished step; a lost lease ends the pass."""
        self.committed(entry, self.recorder.record(self.claimed, entry, self.take_lines()))

    def committed(self, entry: Entry, owned: bool) -> None:
        """Take note of a write of a finished step."""
        if not owned:
            raise self.suspend(Lost())
        self.claimed.journal[entry.key] = entry
        self.finished += 1
        self.failures = 0

    def attempt_failed(self, entry: Entry, error: Exception) -> Suspend | StepError:
        """Return what a failed attempt of a step leads to: another attempt, the end of the run, or StepError."""
        described = failures.describe(error, step=entry.name)
        entry.attempts.append(
            {"n": len(entry.attempts), "started": entry.started_at, "ended": clock.now(), "error": described}
        )
        entry.tries += 1
        entry.output, entry.error = None, described
        if isinstance(error, NonRetriableError):
            entry.status, entry.ended_at = StepStatus.FAILED, clock.now()
            return self.suspend(Failed(described, entry))
        if entry.tries > self.function.retries:
            entry.status, entry.ended_at = StepStatus.FAILED, clock.now()
            self.journal(entry)
            return step_error(described)
        delay, at = failures.delay_before_next(error, entry.tries - 1, self.function.backoff)
        entry.status = StepStatus.RETRYING
        return self.suspend(Retry(described, delay, at, entry))


def step_error(described: Mapping[str, Any]) -> StepError:
    """Return the error a body meets at a step that is out of attempts."""
    return StepError(described["message"], described["name"], described["stack"], step=described.get("step"))


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


def _formatted(msg: object, args: tuple[object, ...]) -> str:
    """Return a line as logging would; arguments that do not fit it are put behind it, for no line may fail a run."""
    try:
        return logging.makeLogRecord({"msg": msg, "args": args[0] if _is_mapping(args) else args}).getMessage()
    except (TypeError, ValueError, LookupError):
        return f"{msg} {args}"


def _is_mapping(args: tuple[object, ...]) -> bool:
    return len(args) == 1 and isinstance(args[0], Mapping) and bool(args[0])


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """Writes to the run's own log and to Python's; silent while the body passes steps it had finished before."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(_logger, {"run": str(attempt.claimed.run_id), "function": attempt.claimed.function})
        self._attempt = attempt

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log one line."""
        if self._attempt.replaying:
            return
        line = Line(logging.getLevelName(level), _formatted(msg, args), self._attempt.inside or "", clock.now())
        self._attempt.lines.append(line)
        super().log(level, msg, *args, **kwargs)


class ContextSync:
    """What a function is called with.

    event, events: what started the run. attempt: 0-based number of the attempt under way.
    run_id: the run's id. step: its steps. logger: lines for the run's log.
    """

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self.run_id = str(attempt.claimed.run_id)
        self.events: list[Event] = attempt.claimed.events
        self.event: Event = self.events[0] if self.events else Event(name=attempt.claimed.trigger)
        self.step = StepSync(attempt)
        self.logger = RunLogger(attempt)

    @property
    def attempt(self) -> int:
        """How many attempts have failed since a step last finished."""
        retrying = [e.tries for e in self._attempt.claimed.journal.values() if e.status == StepStatus.RETRYING]
        return max([self._attempt.failures, *retrying])

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Tell how far the work is; shown on the run's page within a second or two, and like the log never twice."""
        if self._attempt.replaying:
            return
        # What JSON cannot carry is the caller's mistake, and told here.
        said = serialize.dumps({"done": done, "total": total, "message": message})
        self._attempt.progress = serialize.loads(said)
