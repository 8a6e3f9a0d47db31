"""The values of a run on its way through a worker: what was claimed, what is journaled, how an attempt ends."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from jobs.types import Event, Op, StepStatus


@dataclass(slots=True)
class Entry:
    """One step in the journal; `output` is JSON text, `error` a described error.

    `delay` is the seconds from its next write to its `wake_at`, which the database counts.
    """

    key: str
    name: str
    index: int
    op: str
    status: str
    started_at: datetime
    ended_at: datetime | None = None
    wake_at: datetime | None = None
    output: str | None = None
    error: dict[str, Any] | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    tries: int = 0
    child: UUID | None = None
    delay: float | None = None

    def finished(self, now: datetime) -> bool:
        """Whether its handler must not run again."""
        if self.status == StepStatus.SLEEPING:
            return self.wake_at is not None and self.wake_at <= now
        return self.status in (StepStatus.COMPLETED, StepStatus.FAILED)

    @property
    def pending(self) -> bool:
        """Whether a run may still wait for it."""
        return self.status in (StepStatus.WAITING, StepStatus.SLEEPING, StepStatus.RETRYING)

    def pauses_until(self, now: datetime) -> datetime | None:
        """When its next attempt may start, where that is still to come."""
        retrying = self.status == StepStatus.RETRYING and self.wake_at is not None and self.wake_at > now
        return self.wake_at if retrying else None


def key_of(step_id: str, repeat: int = 0) -> str:
    """Return the journal key of a step's id, and of its n-th repeat in one pass through the body."""
    text = f"{step_id}:{repeat}" if repeat else step_id
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class Line:
    """One line of a run's log."""

    level: str
    message: str
    step: str
    at: datetime


@dataclass(slots=True)
class Claimed:
    """A run whose lease this worker holds, with all that an attempt needs."""

    run_id: UUID
    function: str
    lease: int
    attempt: int
    crashes: int
    steps: int
    now: datetime
    trigger: str
    subject: str
    parent: tuple[UUID, str] | None = None
    slots: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    event_ids: list[UUID] = field(default_factory=list)
    journal: dict[str, Entry] = field(default_factory=dict)

    def drop(self, keys: Sequence[str]) -> None:
        """Take note that these steps are not waited for any more."""
        for entry in filter(None, map(self.journal.get, keys)):
            if entry.pending:
                entry.status = StepStatus.DROPPED


@dataclass(frozen=True, slots=True)
class Completed:
    """The function returned; `output` is JSON text."""

    output: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The run is over: attempts spent, or trying again cannot help."""

    error: dict[str, Any]
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt failed; the next one is due after `delay` seconds, or at `at`."""

    error: dict[str, Any]
    delay: float
    at: datetime | None = None
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """The body asked to sleep until its entry's `wake_at`."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Wait:
    """The body waits for something that its journaled entry names, until the entry's `wake_at` at the latest.

    `again` is the seconds until a second look, where a sender that has not committed yet may have overlooked it.
    """

    entry: Entry
    again: float | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """Branches of the body ended in several ways; the run goes on when the first of them can."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Released:
    """The worker stops: the run goes back to the queue at once."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Somebody else holds the lease now: this worker writes nothing more about the run."""


Outcome: TypeAlias = "Completed | Failed | Retry | Sleep | Wait | Several | Released | Lost"


class Suspend(BaseException):
    """Leaves the body with an outcome; a BaseException, so that product code's `except Exception` lets it pass."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


@dataclass(slots=True)
class Settle:
    """How a run's row is left; `run_at` is `until`, or the database's time plus `delay` seconds, if it has both the
    earlier one, or empty."""

    status: str
    ended: bool = False
    until: datetime | None = None
    delay: float | None = None
    attempt: int = 0
    steps: int = 0
    output: str | None = None
    error: dict[str, Any] | None = None
    progress: dict[str, Any] | None = None
    announced: bool = False
    """Whether the event of its end is stored with it."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """One event name that a step waits for; see `jobs.models.Wait`."""

    step: str
    event: str
    expression: str = ""
    path: str = ""
    value: str = ""


@dataclass(slots=True)
class Write:
    """What one run wants written in one commit, fenced by its lease.

    `awaited` is registered with an entry that waits. `freed` are keys whose slots the settle gives back, and
    `forget` says that nothing is waited for any more: by these steps, or with an empty list, and where the run ends,
    by none of the run's.
    """

    run_id: UUID
    lease: int
    entries: list[Entry] = field(default_factory=list)
    settle: Settle | None = None
    lines: list[Line] = field(default_factory=list)
    awaited: list[Awaited] = field(default_factory=list)
    freed: list[str] = field(default_factory=list)
    forget: list[str] | None = None

    @property
    def weight(self) -> int:
        """Characters of its outputs: most of what it takes to write it."""
        steps = sum(len(entry.output or "") for entry in self.entries)
        return steps + (len(self.settle.output or "") if self.settle else 0)


__all__ = [
    "Awaited",
    "Claimed",
    "Completed",
    "Entry",
    "Failed",
    "Line",
    "Lost",
    "Op",
    "Outcome",
    "Released",
    "Retry",
    "Settle",
    "Several",
    "Sleep",
    "Suspend",
    "Wait",
    "Write",
    "key_of",
]
