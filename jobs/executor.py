"""One claimed run, from its attempt to how its row is left: claim → attempt → settle."""

from __future__ import annotations

import logging
from typing import assert_never

from jobs import conf, failures
from jobs.attempt import Attempt, Recorder
from jobs.context import ContextSync
from jobs.errors import InvalidExpression, NonRetriableError, StepError, UnknownFunction
from jobs.journal import (
    Claimed,
    Completed,
    Failed,
    Lost,
    Outcome,
    Released,
    Retry,
    Settle,
    Sleep,
    Suspend,
    Write,
)
from jobs.registry import registry
from jobs.types import Status

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
    function = this.function
    try:
        value = function.handler(ContextSync(this))
    except Suspend as suspend:
        return suspend.outcome
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit and what other libraries end their own work with
        return _after_error(this, error)
    if this.outcome is not None:
        return _passed_over(this, this.outcome)
    try:
        return Completed(this.to_json(function.id, value))
    except Suspend as suspend:
        return suspend.outcome


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
    if isinstance(outcome, Sleep | Retry):
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
    match outcome:
        case Completed(output):
            left.status, left.ended, left.output = Status.COMPLETED, True, output
        case Failed(error, entry):
            left.status, left.ended, left.error, write.entry = Status.FAILED, True, error, entry
        case Retry(error, delay, at, entry):
            left.status, left.error, write.entry = Status.SLEEPING, error, entry
            left.until, left.delay = at, None if at else delay
        case Sleep(entry):
            left.status, left.until, write.entry = Status.SLEEPING, entry.wake_at, entry
        case Released():
            left.status, left.delay = Status.QUEUED, 0.0
        case Lost():
            return None
        case _:
            assert_never(outcome)
    return write
