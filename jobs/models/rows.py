"""The rows of what workers write, as the statements in `jobs.models.writing` take them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs import serialize
from jobs.journal import Awaited, Entry, Line, Settle, Write


def plain_row(run_id: UUID, lease: int, entry: Entry) -> tuple[Any, ...]:
    name = serialize.visible(entry.name)[:255]
    times = (entry.started_at, entry.ended_at)
    return (entry.key, name, entry.index, entry.op, *times, entry.output, run_id, lease)


def step_row(run_id: UUID, lease: int, entry: Entry) -> dict[str, Any]:
    return {
        "run": str(run_id),
        "lease": lease,
        "key": entry.key,
        "name": serialize.visible(entry.name)[:255],
        "index": entry.index,
        "op": entry.op,
        "status": entry.status,
        "started": entry.started_at.isoformat(),
        "ended": moment(entry.ended_at),
        "wake": moment(entry.wake_at),
        "delay": entry.delay,
        "output": entry.output,
        "error": serialize.dumps(entry.error) if entry.error else None,
        "attempts": serialize.dumps(entry.attempts) if entry.attempts else None,
        "tries": entry.tries,
        "child": None if entry.child is None else str(entry.child),
    }


def awaited_row(run_id: UUID, lease: int, entry: Entry, awaited: Awaited) -> dict[str, Any]:
    row = {"run": str(run_id), "lease": lease, "step": awaited.step, "event": awaited.event}
    row |= {"expression": awaited.expression, "path": awaited.path, "value": awaited.value}
    return row | {"expires": moment(entry.wake_at), "delay": entry.delay}


def forget_rows(write: Write) -> list[dict[str, Any]]:
    if write.forget is None:
        return []
    row = {"run": str(write.run_id), "lease": write.lease}
    ended = write.settle is not None and write.settle.ended
    steps: list[str | None] = [*write.forget]
    return [{**row, "step": step} for step in ([*steps, None] if ended or not steps else steps)]


def settle_row(run_id: UUID, lease: int, settle: Settle) -> dict[str, Any]:
    return {
        "run": str(run_id),
        "lease": lease,
        "status": settle.status,
        "ended": settle.ended,
        "until": moment(settle.until),
        "delay": settle.delay,
        "attempt": settle.attempt,
        "steps": settle.steps,
        "output": settle.output,
        "error": serialize.dumps(settle.error) if settle.error else None,
        "progress": serialize.dumps(settle.progress) if settle.progress else None,
        "announced": settle.announced,
    }


def line_row(run_id: UUID, lease: int, line: Line) -> dict[str, Any]:
    return {
        "run": str(run_id),
        "lease": lease,
        "step": serialize.visible(line.step)[:255],
        "level": line.level[:8],
        "message": serialize.visible(line.message),
        "at": line.at.isoformat(),
    }


def as_json(rows: Sequence[dict[str, Any]]) -> str:
    # ASCII, so that no character of an output can be one PostgreSQL refuses here.
    return json.dumps(rows)


def moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
