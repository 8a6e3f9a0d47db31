"""One claimed run, from its attempt to how its row is left: claim → attempt → settle."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, assert_never

from jobs import branch, conf, failures
from jobs.attempt import Attempt
from jobs.context import Context, ContextSync
from jobs.errors import InvalidExpression, NonRetriableError, StepError, UnknownFunction
from jobs.hooks import Hooks
from jobs.journal import (
    Claimed,
    Completed,
    Failed,
    Lost,
    Outcome,
    Released,
    Retry,
    Settle,
    Several,
    Sleep,
    Suspend,
    Wait,
    Write,
)
from jobs.recording import Recorder
from jobs.registry import registry
from jobs.types import Op, Status

logger = logging.getLogger("jobs")

UNKNOWN_FUNCTION_PAUSE = 15.0
"""Seconds until a run is offered again whose function this worker does not know; another may be newer."""


def prepare(claimed: Claimed, recorder: Recorder) -> Attempt | Outcome:
    """Return the attempt to run, or how the run ends because it must not be attempted."""
    if claimed.crashes >= conf.settings().MAX_CRASHES:
        message = f"Its worker died {claimed.crashes} times without progress: it may use too much memory."
        return Failed(failures.simple("crashed", message))
    try:
        function = registry.get(claimed.function)
    except UnknownFunction as error:
        return Retry(failures.describe(error, code="unknown_function"), UNKNOWN_FUNCTION_PAUSE)
    try:
        if claimed.events and not claimed.journal:
            function.check(claimed.events[0])
    except InvalidExpression as error:
        return Failed(failures.describe(error, code="invalid_expression"))
    return Attempt(claimed, function, recorder)


def run(this: Attempt) -> Outcome:
    """Enter the function's body once and return how that ended."""
    with branch.entered(this.root):
        outcome = _entered(this)
    if isinstance(this.hooks, Hooks):
        try:
            this.hooks.before_response()
        except Exception as error:  # product code
            return _after_error(this, error)
    return outcome


def _entered(this: Attempt) -> Outcome:
    function = this.function
    try:
        value = _called(this)
    except Suspend as suspend:
        return suspend.outcome
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit and what other libraries end their own work with
        return _after_error(this, error)
    if this.outcome is not None:
        return _passed_over(this, this.outcome)
    try:
        if function.client.serializer is not None and function.output_type is not None:
            value = function.client.serializer.serialize(value, function.output_type)
        return Completed(this.to_json(function.id, value))
    except Suspend as suspend:
        return suspend.outcome
    except Exception as error:  # a serializer of the product's own
        return _after_error(this, error)


def _called(this: Attempt) -> Any:
    """Call the handler, with the middleware's hooks around it, and return what it returns."""
    function = this.function
    kinds = [*function.client.middleware, *function.middleware]
    make = Context if function.is_handler_async else ContextSync
    if not kinds:
        return _handled(this, make(this))
    this.hooks = hooks = Hooks(this, kinds, lambda: make(this))
    context = hooks.transform_input()
    try:
        value = _handled(this, context)
    except Exception as error:
        raise hooks.transform_error(error) from error
    finally:
        hooks.after_execution()
    return hooks.transform_output(value)


def _handled(this: Attempt, context: Any) -> Any:
    handler = this.function.handler
    return this.recorder.complete(lambda: handler(context)) if this.function.is_handler_async else handler(context)


def _after_error(this: Attempt, error: BaseException) -> Outcome:
    if this.outcome is not None:
        return _passed_over(this, this.outcome)
    if isinstance(error, StepError):
        # The step has spent its attempts; entering the body again could only meet the same error.
        return Failed(failures.describe(error, code="step_failed", step=error.step))
    described = failures.describe(error, step=failures.step_behind(error))
    this.failures += 1
    if isinstance(error, NonRetriableError) or this.failures > this.function.retries:
        return Failed(described)
    try:
        delay, at = failures.delay_before_next(error, this.failures - 1, this.function.backoff)
    except Exception as broken:  # product code again: the function's own backoff
        return Failed(failures.describe(broken, code="backoff_failed"))
    return Retry(described, delay, at)


def _passed_over(this: Attempt, outcome: Outcome) -> Outcome:
    """Return how a pass ends whose body swallowed a suspension: an end stays one, going on after a pause is a fault."""
    if isinstance(outcome, Sleep | Retry | Wait | Several):
        message = f"{this.function.id} caught BaseException around a step"
        return Failed(failures.simple("suspension_swallowed", message))
    return outcome


def settle(claimed: Claimed, outcome: Outcome, this: Attempt | None) -> Write | None:
    """Return what to write for an outcome; None where nothing may be written."""
    left = Settle(
        status="",
        attempt=this.failures if this else claimed.attempt,
        steps=this.finished if this else claimed.steps,
        progress=this.progress if this else None,
    )
    write = Write(claimed.run_id, claimed.lease, settle=left, lines=this.take_lines() if this else [])
    write.freed = claimed.slots
    if isinstance(outcome, Lost):
        return None
    _leave(write, left, outcome)
    if this is not None:
        write.forget = _forgotten(this, outcome)
    return write


def _forgotten(this: Attempt, outcome: Outcome) -> list[str] | None:
    """Return the steps that nothing is waited for by any more; see `Write.forget`."""
    ended = isinstance(outcome, Completed | Failed)
    # Only where the body has come to its end or to all its pauses is it known what its lines still wait for.
    paused = isinstance(outcome, Sleep | Wait | Several) or (isinstance(outcome, Retry) and outcome.entry is not None)
    left = _left_to_losers(this) if paused or isinstance(outcome, Completed) else []
    return left if left or (ended and _has_waits(this)) else None


def _left_to_losers(this: Attempt) -> list[str]:
    """Return the keys of steps that only losers of races wait for.

    A loser need not have come to what it waits for in the pass that decides, so these are all but those of the others.
    """
    entries = list(this.claimed.journal.values())
    if all(entry.op != Op.RACE for entry in entries):
        return []
    live = {key for key, line in dict(this.reached).items() if not line.lost}
    return [
        entry.key
        for entry in entries
        if entry.pending and not entry.finished(this.claimed.now) and entry.key not in live
    ]


def _leave(write: Write, left: Settle, outcome: Outcome) -> None:
    """Fill in how the run's row is left, and which entries are written with it."""
    match outcome:
        case Completed(output):
            left.status, left.ended, left.output = Status.COMPLETED, True, output
        case Failed(error, entry):
            left.status, left.ended, left.error = Status.FAILED, True, error
            write.entries += [] if entry is None else [entry]
        case Retry(error, delay, at, entry):
            left.status, left.error = Status.SLEEPING, error or None
            left.until, left.delay = at, None if at else delay
            write.entries += [] if entry is None else [entry]
        case Sleep(entry):
            left.status, left.until, left.delay = Status.SLEEPING, entry.wake_at, entry.delay
            write.entries.append(entry)
        case Wait(entry, again):
            # The entry was written when the wait was registered, and may have been met since.
            left.status = Status.WAITING
            if again is None:
                left.until, left.delay = entry.wake_at, entry.delay
            else:
                left.delay = again
        case Several(outcomes):
            _leave_several(write, left, outcomes)
        case Released():
            left.status, left.delay = Status.QUEUED, 0.0
        case Lost():
            raise AssertionError("a run that is lost is not written")
        case _:
            assert_never(outcome)


def _leave_several(write: Write, left: Settle, outcomes: tuple[Outcome, ...]) -> None:
    """Leave a run whose branches are suspended: it goes on when the first of them can."""
    wakes: list[datetime] = []
    delays: list[float] = []
    for outcome in outcomes:
        one = Settle(status="")
        _leave(write, one, outcome)
        left.status = Status.WAITING if Status.WAITING in (left.status, one.status) else one.status
        left.error = left.error or one.error
        delays += [] if one.delay is None else [one.delay]
        wakes += [] if one.until is None else [one.until]
    left.until, left.delay = min(wakes, default=None), min(delays, default=None)


def _has_waits(this: Attempt) -> bool:
    waits = (Op.WAIT_FOR_EVENT, Op.WAIT_FOR_SIGNAL)
    return bool(this.function.cancel) or any(entry.op in waits for entry in this.claimed.journal.values())
