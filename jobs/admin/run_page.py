"""What the page of one run shows; its refreshing part takes two queries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from jobs import clock
from jobs.admin import payload, presenting
from jobs.models import Run, Step, Wait
from jobs.models.standing import mark
from jobs.timeline import timeline
from jobs.types import INTERNAL_PREFIXES, Status, StepStatus

INLINE_ROWS = 100

_BUTTONS: dict[str, Callable[[Run], bool]] = {
    "retry": lambda run: run.status == Status.FAILED,
    "again": lambda run: not run.is_live,
    "cancel": lambda run: run.is_live,
    "wake": lambda run: run.status == Status.SLEEPING or _is_later(run),
}
_NEEDS = {"wake": "jobs.retry_run", "retry": "jobs.retry_run", "again": "jobs.retry_run", "cancel": "jobs.cancel_run"}


def _is_later(run: Run) -> bool:
    due = run.run_at
    return run.status == Status.QUEUED and not run.blocked_by and due is not None and due > clock.now()


def context(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    """Return all that the page shows."""
    shown = live_context(request, run_id, version(run_id))
    run = shown["run"]
    events = list(run.events.order_by("runevent__position")[: presenting.MOST_RUNS])
    presses = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Run), object_id=str(run.pk)
    ).select_related("user")
    event = events[0] if events else None
    plain = shown["full"] and len(events) == 1 and not run.trigger.startswith(INTERNAL_PREFIXES)
    editable = payload.editable(event.data) if event and plain else ""
    children = Run.objects.filter(parent_run=run.pk).order_by("pk").defer("output")[: presenting.MOST_RUNS]
    more = {"event": event, "history": list(presses), "editable": editable, "children": list(children)}
    return shown | more | {"events": events}


def live_context(request: HttpRequest, run_id: UUID, mark_of_it: str) -> dict[str, Any]:
    """Return what changes while the run goes on; `mark_of_it` is its version, read before the rest."""
    run = _read(run_id)
    lines = presenting.lines_of(run)
    user = request.user
    return {
        "run": run,
        "function": presenting.function_of(run.function),
        "attempt": presenting.attempt(run, _tries(run)),
        "subject": presenting.subject_link(run.subject) if run.subject else None,
        "blocked": presenting.blocked_words(run),
        "waits": _waits(run),
        "may_retry": not run.is_live and user.has_perm("jobs.retry_run"),
        **_timeline(run),
        "lines": lines,
        "shown_lines": len(lines) >= presenting.MOST_LINES,
        "buttons": {name for name, fits in _BUTTONS.items() if fits(run) and user.has_perm(_NEEDS[name])},
        "full": user.has_perm("jobs.view_payload"),
        "may_see": True,
        "interval": presenting.interval([run]),
        "total": _total(run),
        "version": mark_of_it,
    }


def from_context(request: HttpRequest, run: Run, step: Step) -> dict[str, Any]:
    """Return what the page asks before a new run goes on from a step of this one."""
    kept = Step.objects.filter(run_id=run.pk, index__lt=step.index, status=StepStatus.COMPLETED)
    event = run.events.order_by("runevent__position").first()
    own = run.trigger.startswith(INTERNAL_PREFIXES)
    full = event is not None and not own and request.user.has_perm("jobs.view_payload")
    editable = payload.editable(event.data) if event is not None and full else ""
    return {"run": run, "step": step, "kept": list(kept.values_list("name", flat=True)), "editable": editable}


def version(run_id: UUID) -> str:
    """Return a mark that differs once the page would; one small query, because open pages ask every two seconds."""
    found = mark(run_id)
    if found is None:
        return ""
    status, *rest, started, finished, steps, lines = found
    elapsed = presenting.elapsed(status, started, clock.now())
    told = repr((status, *rest, elapsed, finished, steps, lines)).encode("utf-8", "replace")
    return hashlib.sha1(told, usedforsecurity=False).hexdigest()[:16]


def _read(run_id: UUID) -> Run:
    """Return a run with its log lines and its journal; two queries."""
    run = presenting.with_lines(Run.objects.filter(pk=run_id)).prefetch_related("journal").first()
    if run is None:
        raise Http404("This run does not exist, or has been pruned.")
    return run


def _timeline(run: Run) -> dict[str, Any]:
    """Return the timeline; what is inside its rows is fetched when they are opened if there are very many."""
    shown = presenting.timeline_of(run)
    address = reverse("admin:jobs_run_change", args=[run.pk])
    return {"timeline": shown, "lazy": len(shown.rows) > INLINE_ROWS, "steps_url": f"{address}step/"}


def inside(request: HttpRequest, run_id: UUID, key: str) -> dict[str, Any]:
    """Return what is inside the row of one step."""
    run = get_object_or_404(Run.objects.defer("output"), pk=run_id)
    step = get_object_or_404(Step, run_id=run_id, key=key)
    lines = run.log_lines.filter(step=step.name)[: presenting.MOST_LINES]
    rows = timeline(run, [step], lines, now=clock.now()).rows
    row = next(row for row in rows if row.key == key)
    user = request.user
    may_retry = not run.is_live and user.has_perm("jobs.retry_run")
    return {"run": run, "row": row, "full": user.has_perm("jobs.view_payload"), "may_retry": may_retry, "may_see": True}


def _waits(run: Run) -> list[Wait]:
    """Return the events that a run waits for; a query of its own, for waiting runs alone."""
    if run.status != Status.WAITING:
        return []
    open_waits = Wait.objects.filter(run=run.pk).exclude(step="").order_by("pk")
    return list(open_waits.defer("snapshot", "unsure")[: presenting.MOST_RUNS])


def _tries(run: Run) -> int:
    return max((step.tries for step in run.journal.all() if step.status != StepStatus.COMPLETED), default=0)


def _total(run: Run) -> float:
    return max(0.0, ((run.ended_at or clock.now()) - run.queued_at).total_seconds())
