"""How the captures stand: gaps, the queue by status, fan-outs under way, and what GitHub still allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from jobs import clock, conf
from jobs.models import Run
from jobs.types import LIVE
from pulls import charts
from pulls.github import client
from pulls.models import Batch, Budget, Repository
from pulls.models.pull import BEHIND

FUNCTIONS = ("capture-repository-sync", "capture-pr-details", "capture-pr-reviews", "capture-pr-comments")


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing of one repository: pull requests never captured, and those that have changed since."""

    repository: Repository
    total: int = 0
    no_details: int = 0
    no_reviews: int = 0
    no_comments: int = 0
    outdated: int = 0

    @property
    def is_one(self) -> bool:
        """Whether anything is missing."""
        return bool(self.repository.is_stale or self.no_details or self.no_reviews or self.no_comments or self.outdated)


def gaps() -> list[Gap]:
    """Return the active repositories with what is missing of each; the files come with the details."""
    counted = {
        "total": charts.by_repository(),
        "no_details": charts.by_repository(details_of=None),
        "no_reviews": charts.by_repository(reviews_of=None),
        "no_comments": charts.by_repository(comments_of=None),
        "outdated": charts.by_repository(BEHIND),
    }
    return [
        Gap(repository, **{name: counts.get(repository.pk, 0) for name, counts in counted.items()})
        for repository in Repository.objects.active()
    ]


def queue() -> list[dict[str, Any]]:
    """Return the live runs of each function of the product by status."""
    prefix = conf.settings().APP_ID
    ids = [f"{prefix}-{name}" for name in FUNCTIONS]
    counted = Run.objects.filter(function__in=ids, status__in=LIVE).order_by().values_list("function", "status")
    found: dict[str, dict[str, int]] = {name: {} for name in ids}
    for function, status, count in counted.annotate(count=Count("pk")):
        found[function][status] = count
    return [
        {
            "function": name,
            "total": sum(statuses.values()),
            **{status.lower(): statuses.get(status, 0) for status in LIVE},
        }
        for name, statuses in found.items()
    ]


def batches(most: int = 10) -> list[Batch]:
    """Return the newest fan-outs; `ended` counts those of their captures that have."""
    return list(
        Batch.objects.select_related("repository")
        .annotate(ended=Count("items", filter=~Q(items__outcome="")), planned=Count("items"))
        .order_by("-pk")[:most]
    )


def budget() -> dict[str, Any]:
    """Return what our own count says is left, without asking GitHub."""
    row = Budget.objects.filter(pk=client.budget_key()).first()
    rules, now = client.rules(), clock.now()
    ceiling = row.ceiling if row else rules.ceiling
    over = row is None or row.reset_at <= now
    return {
        "token": bool(settings.GITHUB_TOKEN),
        "ceiling": ceiling,
        "remaining": ceiling if row is None or over else max(0, row.remaining),
        "reserve": min(rules.reserve, ceiling // 10),
        "reset_at": None if row is None or over else row.reset_at,
        "blocked_until": row.blocked_until if row and row.blocked_until and row.blocked_until > now else None,
        "asked": row.asked if row else 0,
        "refused": row.refused if row else 0,
    }
