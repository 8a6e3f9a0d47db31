"""How much of a function may run, and when: the limits that a definition names, as strict and immutable values.

Durations are timedeltas or whole milliseconds; keys and conditions are CEL over `event`.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from jobs.types import Config, Duration, seconds


def _positive(value: Duration) -> Duration:
    if seconds(value) <= 0:
        raise ValueError("a duration must be longer than nothing")
    return value


Span: TypeAlias = Annotated[Duration, AfterValidator(_positive)]
Expression: TypeAlias = Annotated[str, Field(min_length=1)]
Count: TypeAlias = Annotated[int, Field(ge=1)]


class Batch(Config):
    """Collect events into one run: it starts with `max_size` of them, or `timeout` (60 s) after the first.

    `key` keeps a batch for each value. An event for which `if_exp` is false starts a run of its own, and so does one
    whose time is to come, at that time.
    """

    max_size: Count
    timeout: Span | None = None
    key: Expression | None = None
    if_exp: Expression | None = None


class Cancel(Config):
    """A later event of this name cancels the run: one for which `if_exp` holds.

    In `if_exp`, `event` is what started the run and `async` the later event. Without it every live run of the
    function would be cancelled, which must be said: `match_all=True`. After `timeout` the event cancels no more.
    """

    event: Annotated[str, Field(min_length=1, max_length=255)]
    if_exp: Expression | None = None
    timeout: Span | None = None
    match_all: bool = False


class Concurrency(Config):
    """At most `limit` runs execute at once, for each value of `key`; sleeping and waiting runs do not count.

    `scope` "fn" counts the runs of this function, "env" and "account" those of all functions with the same key.
    """

    limit: Count
    key: Expression | None = None
    scope: Literal["account", "env", "fn"] | None = None


class Debounce(Config):
    """Start one run `period` after the last of several events; `timeout` after the first at the latest."""

    period: Span
    key: Expression | None = None
    timeout: Span | None = None


class Priority(Config):
    """Start a run as if it had been queued earlier: CEL over `event` giving seconds, clamped to ±600."""

    run: Expression


class RateLimit(Config):
    """Let at most `limit` events per `period` start a run, for each value of `key`; more of them start nothing."""

    limit: Count
    period: Span
    key: Expression | None = None


class Singleton(Config):
    """Let one run live for each value of `key`: another one is skipped, or takes the place of the first."""

    mode: Literal["skip", "cancel"]
    key: Expression | None = None


class Throttle(Config):
    """Start at most `limit` runs per `period` for each value of `key`, `burst - 1` more at once; the rest queue."""

    limit: Count
    period: Span
    burst: Count | None = 1
    key: Expression | None = None

    @property
    def interval(self) -> float:
        """Seconds between two starts, once those that may start at once have started."""
        return seconds(self.period) / self.limit

    @property
    def at_once(self) -> int:
        """Runs that may start at the same moment."""
        return self.limit + (self.burst or 1) - 1


class Timeouts(Config):
    """Cancel a run that has not started `start` after it was queued, or not ended `finish` after it started."""

    start: Span | None = None
    finish: Span | None = None
