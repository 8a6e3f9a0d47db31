"""The Schedules and Workers pages."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cronsim import CronSim
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from jobs import clock, conf, schedule
from jobs.admin import limits, presenting
from jobs.admin.pages import ConsolePage, Route, posted
from jobs.models import Run, Schedule, Worker
from jobs.models.standing import standing
from jobs.types import Status

# Longer silent ones are history that the engine has not swept yet.
FORGET_AFTER = timedelta(hours=1)
NEXT = 3
RUNS_SHOWN = 50


@dataclass(frozen=True)
class Tick:
    """One schedule as people read it."""

    schedule: Schedule
    words: str
    following: list[datetime]
    last: Run | None
    in_code: bool


class SchedulePages(ConsolePage):
    """The list of cron triggers."""

    def routes(self) -> list[Route]:
        """Return the actions on schedules."""
        return [
            ("<int:schedule_id>/start/", "start", self.start),
            ("<int:schedule_id>/pause/", "pause", self.pause),
            ("<int:schedule_id>/resume/", "resume", self.resume),
        ]

    def listing(self, request: HttpRequest) -> dict[str, Any]:
        """Return each schedule with its next times and its last run."""
        schedules = list(Schedule.objects.order_by("next_at"))
        last = Run.objects.defer("output").in_bulk([s.last_run for s in schedules if s.last_run])
        return {"ticks": [_tick(each, last.get(each.last_run) if each.last_run else None) for each in schedules]}

    @posted
    def start(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        """Start one run now, as the schedule would; its next times stay."""
        self.require(request, "view_schedule", "send_event")
        ticking = get_object_or_404(Schedule, pk=schedule_id)
        function = presenting.function_of(ticking.function)
        if function is None:
            messages.error(request, f"{ticking.function} is no longer in the code.")
            return redirect("admin:jobs_schedule_changelist")
        run_id = schedule.start(function, ticking.cron, ticking.timezone, sender=request.user.get_username())
        self.log_change(request, ticking, "Run now.")
        messages.success(request, f"Started {function.id}, as its schedule would.")
        return redirect("admin:jobs_run_change", run_id)

    @posted
    def pause(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        """Let the ticks of a schedule start nothing until it goes on."""
        return self._set(request, schedule_id, paused=True)

    @posted
    def resume(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        """Let a schedule go on at its next tick."""
        return self._set(request, schedule_id, paused=False)

    def _set(self, request: HttpRequest, schedule_id: int, *, paused: bool) -> HttpResponse:
        self.require(request, "view_schedule", "pause_function")
        ticking = get_object_or_404(Schedule, pk=schedule_id)
        if Schedule.objects.filter(pk=schedule_id, paused=not paused).update(paused=paused):
            self.log_change(request, ticking, "Paused." if paused else "Resumed.")
            words = "is paused; what it misses is not caught up" if paused else "goes on at its next tick"
            messages.success(request, f"The schedule of {ticking.function} {words}.")
        return redirect("admin:jobs_schedule_changelist")


def _tick(ticking: Schedule, last: Run | None) -> Tick:
    zone = ZoneInfo(ticking.timezone)
    following = list(islice(CronSim(ticking.cron, clock.now().astimezone(zone)), NEXT))
    known = presenting.function_of(ticking.function) is not None
    return Tick(ticking, limits.cron_words(ticking.cron), following, last, known)


class WorkerPages(ConsolePage):
    """The list of worker processes."""

    def listing(self, request: HttpRequest) -> dict[str, Any]:
        """Return the workers heard of lately, which of them live, and what they run."""
        now = clock.now()
        silent = timedelta(seconds=conf.settings().SILENT_SECONDS)
        workers = list(Worker.objects.filter(seen_at__gte=now - FORGET_AFTER).order_by("host", "pid"))
        running: dict[UUID | None, list[Run]] = defaultdict(list)
        held = Run.objects.filter(status=Status.RUNNING).order_by("started_at")
        for run in held.only("function", "worker", "current_step", "started_at", "status", "ended_at")[:RUNS_SHOWN]:
            running[run.worker].append(run)
        stands = standing()
        return {
            "workers": [(worker, now - worker.seen_at < silent, running[worker.pk]) for worker in workers],
            "now": stands,
            "queued": stands.of(Status.QUEUED),
        }


def register() -> None:
    """Put the pages on the site."""
    admin.site.register(Schedule, SchedulePages)
    admin.site.register(Worker, WorkerPages)
