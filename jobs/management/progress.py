"""What runs are doing, as lines for a terminal: redrawn in place there, appended when they change elsewhere."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any
from uuid import UUID

from django.core.management.base import OutputWrapper

from jobs import clock, serialize
from jobs.api.health import workers_alive
from jobs.models import Run, Step
from jobs.types import ENDED, Op, Status, StepStatus

LOOK_EVERY_SECONDS = 0.25
PATIENCE_SECONDS = 2.0
"""How long a run may be queued before we look whether anybody is there to take it."""
DONE, BUSY, FAILED, STOPPED = "✓", "◐", "✗", "⊘"
_REDRAW = "\x1b[{lines}F\x1b[J"


def follow(run_ids: Sequence[UUID], out: OutputWrapper) -> list[Run]:
    """Show these runs until all have ended, and return them."""
    screen = _Screen(out)
    while True:
        runs = list(Run.objects.filter(pk__in=run_ids).order_by("id"))
        journals: dict[UUID, list[Step]] = {run.id: [] for run in runs}
        for step in Step.objects.filter(run_id__in=run_ids):
            journals[step.run_id].append(step)
        screen.show([line for run in runs for line in describe(run, journals[run.id])] + _nobody_there(runs))
        if all(run.status in ENDED for run in runs):
            return runs
        sleep(LOOK_EVERY_SECONDS)


def describe(run: Run, journal: Sequence[Step]) -> list[str]:
    """Return the lines of one run: its head, its steps in order, its progress and how it ended."""
    lines = [f"{run.function} {run.id}  {run.status.lower()}{_when(run)}"]
    lines += [f"  {_step(step)}" for step in journal]
    known = {step.name for step in journal}
    if run.status == Status.RUNNING and run.current_step and run.current_step not in known:
        lines.append(f"  {BUSY} {run.current_step}")
    if run.progress and run.status not in ENDED:
        lines.append(f"  {BUSY} {_progress(run.progress)}")
    return [_printable(line) for line in [*lines, *_end(run)]]


def _nobody_there(runs: Sequence[Run]) -> list[str]:
    patience_ends = clock.now() - timedelta(seconds=PATIENCE_SECONDS)
    stuck = any(run.status == Status.QUEUED and run.run_at and run.run_at < patience_ends for run in runs)
    return ["No worker is running; start one with `make worker`."] if stuck and not workers_alive() else []


def _when(run: Run) -> str:
    if run.run_at is None or run.run_at <= clock.now():
        return ""
    what = f", attempt {run.attempt + 1}" if run.attempt else ""
    return f"{what} until {_local(run.run_at)}" if run.status != Status.QUEUED else f", starts at {_local(run.run_at)}"


def _step(step: Step) -> str:
    failed = len(step.attempts or [])
    match step.status:
        case StepStatus.COMPLETED:
            # A sleep takes as long as it was told to; the figure would say nothing.
            took = "" if step.op == Op.SLEEP else f"  {_span(step.started_at, step.ended_at)}"
            return f"{DONE} {step.name}{took}{f', attempt {failed + 1}' if failed else ''}"
        case StepStatus.SLEEPING if step.wake_at is not None and step.wake_at <= clock.now():
            return f"{DONE} {step.name}"
        case StepStatus.SLEEPING:
            return f"{BUSY} {step.name}  sleeping until {_local(step.wake_at)}"
        case StepStatus.FAILED:
            attempts = f"after {failed} attempts: " if failed > 1 else ""
            return f"{FAILED} {step.name}  {attempts}{_message(step.error)}"
    again = f", again at {_local(step.wake_at)}" if step.wake_at else ""
    return f"{BUSY} {step.name}  attempt {max(failed, 1)} failed: {_last_error(step)}{again}"


def _end(run: Run) -> Iterator[str]:
    took = f" in {_span(run.started_at, run.ended_at)}" if run.started_at and run.ended_at else ""
    if run.status == Status.COMPLETED:
        yield f"  {DONE} completed{took}"
        yield f"    {serialize.dumps(run.output)}"
    elif run.status == Status.FAILED:
        yield f"  {FAILED} failed{took}: {_message(run.error)}"
    elif run.status in ENDED:
        reason = _message(run.error)
        yield f"  {STOPPED} {run.status.lower()}{took}{': ' if reason else ''}{reason}"


def _progress(progress: dict[str, Any]) -> str:
    return f"{progress.get('done')}/{progress.get('total')} {progress.get('message') or ''}".rstrip()


def _last_error(step: Step) -> str:
    return _message(step.attempts[-1].get("error") if step.attempts else step.error)


def _message(error: dict[str, Any] | None) -> str:
    """Return an error's name and the last line of its message, which is what people read."""
    if not error:
        return ""
    words = (str(error.get("message") or "").strip().splitlines() or [""])[-1]
    name = str(error.get("name") or "")
    return words if not name or words.startswith(name) else f"{name}: {words}"


def _span(start: datetime, end: datetime | None) -> str:
    seconds = max(0.0, ((end or clock.now()) - start).total_seconds())
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _local(moment: datetime | None) -> str:
    local = (moment or datetime.now(UTC)).astimezone()
    return f"{local:%H:%M:%S}" if local.date() == datetime.now().astimezone().date() else f"{local:%Y-%m-%d %H:%M:%S}"


def _printable(line: str) -> str:
    # A step's name or an error may hold anything; a terminal must not obey it.
    return "".join(character if character.isprintable() else "·" for character in line)


class _Screen:
    """Where lines go: a terminal is redrawn, anything else gets the lines that are new."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._shown: list[str] = []

    def show(self, lines: list[str]) -> None:
        size = shutil.get_terminal_size()
        if not self._out.isatty() or len(lines) >= size.lines:
            self._append(lines)
        elif lines != self._shown:
            back = _REDRAW.format(lines=len(self._shown)) if self._shown else ""
            self._out.write(back + "".join(f"{line[: size.columns - 1]}\n" for line in lines))
        self._shown = lines
        self._out.flush()

    def _append(self, lines: list[str]) -> None:
        # Counted, for two steps of one name may well look the same.
        before = Counter(self._shown)
        for line in lines:
            if before[line]:
                before[line] -= 1
            else:
                self._out.write(f"{line}\n")
