"""The first page: how things stand, how the last hours went, what failed lately and what is slow."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest

from jobs import clock, identity
from jobs.admin import payload
from jobs.admin.filtering import RunFilter
from jobs.models import Run, hour
from jobs.models.standing import Standing, standing
from jobs.registry import registry
from jobs.types import Status

DAY = timedelta(hours=24)
SPANS = {"24h": ("24 hours", 24, timedelta(hours=1)), "7d": ("7 days", 28, timedelta(hours=6))}
"""What the bars can show: words, how many bars, and the time of each."""
QUEUE_TOO_OLD = timedelta(minutes=5)
FAILURES_READ = 500
GROUPS_SHOWN = 8
SLOWEST = 5
PAUSED_SHOWN = 5


@dataclass(frozen=True)
class Bar:
    """Runs of some hours, and their heights as fractions of the highest bar."""

    begin: datetime
    good: int
    bad: int
    most: int

    @property
    def good_height(self) -> float:
        """How high its lower part is."""
        return self.good / self.most

    @property
    def bad_height(self) -> float:
        """How high its failed part is."""
        return self.bad / self.most

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

    @property
    def query(self) -> str:
        """Return the address of its runs in the list; a line that has a secret in it is not named there."""
        plain = payload.raw_line(self.newest.error) == self.line
        error = self.line if plain else ""
        return RunFilter(status=Status.FAILED, function=self.function, time="24h", error=error).query()


@dataclass(frozen=True)
class Pace:
    """How long the completed runs of a function took."""

    function: str
    count: int
    p50: float
    p95: float


def context(request: HttpRequest) -> dict[str, Any]:
    """Return what the page shows; three queries, because it is read again every ten seconds."""
    if not request.user.has_perm("jobs.view_run"):
        return {"may_see": False}
    now, asked = clock.now(), request.GET.get("span", "")
    span = asked if asked in SPANS else "24h"
    stands, failed = standing(), _failures(now)
    bars, day = _picture(now, span)
    return {
        "may_see": True,
        "now": stands,
        "running": stands.of(Status.RUNNING),
        "queued": stands.of(Status.QUEUED),
        "asleep": stands.of(Status.SLEEPING, Status.WAITING),
        "late": stands.oldest is not None and now - stands.oldest > QUEUE_TOO_OLD,
        "gone": _gone(stands),
        "paused": stands.paused[:PAUSED_SHOWN],
        "span": span,
        "spans": {name: words for name, (words, *_) in SPANS.items()},
        "bars": bars,
        "failed_total": len(failed),
        "groups": _grouped(failed, now),
        "nothing_yet": not day["ended"] and not stands.live and not failed,
        **day,
    }


def _gone(stands: Standing) -> list[str]:
    """Return functions that have unfinished runs but are no longer in the code."""
    known = {function.id for function in registry.all()}
    return sorted({function for function, _ in stands.live} - known)


def _picture(now: datetime, span: str) -> tuple[list[Bar], dict[str, Any]]:
    """Return the bars, and what is said about the last 24 hours; one query."""
    _, count, width = SPANS[span]
    full = now.replace(minute=0, second=0, microsecond=0)
    last = full - timedelta(hours=full.hour % (width // timedelta(hours=1)))
    first = last - width * (count - 1)
    counted = hour.counted(min(first, full - DAY), each=True)
    day: Counter[str] = Counter()
    slots: dict[datetime, list[int]] = {first + width * n: [0, 0] for n in range(count)}
    for _, begin, status, n in counted.ended:
        if begin > full - DAY:
            day[status] += n
        if begin >= first:
            slots[first + (begin - first) // width * width][status == Status.FAILED] += n
    most = max([1, *(good + bad for good, bad in slots.values())])
    bars = [Bar(begin, good, bad, most) for begin, (good, bad) in slots.items()]
    paces = _paces(counted.took)
    return bars, {
        "ended": sum(day.values()),
        "completed": day[Status.COMPLETED],
        "failed": day[Status.FAILED],
        "failed_share": round(100 * day[Status.FAILED] / sum(day.values())) if day else 0,
        "p95": _all_together(counted.took),
        "slowest": paces[:SLOWEST],
    }


def _paces(took: list[tuple[str, int, int]]) -> list[Pace]:
    """Return the functions, the slowest first."""
    buckets: dict[str, dict[int, int]] = defaultdict(dict)
    for function, bucket, n in took:
        buckets[function][bucket] = n
    paces = [
        Pace(function, sum(each.values()), hour.percentile(each, 0.5) or 0, hour.percentile(each, 0.95) or 0)
        for function, each in buckets.items()
    ]
    return sorted(paces, key=lambda pace: pace.p95, reverse=True)


def _all_together(took: list[tuple[str, int, int]]) -> float | None:
    buckets: Counter[int] = Counter()
    for _, bucket, n in took:
        buckets[bucket] += n
    return hour.percentile(buckets, 0.95)


def _failures(now: datetime) -> list[Run]:
    recent = Run.objects.filter(status=Status.FAILED, pk__gte=identity.first_of(now - DAY)).order_by("-pk")
    return list(recent.only("function", "status", "error", "ended_at", "subject")[:FAILURES_READ])


def _grouped(runs: list[Run], now: datetime) -> list[FailureGroup]:
    """Return failed runs, those with the same function and last error line together."""
    groups: dict[tuple[str, str], FailureGroup] = {}
    for run in runs:
        line = payload.last_line(run.error)
        group = groups.setdefault((run.function, line), FailureGroup(run.function, line, run, 0, run.ended_at or now))
        group.count += 1
    return list(groups.values())[:GROUPS_SHOWN]
