"""The first page: how things stand, and what failed lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, DateTimeField, F, Min, Sum, Value
from django.db.models.functions import TruncHour
from django.http import HttpRequest

from jobs import clock
from jobs.admin import identity, payload
from jobs.admin.counting import UNFINISHED
from jobs.models import Run, Worker
from jobs.types import LIVE, Status

DAY = timedelta(hours=24)
NO_HEARTBEAT = timedelta(seconds=60)
QUEUE_TOO_OLD = timedelta(minutes=5)
FAILURES_READ = 200
GROUPS_SHOWN = 8


@dataclass(frozen=True)
class Hour:
    """One bar: runs of an hour, and their heights as fractions of the highest bar."""

    begin: datetime
    good: int
    bad: int
    good_height: float
    bad_height: float

    @property
    def top(self) -> float:
        """Where the bar begins, as a fraction from above."""
        return 1 - self.good_height - self.bad_height

    @property
    def middle(self) -> float:
        """Where its failed part ends and the rest begins."""
        return 1 - self.good_height


@dataclass
class FailureGroup:
    """Failed runs of one function with the same last line of error."""

    function: str
    line: str
    newest: Run
    count: int
    seen: datetime


def context(request: HttpRequest) -> dict[str, Any]:
    """Return what the page shows; two queries, because it is read again every ten seconds."""
    if not request.user.has_perm("jobs.view_run"):
        return {"may_see": False}
    now = clock.now()
    unfinished, ended, workers = _counted(now)
    oldest = unfinished[Status.QUEUED]["first"]
    asleep = [unfinished[status] for status in (Status.SLEEPING, Status.WAITING)]
    failed, total = _ended_as(ended, Status.FAILED), sum(row["n"] for row in ended)
    return {
        "may_see": True,
        "running": unfinished[Status.RUNNING]["n"],
        "queued": unfinished[Status.QUEUED]["n"],
        "asleep": sum(row["n"] for row in asleep),
        "oldest": oldest,
        "wakes": min((row["first"] for row in asleep if row["first"]), default=None),
        "workers": workers,
        "late": oldest is not None and now - oldest > QUEUE_TOO_OLD,
        "completed": _ended_as(ended, Status.COMPLETED),
        "failed": failed,
        "failed_share": round(100 * failed / total) if total else 0,
        "hours": _hours(ended, now),
        "groups": _failures(now),
        "nothing_yet": not total and not any(row["n"] for row in unfinished.values()),
    }


def _ended_as(ended: list[dict[str, Any]], status: Status) -> int:
    return sum(row["n"] for row in ended if row["kind"] == status)


def _counted(now: datetime) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """Count unfinished runs by status, the ended ones of a day by status and hour, and workers, in one query."""
    nothing, no_time = Value(0), Value(None, output_field=DateTimeField())
    recent: Any = Run.objects.ended().filter(pk__gte=identity.first_of(now - DAY)).order_by()
    recent = recent.annotate(kind=F("status"), hour=TruncHour("queued_at")).values("kind", "hour")
    recent = recent.annotate(n=Count("pk"), first=Min("queued_at"), in_use=nothing, room=nothing)
    still: Any = Run.objects.filter(UNFINISHED).order_by().annotate(kind=F("status"), hour=no_time)
    still = still.values("kind", "hour").annotate(n=Count("pk"), first=Min("run_at"), in_use=nothing, room=nothing)
    alive: Any = Worker.objects.filter(seen_at__gte=now - NO_HEARTBEAT).order_by()
    alive = alive.annotate(kind=Value("workers"), hour=no_time).values("kind", "hour")
    alive = alive.annotate(n=Count("pk"), first=Min("seen_at"), in_use=Sum("busy"), room=Sum("slots"))
    # The first part's converters are the whole union's, and only the hours need theirs.
    rows: list[dict[str, Any]] = list(recent.union(still, alive, all=True))
    empty = {"n": 0, "first": None, "in_use": 0, "room": 0}
    found = {row["kind"]: row for row in rows if row["hour"] is None}
    live: dict[str, dict[str, Any]] = {status: found.get(status, empty) for status in LIVE}
    return live, [row for row in rows if row["hour"]], found.get("workers", empty)


def _hours(ended: list[dict[str, Any]], now: datetime) -> list[Hour]:
    """Return how many runs ended well and badly, by the hour they were queued; the last 24, oldest first."""
    first = now.replace(minute=0, second=0, microsecond=0) - DAY + timedelta(hours=1)
    hours = {first + timedelta(hours=n): [0, 0] for n in range(24)}
    for row in ended:
        if row["hour"] in hours:
            hours[row["hour"]][row["kind"] == Status.FAILED] += row["n"]
    most = max([1, *(good + bad for good, bad in hours.values())])
    return [Hour(hour, good, bad, good / most, bad / most) for hour, (good, bad) in hours.items()]


def _failures(now: datetime) -> list[FailureGroup]:
    """Return the failed runs of a day, those with the same function and last error line together."""
    recent = Run.objects.filter(status=Status.FAILED, pk__gte=identity.first_of(now - DAY)).order_by("-pk")
    groups: dict[tuple[str, str], FailureGroup] = {}
    for run in recent.only("function", "status", "error", "ended_at", "subject")[:FAILURES_READ]:
        line = payload.last_line(run.error)
        group = groups.setdefault((run.function, line), FailureGroup(run.function, line, run, 0, run.ended_at or now))
        group.count += 1
    return list(groups.values())[:GROUPS_SHOWN]
