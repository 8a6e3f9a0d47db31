"""The values of a timeline: rows of stretches on a common time axis; fractions and seconds, no HTML and no query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

_LEAST_SECONDS = 0.001


@dataclass(frozen=True)
class Segment:
    """A stretch of one row; `start` and `width` are fractions of the whole axis."""

    start: float
    width: float
    tone: str
    idle: bool = False

    @property
    def end(self) -> float:
        """Where it ends, as a fraction."""
        return self.start + self.width


@dataclass(frozen=True)
class Line:
    """One log line of a step."""

    level: str
    message: str
    at: datetime


@dataclass(frozen=True)
class Row:
    """One line of the timeline; `tone` is the status whose colour it has, `took` is in seconds."""

    key: str
    label: str
    kind: str
    tone: str
    words: str
    started: datetime
    took: float
    name: str = ""
    segments: tuple[Segment, ...] = ()
    wakes: datetime | None = None
    finished: bool = False
    output: Any = None
    error: dict[str, Any] | None = None
    lines: tuple[Line, ...] = ()
    child: UUID | None = None


@dataclass(frozen=True)
class Timeline:
    """All rows of a run and the axis they share; `ticks` are seconds, evenly spread from its start to its end."""

    rows: tuple[Row, ...]
    ticks: tuple[float, ...]
    started: datetime
    seconds: float


@dataclass(frozen=True)
class Axis:
    """From when to when all rows reach."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long that is."""
        return max(_LEAST_SECONDS, (self.end - self.start).total_seconds())

    def segment(self, start: datetime, end: datetime, tone: str, *, idle: bool = False) -> Segment:
        """Return a stretch cut to the axis; a clock that went backwards leaves it empty, never negative."""
        left = min(1.0, max(0.0, (start - self.start).total_seconds() / self.seconds))
        right = min(1.0, max(left, (end - self.start).total_seconds() / self.seconds))
        return Segment(round(left, 5), round(right - left, 5), tone, idle)


def seconds_between(start: datetime, end: datetime) -> float:
    """Return the seconds from one moment to another, never negative."""
    return max(0.0, (end - start).total_seconds())
