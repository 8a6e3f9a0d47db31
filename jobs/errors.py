"""Every error of the engine; a class's docstring is its default message."""

from datetime import datetime, timedelta

from jobs.types import Duration


class JobsError(Exception):
    """Something is wrong with how the engine is used."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class InvalidDefinition(JobsError, ValueError):
    """This function cannot be registered as it is defined."""


class UnknownFunction(JobsError, LookupError):
    """No function is registered under this id."""


class InvalidEvent(JobsError, ValueError):
    """This event cannot be accepted."""


class InvalidExpression(JobsError, ValueError):
    """This CEL expression cannot be evaluated."""


class NonRetriableError(Exception):
    """Fails the run now: trying again cannot help."""


class RetryAfterError(Exception):
    """Fails this attempt and says when the next one makes sense.

    `retry_after` is whole milliseconds, a timedelta, or a point in time (UTC where it names no zone).
    """

    def __init__(self, message: str, retry_after: Duration | datetime) -> None:
        super().__init__(message)
        self.retry_after = timedelta(milliseconds=retry_after) if isinstance(retry_after, int) else retry_after


class StepError(Exception):
    """A step is out of attempts; raised in the body, where it may be caught."""

    def __init__(self, message: str, name: str = "Error", stack: str | None = None, *, step: str | None = None) -> None:
        super().__init__(message)
        self.step = step
        self.message = message
        self.name = name
        self.stack = stack


class SendEventsError(JobsError):
    """Some events were not accepted; `ids` are those of the events before the bad one."""

    def __init__(self, message: str, ids: list[str] | None = None) -> None:
        super().__init__(message)
        self.ids = ids or []
