"""Steps that a test answers itself: a handler is replaced, a wait or an invocation ends at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from jobs import clock, failures
from jobs.attempt import Attempt
from jobs.errors import StepError
from jobs.journal import Entry
from jobs.types import SIGNAL_SENT, Event, Op, StepStatus


class _Timeout:
    """What `steps` has for a wait, a signal or an invocation that shall not come in time."""

    def __repr__(self) -> str:
        return "testing.Timeout"


Timeout: Final = _Timeout()
"""Let a wait, a signal or an invocation run into its timeout."""

_ANSWERED = (Op.WAIT_FOR_EVENT, Op.WAIT_FOR_SIGNAL, Op.INVOKE)


class StubbedAttempt(Attempt):
    """An attempt whose steps are answered by a test where it says so.

    A stub is a value, an exception to raise, or a callable; in the place of a handler it gets that one's arguments.
    """

    def __init__(self, attempt: Attempt, stubs: Mapping[str, Any]) -> None:
        super().__init__(attempt.claimed, attempt.function, attempt.recorder)
        self._stubs = stubs

    def handler(self, step_id: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return the test's own handler for a step it has named."""
        if step_id not in self._stubs:
            return handler
        stub = self._stubs[step_id]
        if stub is Timeout:
            raise AssertionError(f'"{step_id}" waits for nothing, so it cannot run into testing.Timeout')
        return stub if callable(stub) and not _is_exception(stub) else lambda *_: _value(stub)

    def meet(self, step_id: str, op: Op) -> tuple[Entry, bool]:
        """Finish a wait or an invocation that the test has an answer for."""
        entry, finished = super().meet(step_id, op)
        if finished or op not in _ANSWERED or step_id not in self._stubs:
            return entry, finished
        stub = self._stubs[step_id]
        if op is Op.INVOKE:
            self._answer_invocation(entry, stub)
        else:
            self.complete(entry, self.output(step_id, _awaited(entry, None if stub is Timeout else _value(stub), op)))
        return entry, True

    def _answer_invocation(self, entry: Entry, stub: Any) -> None:
        try:
            if stub is Timeout:
                raise StepError("The invoked function did not end in time.", "InvokeTimeoutError")
            self.complete(entry, self.output(entry.name, _value(stub)))
        except Exception as error:
            entry.error = failures.describe(error, step=entry.name)
            entry.status, entry.ended_at = StepStatus.FAILED, clock.now()
            self.journal(entry)


def _is_exception(stub: Any) -> bool:
    return isinstance(stub, BaseException) or (isinstance(stub, type) and issubclass(stub, BaseException))


def _value(stub: Any) -> Any:
    if _is_exception(stub):
        raise stub
    return stub() if callable(stub) else stub


def _awaited(entry: Entry, answer: Any, op: Op) -> dict[str, Any] | None:
    """Return what the journal holds of an event or a signal that came."""
    if answer is None:
        return None
    if op is Op.WAIT_FOR_SIGNAL:
        answer = Event(name=SIGNAL_SENT, data={"signal": entry.name, "data": answer})
    if not isinstance(answer, Event):
        raise AssertionError(f'"{entry.name}" waits for an event: answer it with a jobs.Event or testing.Timeout')
    return answer.model_dump()
