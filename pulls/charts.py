"""Figures over time and people: pull requests a week as bars, and who writes and reviews most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncWeek
from django.utils import timezone

from pulls.models import Contributor, PullRequest, Repository, Review

WEEKS = 26
SPANS = {"30": "30 days", "90": "90 days", "365": "a year"}
MOST_PEOPLE = 50


@dataclass(frozen=True, slots=True)
class Week:
    """A week from its Monday (UTC), and where its two bars are: percentages as SVG takes them."""

    begin: datetime
    opened: int
    merged: int
    x_opened: str
    x_merged: str
    width: str
    opened_y: str
    opened_height: str
    merged_y: str
    merged_height: str


def weeks(repository: Repository | None = None) -> tuple[list[Week], int]:
    """Return the last 26 weeks, the one that runs now included, and the most of any of them."""
    now = timezone.now()
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [monday - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    pulls = PullRequest.objects.filter(repository=repository) if repository else PullRequest.objects.all()
    opened, merged = (_by_week(pulls, field, begins[0]) for field in ("created_at", "merged_at"))
    most = max([*opened.values(), *merged.values(), 1])
    counted = [(begin, opened.get(begin, 0), merged.get(begin, 0)) for begin in begins]
    return [_week(nth, *week, most) for nth, week in enumerate(counted)], most


def _by_week(pulls: QuerySet[PullRequest], field: str, since: datetime) -> dict[Any, int]:
    counted = pulls.filter(**{f"{field}__gte": since}).annotate(week=TruncWeek(field)).order_by()
    return dict(counted.values("week").annotate(count=Count("*")).values_list("week", "count"))


def by_repository(*conditions: Q, **which: Any) -> dict[int, int]:
    """Return how many pull requests each repository has, all or such ones; an index answers it."""
    counted = (
        PullRequest.objects.filter(*conditions, **which).order_by().values("repository").annotate(count=Count("*"))
    )
    return dict(counted.values_list("repository", "count"))


def _week(nth: int, begin: datetime, opened: int, merged: int, most: int) -> Week:
    slot = 100 / WEEKS
    heights = [100 * count / most for count in (opened, merged)]
    return Week(
        begin,
        opened,
        merged,
        _percent(nth * slot),
        _percent((nth + 0.44) * slot),
        _percent(0.4 * slot),
        _percent(100 - heights[0]),
        _percent(heights[0]),
        _percent(100 - heights[1]),
        _percent(heights[1]),
    )


def _percent(value: float) -> str:
    return f"{value:.2f}%"


@dataclass(frozen=True, slots=True)
class Standing:
    """What one person did in a span."""

    person: Contributor
    opened: int
    merged: int
    reviews: int


def leaders(days: int, *, bots: bool = False) -> list[Standing]:
    """Return who has merged, reviewed and opened most in the last days; bots only if they are wanted."""
    since = timezone.now() - timedelta(days=days)
    merged = _count(PullRequest.objects.filter(merged_at__gte=since))
    opened = _count(PullRequest.objects.filter(created_at__gte=since))
    reviews = _count(Review.objects.filter(submitted_at__gte=since))
    known = merged.keys() | opened.keys() | reviews.keys()
    people = Contributor.objects.filter(pk__in=known)
    standings = [
        Standing(person, opened.get(person.pk, 0), merged.get(person.pk, 0), reviews.get(person.pk, 0))
        for person in (people if bots else people.filter(is_bot=False))
    ]
    standings.sort(key=lambda one: (-one.merged, -one.reviews, -one.opened, one.person.username))
    return standings[:MOST_PEOPLE]


def _count(rows: QuerySet[Any]) -> dict[int, int]:
    """Return how many rows each author has; ghosts have no name to stand under."""
    by_author = rows.exclude(author=None).order_by().values("author").annotate(count=Count("*"))
    return dict(by_author.values_list("author", "count"))
