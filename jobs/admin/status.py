"""The Schedules and Workers pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from jobs import clock, conf
from jobs.admin.pages import ConsolePage
from jobs.models import Run, Schedule, Worker

# Longer silent ones are history that the engine has not swept yet.
FORGET_AFTER = timedelta(hours=1)


class SchedulePages(ConsolePage):
    """The list of cron triggers."""

    def listing(self, request: HttpRequest) -> dict[str, Any]:
        """Return each schedule with its last run."""
        schedules = list(Schedule.objects.order_by("next_at"))
        last = Run.objects.defer("output").in_bulk([s.last_run for s in schedules if s.last_run])
        return {"schedules": [(schedule, last.get(schedule.last_run)) for schedule in schedules]}


class WorkerPages(ConsolePage):
    """The list of worker processes."""

    def listing(self, request: HttpRequest) -> dict[str, Any]:
        """Return the workers heard of lately, and which of them live."""
        now = clock.now()
        silent = timedelta(seconds=conf.settings().SILENT_SECONDS)
        workers = list(Worker.objects.filter(seen_at__gte=now - FORGET_AFTER).order_by("host", "pid"))
        return {"workers": [(worker, now - worker.seen_at < silent) for worker in workers]}


def register() -> None:
    """Put the pages on the site."""
    admin.site.register(Schedule, SchedulePages)
    admin.site.register(Worker, WorkerPages)
