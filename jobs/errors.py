"""Every error of the engine; a class's docstring is its default message."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.types import Duration


class JobsError(Exception):
    """Something is wrong with how the engine is used."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class InvalidDefinition(JobsError, ValueError):
    """This function cannot be registered as it is defined."""

    def __init__(self, message: str | None = None, *, hint: str = "") -> None:
        super().__init__(f"{message}. {hint}".strip() if hint else message)
        self.words = message or ""
        self.hint = hint


class UnknownFunction(JobsError, LookupError):
    """No function is registered under this id."""


class InvalidExpression(JobsError, ValueError):
    """This CEL expression cannot be evaluated."""


class InvalidBackoff(JobsError):
    """What was to say how long to wait before the next attempt is no such thing."""


class InvalidDuration(JobsError, ValueError):
    """No run can sleep or wait for so long, or until then."""


class RefusedByRule(JobsError):
    """A rule of the function forbids that this run goes on beside another one that lives."""


_FAR = 7 * 24 * 3600 * 1000


class NonRetriableError(Exception):
    """Fails the run now: trying again cannot help. `quiet` keeps it out of Python's log."""

    def __init__(self, message: str | None = None, quiet: bool = False) -> None:
        super().__init__(*([] if message is None else [message]))
        self.quiet = quiet


class RetryAfterError(Exception):
    """Fails this attempt and says when the next one makes sense.

    `retry_after` is whole milliseconds, a timedelta, or a point in time (the site's `TIME_ZONE` where it names none).
    The next attempt waits 24 hours at most.
    """

    def __init__(self, message: str | None, retry_after: Duration | datetime, quiet: bool = False) -> None:
        super().__init__(*([] if message is None else [message]))
        # What is further away than a few days is all the same: the wait is bounded, and no number may overflow.
        if isinstance(retry_after, int):
            retry_after = timedelta(milliseconds=max(-_FAR, min(_FAR, retry_after)))
        self.retry_after = retry_after
        self.quiet = quiet


class StepError(Exception):
    """A step is out of attempts; raised in the body, where it may be caught."""

    def __init__(self, message: str, name: str = "Error", stack: str | None = None, *, step: str | None = None) -> None:
        super().__init__(message)
        self.step = step
        self.message = message
        self.name = name
        self.stack = stack


class StepTimeout(Exception):
    """A step took longer than its `timeout`; the attempt failed, and a late result is dropped."""


class SendEventsError(JobsError):
    """Some events were not accepted; `ids` are those of the events before the bad one."""

    def __init__(self, message: str, ids: list[str] | None = None) -> None:
        super().__init__(message)
        self.ids = ids or []


class InvalidEvent(SendEventsError, ValueError):
    """This event cannot be accepted."""
