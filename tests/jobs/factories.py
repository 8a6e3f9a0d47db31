"""Rows of the engine's tables, made directly for tests of pages and readings."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from jobs import clock
from jobs.ids import new_id
from jobs.journal import key_of
from jobs.models import Event, LogLine, Run, RunEvent, Step, Worker
from jobs.types import ENDED, Op, Status, StepStatus


def an_event(name: str = "test/hello.world", **changes: Any) -> Event:
    """Store an event."""
    now = clock.now()
    values = {"data": {"email": "ada@example.com"}, "ts": int(now.timestamp() * 1000), "received_at": now}
    return Event.objects.create(**{"id": new_id(), "name": name, **values, **changes})


def a_run(status: Status = Status.COMPLETED, *, events: Sequence[Event] | None = None, **changes: Any) -> Run:
    """Store a run with its event; times are ten seconds in all unless said otherwise."""
    now = clock.now()
    several = [an_event()] if events is None else events
    started = None if status in (Status.QUEUED, Status.SKIPPED) else now - timedelta(seconds=9)
    due = {Status.QUEUED: now, Status.SLEEPING: now + timedelta(hours=2), Status.WAITING: now + timedelta(hours=1)}
    values: dict[str, Any] = {
        "function": "stepwell-hello-world",
        "trigger": several[0].name if several else "test/hello.world",
        "queued_at": now - timedelta(seconds=10),
        "started_at": started,
        "ended_at": now if status in ENDED else None,
        "run_at": due.get(status),
        "id": new_id(),
    }
    run = Run.objects.create(status=status, **values | changes)
    RunEvent.objects.bulk_create(
        RunEvent(run=run, event=event, position=position) for position, event in enumerate(several)
    )
    return run


def a_step(run: Run, name: str, status: StepStatus = StepStatus.COMPLETED, **changes: Any) -> Step:
    """Journal a step after those the run has; it took a second unless said otherwise."""
    index = run.journal.count()
    started = changes.pop("started_at", (run.started_at or run.queued_at) + timedelta(seconds=index))
    ended = started + timedelta(seconds=1) if status in (StepStatus.COMPLETED, StepStatus.FAILED) else None
    values: dict[str, Any] = {"op": Op.RUN, "index": index, "started_at": started, "ended_at": ended, "output": "ok"}
    return Step.objects.create(run=run, key=key_of(name, index), name=name, status=status, **values | changes)


def an_attempt(number: int, started: datetime, *, message: str = "503 Service Unavailable") -> dict[str, Any]:
    """A failed attempt of two seconds, as the journal keeps it."""
    return {
        "n": number,
        "started": started.isoformat(),
        "ended": (started + timedelta(seconds=2)).isoformat(),
        "error": an_error(message),
    }


def an_error(message: str = "The model is overloaded.\n503 Service Unavailable", step: str = "") -> dict[str, Any]:
    """An error as it is stored."""
    error = {
        "code": "error",
        "name": "ServerError",
        "message": message,
        "stack": "transcripts/ask.py:12 in ask\n    go",
    }
    return {**error, "step": step} if step else error


def a_line(run: Run, message: str, *, step: str = "", level: str = "INFO", at: datetime | None = None) -> LogLine:
    """Log a line on a run."""
    return LogLine.objects.create(run=run, step=step, level=level, message=message, at=at or clock.now())


def a_worker(**changes: Any) -> Worker:
    """Store a worker that has just reported."""
    now = clock.now()
    values = {"host": "workshop", "pid": 4321, "started_at": now - timedelta(hours=3), "seen_at": now, "slots": 256}
    return Worker.objects.create(id=new_id(), **values | changes)
