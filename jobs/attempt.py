"""One pass through a function's body: which steps had finished before, and how this pass ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from jobs import clock, conf, failures, serialize
from jobs.errors import NonRetriableError, StepError
from jobs.journal import Claimed, Entry, Failed, Line, Lost, Outcome, Released, Retry, Suspend, key_of
from jobs.types import Op, StepStatus

if TYPE_CHECKING:
    from jobs.registry import Function


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
