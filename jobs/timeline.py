"""A run as rows on a common time axis: queueing, steps, attempts, sleeps; values only, no HTML and no query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from jobs.models import LogLine, Run, Step
from jobs.types import ENDED, Op, Status, StepStatus

TICKS = 5
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


@dataclass(frozen=True)
class Timeline:
    """All rows of a run and the axis they share; `ticks` are seconds, evenly spread from its start to its end."""

    rows: tuple[Row, ...]
    ticks: tuple[float, ...]
    started: datetime
    seconds: float


@dataclass(frozen=True)
class _Axis:
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return max(_LEAST_SECONDS, (self.end - self.start).total_seconds())

    def segment(self, start: datetime, end: datetime, tone: str, *, idle: bool = False) -> Segment:
        """Return a stretch cut to the axis; a clock that went backwards leaves it empty, never negative."""
        left = min(1.0, max(0.0, (start - self.start).total_seconds() / self.seconds))
        right = min(1.0, max(left, (end - self.start).total_seconds() / self.seconds))
        return Segment(round(left, 5), round(right - left, 5), tone, idle)


@dataclass
class _Draft:
    """What is known about one attempt of a step."""

    number: int
    started: datetime
    ended: datetime
    error: dict[str, Any] | None = None
    tone: str = "failed"
    words: str = "Failed"


def timeline(run: Run, steps: Iterable[Step], lines: Iterable[LogLine] = (), *, now: datetime) -> Timeline:
    """Return a run's rows in the order they began; `steps` is its journal in order, `lines` its log."""
    journal = list(steps)
    axis = _Axis(run.queued_at, run.ended_at or max(now, run.queued_at))
    rows = [_queueing(run, axis)]
    met: Counter[str] = Counter()
    for step in journal:
        met[step.name] += 1
        label = step.name if met[step.name] == 1 else f"{step.name} ({met[step.name]})"
        rows += _sleep(run, step, label, axis) if step.op == Op.SLEEP else _step(run, step, label, axis)
    rows += _under_way(run, journal, axis)
    ticks = tuple(axis.seconds * n / (TICKS - 1) for n in range(TICKS))
    return Timeline(_with_lines(rows, lines), ticks, axis.start, axis.seconds)


def _queueing(run: Run, axis: _Axis) -> Row:
    until = run.started_at or axis.end
    segments = (axis.segment(run.queued_at, until, "queued", idle=True),)
    took = _seconds(run.queued_at, until)
    return Row("queue", "Queue", "queue", "queued", "Queued", run.queued_at, took, segments=segments)


def _sleep(run: Run, step: Step, label: str, axis: _Axis) -> list[Row]:
    wakes = step.wake_at or axis.end
    asleep = wakes > axis.end and run.status not in ENDED
    tone, words = ("sleeping", "Sleeping") if asleep else ("completed", "Slept")
    until = min(wakes, axis.end)
    segment = axis.segment(step.started_at, until, "sleeping", idle=True)
    took = _seconds(step.started_at, until)
    return [Row(step.key, label, "sleep", tone, words, step.started_at, took, step.name, (segment,), wakes=wakes)]


def _step(run: Run, step: Step, label: str, axis: _Axis) -> list[Row]:
    attempts = _attempts(run, step, axis)
    tone, words = _state(run, step)
    first, last = attempts[0], attempts[-1]
    segments = tuple(_segments(attempts, axis))
    until = last.ended
    if step.status == StepStatus.RETRYING and run.status not in ENDED and last.tone == "failed":
        segments += (axis.segment(last.ended, axis.end, "waiting", idle=True),)
        until = axis.end
    row = Row(
        key=step.key,
        label=label,
        kind=step.op,
        tone=tone,
        words=words,
        started=first.started,
        took=_seconds(first.started, until),
        name=step.name,
        segments=segments,
        wakes=run.run_at if tone == "retrying" else None,
        finished=step.status == StepStatus.COMPLETED,
        output=step.output,
        error=step.error if step.status == StepStatus.FAILED else None,
    )
    return [row, *(_attempt_row(step, draft, axis) for draft in attempts if len(attempts) > 1)]


def _attempts(run: Run, step: Step, axis: _Axis) -> list[_Draft]:
    """Return every attempt of a step, the one that succeeded or is under way last."""
    drafts = [
        _Draft(number, _moment(failed["started"]), _moment(failed["ended"]), failed.get("error"))
        for number, failed in enumerate(step.attempts or [], start=1)
    ]
    number = len(drafts) + 1
    if step.status == StepStatus.COMPLETED:
        drafts.append(_Draft(number, step.started_at, step.ended_at or axis.end, None, "completed", "Completed"))
    elif step.status == StepStatus.RETRYING and run.status == Status.RUNNING and run.current_step == step.name:
        began = max(drafts[-1].ended, run.started_at or axis.start) if drafts else step.started_at
        drafts.append(_Draft(number, began, axis.end, None, "running", "Running"))
    return drafts or [_Draft(1, step.started_at, step.ended_at or axis.end, step.error)]


def _state(run: Run, step: Step) -> tuple[str, str]:
    if step.status == StepStatus.COMPLETED:
        return "completed", "Completed"
    if step.status == StepStatus.FAILED or run.status == Status.FAILED:
        return "failed", "Failed"
    if run.status in ENDED:
        return "cancelled", "Not finished"
    if run.status == Status.RUNNING and run.current_step == step.name:
        return "running", "Running"
    return "retrying", "Retrying"


def _segments(attempts: Sequence[_Draft], axis: _Axis) -> Iterator[Segment]:
    for position, draft in enumerate(attempts):
        if position:
            yield axis.segment(attempts[position - 1].ended, draft.started, "waiting", idle=True)
        yield axis.segment(draft.started, draft.ended, draft.tone)


def _attempt_row(step: Step, draft: _Draft, axis: _Axis) -> Row:
    key, label = f"{step.key}-{draft.number}", f"Attempt {draft.number}"
    segments = (axis.segment(draft.started, draft.ended, draft.tone),)
    took = _seconds(draft.started, draft.ended)
    row = Row(key, label, "attempt", draft.tone, draft.words, draft.started, took, segments=segments)
    return replace(row, error=draft.error)


def _under_way(run: Run, journal: Sequence[Step], axis: _Axis) -> list[Row]:
    """Return the row of a step that runs now and is not journaled yet, or of the pause before the next attempt."""
    since = max([run.started_at or run.queued_at, *(_last_moment(step, axis) for step in journal)])
    known = {step.name for step in journal}
    took = _seconds(since, axis.end)
    if run.status == Status.RUNNING and run.current_step and run.current_step not in known:
        segment = axis.segment(since, axis.end, "running")
        return [Row("now", run.current_step, Op.RUN, "running", "Running", since, took, run.current_step, (segment,))]
    pausing = run.status == Status.SLEEPING and not any(_unfinished(step, axis) for step in journal)
    if pausing and run.attempt:
        segment = axis.segment(since, axis.end, "sleeping", idle=True)
        label = f"Pause before attempt {run.attempt + 1}"
        return [Row("pause", label, "pause", "sleeping", "Sleeping", since, took, "", (segment,), run.run_at)]
    return []


def _unfinished(step: Step, axis: _Axis) -> bool:
    if step.op == Op.SLEEP:
        return step.wake_at is None or step.wake_at > axis.end
    return step.status == StepStatus.RETRYING


def _last_moment(step: Step, axis: _Axis) -> datetime:
    if step.op == Op.SLEEP:
        return min(step.wake_at or axis.end, axis.end)
    return step.ended_at or step.started_at


def _with_lines(rows: Sequence[Row], lines: Iterable[LogLine]) -> tuple[Row, ...]:
    """Give each log line to the step it names; of steps that share a name, to the last that had begun."""
    taken: dict[str, list[Line]] = {}
    for line in lines:
        named = [row for row in rows if row.name and row.name == line.step]
        if named:
            begun = [row for row in named if row.started <= line.at] or named[:1]
            taken.setdefault(begun[-1].key, []).append(Line(line.level, line.message, line.at))
    return tuple(replace(row, lines=tuple(taken.get(row.key, ()))) for row in rows)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())


def _moment(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
