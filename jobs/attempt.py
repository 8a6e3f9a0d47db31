"""One pass through a function's body: which steps had finished before, and how this pass ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jobs import branch, clock, conf, failures, serialize
from jobs.branch import Branch
from jobs.errors import NonRetriableError, StepError
from jobs.journal import (
    Awaited,
    Claimed,
    Completed,
    Entry,
    Failed,
    Line,
    Lost,
    Outcome,
    Released,
    Retry,
    Suspend,
    Write,
)
from jobs.recording import PassHooks, Recorder
from jobs.types import Op, StepStatus

if TYPE_CHECKING:
    from jobs.function import Function


class Attempt:
    """One pass through a function's body: what the journal knows already, and what happens now."""

    def __init__(self, claimed: Claimed, function: Function[Any], recorder: Recorder) -> None:
        self.claimed = claimed
        self.function = function
        self.recorder = recorder
        self.hooks: PassHooks | None = None
        self.over: Outcome | None = None
        self.root = Branch()
        self.lines: list[Line] = []
        self.progress: dict[str, Any] | None = None
        self.current_step = ""
        self.current_since: datetime | None = None
        self.finished = sum(entry.finished(claimed.now) for entry in claimed.journal.values())
        self.failures = claimed.attempt if claimed.steps == self.finished else 0
        self.groups = 0
        self._met = 0
        self._is_lost = False
        self.reached: dict[str, Branch] = {}
        self._last_finished = self._key_of_last_finished()
        self._state = sum(serialize.size(entry.output or "") for entry in claimed.journal.values())
        self._lock = threading.Lock()

    @property
    def replaying(self) -> bool:
        """Whether the body is still passing steps that had finished before this pass."""
        return self._last_finished is not None

    def _key_of_last_finished(self) -> str | None:
        journal = self.claimed.journal.values()
        finished = [entry for entry in journal if entry.finished(self.claimed.now) and entry.op != Op.RACE]
        return max(finished, key=lambda entry: entry.index).key if finished else None

    @property
    def branch(self) -> Branch:
        """The line of steps that the calling code is in."""
        return branch.current() or self.root

    @property
    def outcome(self) -> Outcome | None:
        """How this pass ends, as soon as that is decided."""
        return self.over or self.root.outcome

    def suspend(self, outcome: Outcome) -> Suspend:
        """Remember how this line of steps ends, so that a body that swallows the suspension is found out."""
        if self.branch.lost and isinstance(outcome, Failed):
            return Suspend(Lost())  # the race is decided: how its losers end is nobody's concern
        self.branch.outcome = outcome
        if isinstance(outcome, Completed | Failed | Lost | Released):
            self.over = outcome  # for every line
        return Suspend(outcome)

    def lose(self) -> None:
        """Take note that another worker has this run: no further step begins here."""
        self._is_lost = True

    @property
    def met(self) -> int:
        """How many steps the body has come to in this pass."""
        return self._met

    def check_line(self, step_id: str) -> None:
        """Raise if no step may begin here: inside another one, or once it is decided how the pass ends."""
        if branch.step_under_way() is not None:
            raise self.fail("step_nested", "Nested steps are not supported.", step=step_id)
        if self.branch.lost:
            raise Suspend(Lost())
        if self._is_lost:
            raise self.suspend(Lost())
        decided = self.over or self.branch.outcome
        if decided is not None:
            raise Suspend(decided)

    def meet(self, step_id: str, op: Op) -> tuple[Entry, bool]:
        """Return the journal's entry for a step that the body has come to, and whether it had finished before."""
        if not isinstance(step_id, str):
            raise NonRetriableError(f"A step's id must be a string, not {type(step_id).__name__}")
        self.check_line(step_id)
        key = self.branch.key(step_id)
        with self._lock:
            index = self._met
            self._met += 1
            self.reached[key] = self.branch
        known = self.claimed.journal.get(key)
        if known is not None and known.finished(self.claimed.now):
            if key == self._last_finished:
                self._begin_new_code()
            return known, True
        # A step that is new to the journal ends the replay, even where the code has lost some of the old ones.
        self._begin_new_code()
        if self.recorder.stopping(self.function.id):
            raise self.suspend(Released())
        if index >= conf.settings().MAX_STEPS:
            raise self.fail("too_many_steps", f"A run may have {conf.settings().MAX_STEPS} steps.", step=step_id)
        if known is None:
            return Entry(key, step_id[:255], index, op, StepStatus.RETRYING, clock.now()), False
        again = known.pauses_until(self.claimed.now)
        if again is not None:
            # Another branch has woken the run; this step's pause goes on.
            raise self.suspend(Retry(known.error or {}, 0.0, again, known))
        return known, False

    def handler(self, step_id: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return what to call for a step: its handler, but for tests that put another in its place."""
        return handler

    def _begin_new_code(self) -> None:
        if self._last_finished is not None:
            self._last_finished = None
            if self.hooks is not None:
                self.hooks.before_execution()

    def fail(self, code: str, message: str, *, step: str) -> Suspend:
        """End the run now, in a way product code cannot catch."""
        return self.suspend(Failed(failures.simple(code, message, step=step)))

    def take_lines(self) -> list[Line]:
        """Return the lines logged since the last write."""
        with self._lock:
            lines, self.lines = self.lines, []
        return lines

    def stored(self, entry: Entry) -> Any:
        """Return what a finished step returned, as middleware lets the body see it."""
        value = serialize.loads(entry.output or "null")
        return value if self.hooks is None else self.hooks.memo(entry, value)

    def begin(self, step_id: str) -> None:
        """Show which step is under way."""
        self.current_step, self.current_since = step_id, clock.now()

    def output(self, step_id: str, value: Any) -> str:
        """Return a step's result as JSON text, counted against what a run may hold."""
        text = self.to_json(step_id, value)
        with self._lock:
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
            message = f'"{step_id}" returned unserializable data: {serialize.trouble(value) or type(value).__name__}'
            raise self.fail("output_unserializable", message, step=step_id) from None
        if serialize.size(text) > serialize.MAX_OUTPUT:
            limit = serialize.MAX_OUTPUT // 2**20
            raise self.fail("output_too_large", f'"{step_id}" returned more than {limit} MiB', step=step_id)
        return text

    def complete(self, entry: Entry, output: str) -> None:
        """Journal that a step has finished; a lost lease ends the pass."""
        entry.output, entry.error, entry.wake_at, entry.delay = output, None, None, None
        entry.status, entry.ended_at = StepStatus.COMPLETED, clock.now()
        self.journal(entry)

    def journal(self, entry: Entry, *, awaited: Sequence[Awaited] = (), forget: list[str] | None = None) -> None:
        """Write a step; a lost lease ends the pass."""
        write = Write(self.claimed.run_id, self.claimed.lease, [entry], lines=self.take_lines())
        write.awaited, write.forget = list(awaited), forget
        try:
            owned = self.recorder.write(write)
        except Exception as error:
            # The handler has run: trying again would only run it again.
            raise NonRetriableError(f'The result of "{entry.name}" cannot be stored: {error}') from error
        self.committed(entry, owned)

    def committed(self, entry: Entry, owned: bool) -> None:
        """Take note of a written step."""
        if not owned:
            raise self.suspend(Lost())
        with self._lock:
            self.claimed.journal[entry.key] = entry
            if entry.status in (StepStatus.COMPLETED, StepStatus.FAILED):
                self.finished += 1
                self.failures = 0
        if entry.pending and self.branch.lost:
            self._let_go(entry)

    def _let_go(self, entry: Entry) -> None:
        """Forget what a loser waits for that was on its way to the journal when the race was decided."""
        self.recorder.write(Write(self.claimed.run_id, self.claimed.lease, forget=[entry.key]))
        self.claimed.drop([entry.key])
        raise Suspend(Lost())

    def attempt_failed(self, entry: Entry, error: Exception, retries: int | None = None) -> Suspend | StepError:
        """Return what a failed attempt of a step leads to: another attempt, the end of the run, or StepError."""
        if self.hooks is not None:
            error = self.hooks.transform_error(error, step=entry)
        described = failures.describe(error, step=entry.name)
        entry.attempts.append(
            {"n": len(entry.attempts), "started": entry.started_at, "ended": clock.now(), "error": described}
        )
        entry.tries += 1
        entry.output, entry.error, entry.wake_at, entry.delay = None, described, None, None
        if isinstance(error, NonRetriableError):
            entry.status, entry.ended_at = StepStatus.FAILED, clock.now()
            return self.suspend(Failed(described, entry))
        if entry.tries > (self.function.retries if retries is None else retries):
            entry.status, entry.ended_at = StepStatus.FAILED, clock.now()
            self.journal(entry)
            return step_error(described)
        delay, at = failures.delay_before_next(error, entry.tries - 1, self.function.backoff)
        entry.status, entry.wake_at, entry.delay = StepStatus.RETRYING, at, None if at else delay
        return self.suspend(Retry(described, delay, at, entry))


def step_error(described: Mapping[str, Any]) -> StepError:
    """Return the error a body meets at a step that is out of attempts."""
    return StepError(described["message"], described["name"], described["stack"], step=described.get("step"))
