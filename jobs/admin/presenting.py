"""From runs to what templates show: glyphs, words for times, steps in a line, and the runs of a product object."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.urls import NoReverseMatch, reverse

from jobs import clock
from jobs.errors import UnknownFunction
from jobs.function import Function
from jobs.lanes import Timeline
from jobs.models import LogLine, Run, Step
from jobs.registry import registry
from jobs.timeline import timeline
from jobs.types import LIVE, Status, StepStatus

GLYPHS = {
    "queued": "○",
    "running": "◐",
    "sleeping": "☾",
    "waiting": "◷",
    "retrying": "↻",
    "completed": "✓",
    "failed": "✕",
    "cancelled": "⊘",
    "skipped": "⤼",
    "pending": "○",
    "dropped": "⊘",
    "paused": "‖",
    "warn": "!",
    "info": "i",
}
MOST_LINES = 500
MOST_RUNS = 10
_FAST, _SLOW = 2, 15


@dataclass(frozen=True)
class StepMark:
    """One step in a line of steps."""

    name: str
    tone: str
    glyph: str


def relative(seconds: float) -> str:
    """Return how long ago that was, or in how long it will be."""
    distance = abs(seconds)
    if distance < 1.5:
        return "now"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if distance >= size:
            words = f"{int(distance // size)} {unit}"
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "now"


def length(seconds: float) -> str:
    """Return a length of time: 12 ms, 1.2 s, 3 min 4 s, 2 h 5 min, 3 d 4 h."""
    if 0 < seconds < 0.0005:
        return "< 1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, below, smaller in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def attempt(run: Run, tries: int) -> int:
    """Return which attempt of a run that is, 1 for the first; `tries` are the failed ones of the step it is at."""
    failed = max(run.attempt, tries)
    return max(1, failed) if run.status == Status.FAILED else failed + 1


def function_of(function_id: str) -> Function[Any] | None:
    """Return a function of the code, None for one that the code has no more."""
    try:
        return registry.get(function_id)
    except UnknownFunction:
        return None


def attempts_of(function_id: str) -> int | None:
    """Return how many attempts a function has, as far as the code still knows it."""
    function = function_of(function_id)
    return function.retries + 1 if function else None


def steps(run: Run) -> list[StepMark]:
    """Return a run's steps in order with what became of each; one more for a step that runs now."""
    now = clock.now()
    journal = list(run.journal.all())
    marks = [_mark(step.name, _tone(run, step, now)) for step in journal]
    if run.status == Status.RUNNING and run.current_step and run.current_step not in {step.name for step in journal}:
        marks.append(_mark(run.current_step, "running"))
    return marks


def _mark(name: str, tone: str) -> StepMark:
    return StepMark(name, tone, GLYPHS[tone])


def _tone(run: Run, step: Step, now: datetime) -> str:
    if step.status == StepStatus.SLEEPING:
        return "sleeping" if run.is_live and (step.wake_at is None or step.wake_at > now) else "completed"
    if step.status != StepStatus.RETRYING:
        return step.status.lower()
    if not run.is_live:
        return "failed" if run.status == Status.FAILED else "cancelled"
    return "running" if run.status == Status.RUNNING and run.current_step == step.name else "retrying"


def with_lines(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Let runs bring their log lines along in their own query."""
    oldest = LogLine.objects.filter(run_id=OuterRef("pk")).order_by("id")
    line = JSONObject(**{field: field for field in ("step", "level", "message", "at")})
    return runs.annotate(lines=ArraySubquery(oldest.values(line=line)[:MOST_LINES]))


def lines_of(run: Run) -> list[LogLine]:
    """Return a run's log lines, those it brought along if it did."""
    brought: list[dict[str, Any]] | None = vars(run).get("lines")
    if brought is None:
        return list(run.log_lines.all()[:MOST_LINES])
    return [LogLine(run_id=run.pk, **line | {"at": datetime.fromisoformat(line["at"])}) for line in brought]


def timeline_of(run: Run) -> Timeline:
    """Return a run's timeline, reading what it did not bring along."""
    return timeline(run, run.journal.all(), lines_of(run), now=clock.now())


@functools.cache
def own_packages() -> frozenset[str]:
    """Return the packages of the site's own apps, without the engine."""
    installed = (config for config in apps.get_app_configs() if "site-packages" not in config.path)
    return frozenset(config.name.partition(".")[0] for config in installed) - {"jobs"}


def blocked_words(run: Run) -> str:
    """Return in words what a due run waits behind; empty if nothing keeps it."""
    key = run.blocked_by or ""
    if not key or run.status != Status.QUEUED:
        return ""
    if key.startswith("paused "):
        return "its function is paused"
    if key.startswith("throttle "):
        return f"waits for its turn: {key.removeprefix('throttle ')}"
    return f"waits for a slot: {key}"


def interval(runs: Iterable[Run]) -> int:
    """Return after how many seconds a page with these runs is worth reading again; 0 for never."""
    statuses = {run.status for run in runs}
    if statuses & {Status.QUEUED, Status.RUNNING}:
        return _FAST
    return _SLOW if statuses & set(LIVE) else 0


def version(runs: Iterable[Run], *more: Any) -> str:
    """Return a mark that differs once something that a page shows of these runs has changed."""
    now = clock.now()
    told = [
        (run.pk.hex, run.status, run.lease, run.attempt, run.current_step, str(run.progress), _grown(run, now))
        for run in runs
    ]
    return hashlib.sha1(repr((told, more)).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:12]


def _grown(run: Run, now: datetime) -> int:
    return elapsed(run.status, run.started_at, now)


def elapsed(status: str, started: datetime | None, now: datetime) -> int:
    """Return how long a running run has run, doubling by doubling: seconds are counted by the page itself."""
    if status != Status.RUNNING or started is None:
        return 0
    return int(math.log2(1 + max(0.0, (now - started).total_seconds())))


def about(subject: str, user: AbstractBaseUser | AnonymousUser) -> dict[str, Any]:
    """Return what the card with a product object's runs shows."""
    # What on_failure does afterwards is no run of the object's own, and would hide the one that failed.
    own = Run.objects.about(subject).exclude(function__endswith="-failure")
    found = list(with_lines(own).prefetch_related("journal")[:MOST_RUNS])
    finished = sum(step.ended_at is not None for run in found for step in run.journal.all())
    told = sum(len(vars(run)["lines"]) for run in found)
    label, _, pk = subject.partition("/")
    return {
        "subject": subject,
        "address": reverse("admin:jobs_about", args=[label, pk]),
        "runs": found,
        "newest": found[0] if found else None,
        "interval": interval(found[:1]),
        "version": version(found, finished, told),
        "full": user.has_perm("jobs.view_payload"),  # type: ignore[union-attr]
        # What an error says is for those who mend it; products tell others in a sentence of their own.
        "may_see": user.has_perm("jobs.view_run"),  # type: ignore[union-attr]
        "may_open": user.has_perm("jobs.view_run") and getattr(user, "is_staff", False),  # type: ignore[union-attr]
    }


def subject_link(subject: str) -> tuple[str, str]:
    """Return words and address for the product object a run is about, without reading it from the database."""
    label, _, pk = subject.partition("/")
    try:
        model = apps.get_model(label)
        words = f"{model._meta.verbose_name} {pk}".capitalize()
    except (LookupError, ValueError):
        return subject, ""
    try:
        if hasattr(model, "get_absolute_url"):
            return words, model(pk=pk).get_absolute_url()
        return words, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return words, ""
