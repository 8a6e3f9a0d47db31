"""What a function is called with: the event, its steps, a log of its own and a way to tell how far it is."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from typing import Any

from jobs import branch, clock, serialize
from jobs.aio import Step
from jobs.aiogroup import GroupAsync
from jobs.attempt import Attempt
from jobs.group import GroupSync
from jobs.journal import Line
from jobs.step import StepSync
from jobs.types import Event, StepStatus

_logger = logging.getLogger("jobs.run")


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
        super().__init__(
            attempt.function.client.logger or _logger,
            {"run": str(attempt.claimed.run_id), "function": attempt.claimed.function},
        )
        self._attempt = attempt

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log one line."""
        if self._attempt.replaying:
            return
        line = Line(logging.getLevelName(level), _formatted(msg, args), branch.step_under_way() or "", clock.now())
        self._attempt.lines.append(line)
        super().log(level, msg, *args, **kwargs)

    fatal = logging.LoggerAdapter.critical


class _Context:
    """What both kinds of function are called with.

    event, events: what started the run. attempt: 0-based number of the attempt under way.
    run_id: the run's id. logger: lines for the run's log.
    """

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self.run_id = str(attempt.claimed.run_id)
        self.events: list[Event] = attempt.claimed.events
        if attempt.hooks is not None:  # which may change them, but not for those who hear of the run's end
            self.events = [event.model_copy(deep=True) for event in self.events]
        self.event: Event = self._first() if self.events else Event(name=attempt.claimed.trigger)
        # Known to functions written elsewhere; here a run has neither.
        self.job_id: str | None = None
        self.request_id: str | None = None

    def _first(self) -> Event:
        """Return the event the run is about: the newest of a debounce, else the one that opened it."""
        if self._attempt.function.debounce is not None:
            # Of those in the same millisecond, the one that came last.
            return max(reversed(self.events), key=lambda event: event.ts)
        return self.events[0]

    @functools.cached_property
    def logger(self) -> RunLogger:
        """The run's log; its lines are stored with the next write, and go to Python's logging as well."""
        return RunLogger(self._attempt)

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


class ContextSync(_Context):
    """What a plain function is called with: besides `_Context`, `step` and `group`."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt)
        self.step = StepSync(attempt)
        self.group = GroupSync(attempt)


class Context(_Context):
    """What an async function is called with: `step` and `group` are awaited."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt)
        self.step = Step(attempt)
        self.group = GroupAsync(attempt)
