"""A run as rows on a common time axis: queueing, steps, attempts, sleeps; values only, no HTML and no query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from jobs.lanes import Axis, Line, Row, Segment, Timeline, seconds_between
from jobs.models import LogLine, Run, Step
from jobs.types import ENDED, Op, Status, StepStatus

TICKS = 5
WAITS = (Op.WAIT_FOR_EVENT, Op.WAIT_FOR_SIGNAL, Op.INVOKE)


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
    axis = Axis(run.queued_at, run.ended_at or max(now, run.queued_at))
    rows = [_queueing(run, axis)]
    met: Counter[str] = Counter()
    for step in journal:
        met[step.name] += 1
        label = step.name if met[step.name] == 1 else f"{step.name} ({met[step.name]})"
        rows += _rows_of(run, step, label, axis)
    rows += _under_way(run, journal, axis)
    ticks = tuple(axis.seconds * n / (TICKS - 1) for n in range(TICKS))
    return Timeline(_with_lines(rows, lines), ticks, axis.start, axis.seconds)


def _queueing(run: Run, axis: Axis) -> Row:
    until = run.started_at or axis.end
    segments = (axis.segment(run.queued_at, until, "queued", idle=True),)
    took = seconds_between(run.queued_at, until)
    return Row("queue", "Queue", "queue", "queued", "Queued", run.queued_at, took, segments=segments)


def _sleep(run: Run, step: Step, label: str, axis: Axis) -> list[Row]:
    wakes = step.wake_at or axis.end
    asleep = wakes > axis.end and run.status not in ENDED
    tone, words = ("sleeping", "Sleeping") if asleep else ("completed", "Slept")
    until = min(wakes, axis.end)
    segment = axis.segment(step.started_at, until, "sleeping", idle=True)
    took = seconds_between(step.started_at, until)
    return [Row(step.key, label, "sleep", tone, words, step.started_at, took, step.name, (segment,), wakes=wakes)]


def _rows_of(run: Run, step: Step, label: str, axis: Axis) -> list[Row]:
    if step.op == Op.SLEEP:
        return _sleep(run, step, label, axis)
    return _wait(run, step, label, axis) if step.op in WAITS else _step(run, step, label, axis)


def _wait(run: Run, step: Step, label: str, axis: Axis) -> list[Row]:
    """Return the row of a step that waits for an event, a signal, another run or the first of some branches."""
    tone, words = _state_of_wait(run, step)
    until = min(step.ended_at or axis.end, axis.end)
    row = Row(
        key=step.key,
        label=label,
        kind=step.op,
        tone=tone,
        words=words,
        started=step.started_at,
        took=seconds_between(step.started_at, until),
        name=step.name,
        segments=(axis.segment(step.started_at, until, "failed" if tone == "failed" else "waiting", idle=True),),
        wakes=step.wake_at if tone == "waiting" else None,
        finished=step.status == StepStatus.COMPLETED,
        output=step.output,
        error=step.error if step.status == StepStatus.FAILED else None,
        child=step.child,
    )
    return [row]


def _state_of_wait(run: Run, step: Step) -> tuple[str, str]:
    if step.status == StepStatus.COMPLETED:
        came = {Op.WAIT_FOR_EVENT: "Received", Op.WAIT_FOR_SIGNAL: "Received", Op.INVOKE: "Completed"}
        timed_out = step.op in (Op.WAIT_FOR_EVENT, Op.WAIT_FOR_SIGNAL) and step.output is None
        return ("skipped", "Timed out") if timed_out else ("completed", came.get(Op(step.op), "Completed"))
    if step.status == StepStatus.FAILED:
        return "failed", "Failed"
    if step.status == StepStatus.DROPPED or run.status in ENDED:
        return "cancelled", "Dropped" if step.status == StepStatus.DROPPED else "Not finished"
    return "waiting", "Waiting"


def _step(run: Run, step: Step, label: str, axis: Axis) -> list[Row]:
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
        took=seconds_between(first.started, until),
        name=step.name,
        segments=segments,
        wakes=run.run_at if tone == "retrying" else None,
        finished=step.status == StepStatus.COMPLETED,
        output=step.output,
        error=step.error if step.status == StepStatus.FAILED else None,
    )
    return [row, *(_attempt_row(step, draft, axis) for draft in attempts if len(attempts) > 1)]


def _attempts(run: Run, step: Step, axis: Axis) -> list[_Draft]:
    """Return every attempt of a step, the one that succeeded or is under way last."""
    drafts = [
        _Draft(number, _moment(failed["started"]), _moment(failed["ended"]), failed.get("error"))
        for number, failed in enumerate(_failed(step), start=1)
    ]
    number = len(drafts) + 1
    if step.status == StepStatus.COMPLETED:
        drafts.append(_Draft(number, step.started_at, step.ended_at or axis.end, None, "completed", "Completed"))
    elif step.status == StepStatus.RETRYING and run.status == Status.RUNNING and run.current_step == step.name:
        began = max(drafts[-1].ended, run.started_at or axis.start) if drafts else step.started_at
        drafts.append(_Draft(number, began, axis.end, None, "running", "Running"))
    return drafts or [_Draft(1, step.started_at, step.ended_at or axis.end, step.error)]


def _failed(step: Step) -> list[dict[str, Any]]:
    """Return the failed attempts that can be shown: a page survives what else somebody wrote there."""
    known = step.attempts if isinstance(step.attempts, list) else []
    return [one for one in known if isinstance(one, dict) and {"started", "ended"} <= one.keys()]


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


def _segments(attempts: Sequence[_Draft], axis: Axis) -> Iterator[Segment]:
    for position, draft in enumerate(attempts):
        if position:
            yield axis.segment(attempts[position - 1].ended, draft.started, "waiting", idle=True)
        yield axis.segment(draft.started, draft.ended, draft.tone)


def _attempt_row(step: Step, draft: _Draft, axis: Axis) -> Row:
    key, label = f"{step.key}-{draft.number}", f"Attempt {draft.number}"
    segments = (axis.segment(draft.started, draft.ended, draft.tone),)
    took = seconds_between(draft.started, draft.ended)
    row = Row(key, label, "attempt", draft.tone, draft.words, draft.started, took, segments=segments)
    return replace(row, error=draft.error)


def _under_way(run: Run, journal: Sequence[Step], axis: Axis) -> list[Row]:
    """Return the row of a step that runs now and is not journaled yet, or of the pause before the next attempt."""
    since = max([run.started_at or run.queued_at, *(_last_moment(step, axis) for step in journal)])
    known = {step.name for step in journal}
    took = seconds_between(since, axis.end)
    if run.status == Status.RUNNING and run.current_step and run.current_step not in known:
        segment = axis.segment(since, axis.end, "running")
        return [Row("now", run.current_step, Op.RUN, "running", "Running", since, took, run.current_step, (segment,))]
    pausing = run.status == Status.SLEEPING and not any(_unfinished(step, axis) for step in journal)
    if pausing and run.attempt:
        segment = axis.segment(since, axis.end, "sleeping", idle=True)
        label = f"Pause before attempt {run.attempt + 1}"
        return [Row("pause", label, "pause", "sleeping", "Sleeping", since, took, "", (segment,), run.run_at)]
    return []


def _unfinished(step: Step, axis: Axis) -> bool:
    if step.op == Op.SLEEP:
        return step.wake_at is None or step.wake_at > axis.end
    if step.op in WAITS:
        return step.status == StepStatus.WAITING
    return step.status == StepStatus.RETRYING


def _last_moment(step: Step, axis: Axis) -> datetime:
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


def _moment(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
