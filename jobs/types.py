"""The values of the engine that everything else speaks in: statuses, events, triggers and limits."""

import enum
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self, TypeAlias

from django.db.models import TextChoices
from pydantic import BaseModel, ConfigDict, Field, field_validator

from jobs.errors import InvalidDuration

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

Duration: TypeAlias = int | timedelta
"""A span of time: a timedelta, or whole milliseconds."""


LONGEST_SECONDS = 100 * 365.25 * 24 * 3600
"""A hundred years: what is longer is counted as this, so that every time can be stored and shown."""


def seconds(duration: Duration) -> float:
    """Return a duration in seconds, of a hundred years at most."""
    if isinstance(duration, timedelta):
        return max(-LONGEST_SECONDS, min(LONGEST_SECONDS, duration.total_seconds()))
    return max(-LONGEST_SECONDS * 1000, min(LONGEST_SECONDS * 1000, duration)) / 1000


def pause(duration: Duration) -> float:
    """Return how long a run sleeps or waits, in seconds, raising InvalidDuration for more than a hundred years."""
    if not isinstance(duration, int | timedelta):
        raise InvalidDuration(f"{duration!r:.100} is no duration; it must be a timedelta or whole milliseconds")
    if (length := seconds(duration)) >= LONGEST_SECONDS:
        raise InvalidDuration(f"{duration!r:.100} is too long; a run sleeps or waits for a hundred years at most")
    return length


def is_suspiciously_short(duration: object) -> bool:
    """Whether somebody may have meant seconds: a bare number of milliseconds that is less than one."""
    return type(duration) is int and 0 < duration < 1000


class Status(TextChoices):
    """Where a run is in its life."""

    QUEUED = "QUEUED", "Queued"
    """A worker will take it as soon as `run_at` has come."""
    RUNNING = "RUNNING", "Running"
    """A worker holds its lease."""
    SLEEPING = "SLEEPING", "Sleeping"
    """Wakes at `run_at`: a sleep, or the pause before the next attempt."""
    WAITING = "WAITING", "Waiting"
    """Waits for something named, until `run_at` at the latest."""
    COMPLETED = "COMPLETED", "Completed"
    """Ended with an output."""
    FAILED = "FAILED", "Failed"
    """Ended with an error: attempts spent, or not retriable."""
    CANCELLED = "CANCELLED", "Cancelled"
    """Stopped by a person or a rule."""
    SKIPPED = "SKIPPED", "Skipped"
    """Refused at the door; the reason is in its error."""


ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.SKIPPED)
LIVE = (Status.QUEUED, Status.RUNNING, Status.SLEEPING, Status.WAITING)

# Read as: to reach the key, a run must be in one of the values. Rendered in docs/state_machine.md.
ENTERED_FROM: dict[Status, tuple[Status, ...]] = {
    Status.QUEUED: (Status.RUNNING, Status.SLEEPING, Status.WAITING, Status.FAILED),
    Status.RUNNING: (Status.QUEUED, Status.SLEEPING, Status.WAITING),
    Status.SLEEPING: (Status.RUNNING,),
    Status.WAITING: (Status.RUNNING,),
    Status.COMPLETED: (Status.RUNNING,),
    Status.FAILED: (Status.RUNNING,),
    Status.CANCELLED: (Status.QUEUED, Status.RUNNING, Status.SLEEPING, Status.WAITING),
    Status.SKIPPED: (),
}


class StepStatus(TextChoices):
    """Where one step of a run is."""

    COMPLETED = "COMPLETED", "Completed"
    """Journaled: its handler never runs again in this run."""
    FAILED = "FAILED", "Failed"
    """Out of attempts: its error is raised again wherever the body meets it."""
    RETRYING = "RETRYING", "Retrying"
    """An attempt failed; the next one starts when the run wakes."""
    SLEEPING = "SLEEPING", "Sleeping"
    """A sleep; it counts as finished once `wake_at` has passed."""
    WAITING = "WAITING", "Waiting"
    """Waits for an event, a signal or another run, until `wake_at` at the latest."""
    DROPPED = "DROPPED", "Dropped"
    """The branch of a race that lost: nothing is waited for any more."""


class Op(enum.StrEnum):
    """What kind of step it is."""

    RUN = "run"
    SLEEP = "sleep"
    SEND_EVENT = "send_event"
    WAIT_FOR_EVENT = "wait_for_event"
    WAIT_FOR_SIGNAL = "wait_for_signal"
    INVOKE = "invoke"
    RACE = "race"


class Source(TextChoices):
    """How an event came in."""

    EVENT = "event", "Event"
    """Sent from code, in the sender's transaction."""
    HTTP = "http", "HTTP"
    """Posted to the event API."""
    CRON = "cron", "Schedule"
    """A tick of a schedule."""
    MANUAL = "manual", "Manual"
    """Sent or run again by a person."""
    INTERNAL = "internal", "Internal"
    """Sent by the engine about a run."""


INTERNAL_PREFIXES = ("jobs/", "inngest/")
"""Event names only the engine may send."""

FUNCTION_FAILED = "jobs/function.failed"
FUNCTION_CANCELLED = "jobs/function.cancelled"
FUNCTION_FINISHED = "jobs/function.finished"
ENDS = (FUNCTION_FINISHED, FUNCTION_FAILED, FUNCTION_CANCELLED)
FUNCTION_INVOKED = "jobs/function.invoked"
SCHEDULED_TIMER = "jobs/scheduled.timer"
SIGNAL_SENT = "jobs/signal.sent"


class Model(BaseModel):
    """A value with two ways in and out that functions written elsewhere use; neither raises."""

    @classmethod
    def from_raw(cls, raw: object) -> Self | Exception:
        """Return the value of an object or of JSON text, or the error that says why it is none."""
        try:
            return cls.model_validate_json(raw) if isinstance(raw, str | bytes) else cls.model_validate(raw)
        except ValueError as error:
            return error

    def to_dict(self) -> dict[str, Any] | Exception:
        """Return its fields as JSON values, or the error that says which of them has none."""
        try:
            return self.model_dump(mode="json")
        except ValueError as error:
            return error


class Event(Model):
    """Something that happened: a name and JSON data.

    `id` dedupes: the same id starts each function once within 24 hours. `ts` is in milliseconds since 1970;
    a time in the future delays the runs it starts. 0 means now.
    """

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(min_length=1, max_length=255)]
    data: Mapping[str, Any] = Field(default_factory=dict)
    id: str = ""
    ts: int = 0

    @field_validator("data", mode="before")
    @classmethod
    def _nothing_is_empty(cls, data: Any) -> Any:
        return {} if data is None else data


class Config(Model):
    """Keyword-only, strict, immutable configuration."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TriggerEvent(Config):
    """Start a run for each event of this name; `*` after `/` or `.` matches the rest of a name.

    `expression` is CEL over `event`; only events for which it is true start a run.
    """

    event: Annotated[str, Field(min_length=1)]
    expression: str | None = None

    def hears(self, name: str) -> bool:
        """Whether it is for events of this name, whatever its expression says."""
        covers = self.event.endswith(("/*", ".*")) and name.startswith(self.event[:-1])
        return self.event == name or (covers and len(name) >= len(self.event))


class TriggerCron(Config):
    """Start a run at each tick: five fields, optionally after `TZ=Europe/Paris `; UTC by default.

    `jitter` is accepted for functions written elsewhere; a tick starts on time here.
    """

    cron: Annotated[str, Field(min_length=1)]
    jitter: str | None = None


class ParallelMode(enum.Enum):
    """When `group.parallel` goes on."""

    WAIT = "wait"
    """Once every branch has ended."""
    RACE = "race"
    """With the first branch that ends."""


Trigger: TypeAlias = TriggerEvent | TriggerCron
