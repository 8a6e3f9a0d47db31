"""Lists of pull requests: filters as values, and what they leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import F, Q
from django.utils import timezone

from pulls.models import PullRequest, PullRequestQuerySet, Repository

PER_PAGE = 25
# Nobody turns 40 pages.
MOST = 40 * PER_PAGE
STATES = {"open": "Open", "merged": "Merged", "closed": "Closed unmerged", "draft": "Drafts"}
REVIEWS = {
    "APPROVED": "Approved",
    "CHANGES_REQUESTED": "Changes requested",
    "COMMENTED": "Commented",
    "none": "No review",
}
SIZES = {"XS": "XS: up to 9 lines", "S": "S: up to 49", "M": "M: up to 249", "L": "L: up to 999", "XL": "XL: more"}
AGES = {"7": "Quiet for a week", "30": "Quiet for a month", "90": "Quiet for 3 months"}
ORDERS = {"": "Last changed", "created": "Newest", "oldest": "Oldest", "largest": "Largest"}


@dataclass(frozen=True, slots=True)
class Filters:
    """How a list is narrowed down; empty values narrow nothing. quiet: days without a change."""

    q: str = ""
    repository: Any = None
    state: str = ""
    review: str = ""
    size: str = ""
    author: str = ""
    quiet: str = ""
    sort: str = ""


class FilterForm(forms.Form):
    """The filters of the list."""

    q = forms.CharField(required=False, max_length=200)
    repository = forms.ModelChoiceField(Repository.objects.all(), required=False)
    state = forms.ChoiceField(choices=[("", "Any state"), *STATES.items()], required=False)
    review = forms.ChoiceField(choices=[("", "Any review"), *REVIEWS.items()], required=False)
    size = forms.ChoiceField(choices=[("", "Any size"), *SIZES.items()], required=False)
    author = forms.CharField(required=False, max_length=100)
    quiet = forms.ChoiceField(choices=[("", "Any age"), *AGES.items()], required=False)
    sort = forms.ChoiceField(choices=list(ORDERS.items()), required=False)

    def filters(self) -> Filters:
        """Return the filters that make sense."""
        self.is_valid()
        return Filters(**self.cleaned_data)


def first_of(filters: Filters) -> tuple[PullRequestQuerySet, int]:
    """Return what the filters leave, in order, and how many there are, counted to MOST at the furthest.

    Asked for the newest 25 of a few, PostgreSQL may walk all pull requests by date. So a few are found first; where
    there are many, the walk is short.
    """
    left = _left_by(filters)
    pks = list(left.order_by().values_list("pk", flat=True)[:MOST])
    few = PullRequest.objects.filter(pk__in=pks) if len(pks) < MOST else left
    return _ordered(few, filters.sort), len(pks)


def _left_by(filters: Filters) -> PullRequestQuerySet:
    pulls = PullRequest.objects.about(filters.q)
    if filters.repository:
        pulls = pulls.filter(repository=filters.repository)
    if filters.author:
        pulls = pulls.filter(author__username=filters.author)
    if filters.size:
        pulls = pulls.with_size(filters.size)
    if filters.review:
        pulls = pulls.filter(review_state="" if filters.review == "none" else filters.review)
    if filters.quiet:
        pulls = pulls.filter(updated_at__lt=timezone.now() - timedelta(days=int(filters.quiet)))
    return pulls.filter(_in_state(filters.state))


def _in_state(state: str) -> Q:
    match state:
        case "open":
            return Q(state="open")
        case "merged":
            return Q(merged_at__isnull=False)
        case "closed":
            return Q(state="closed", merged_at=None)
        case "draft":
            return Q(state="open", draft=True)
    return Q()


def _ordered(pulls: PullRequestQuerySet, sort: str) -> PullRequestQuerySet:
    match sort:
        case "created":
            return pulls.order_by("-created_at")
        case "oldest":
            return pulls.order_by("created_at")
        case "largest":
            return pulls.order_by(F("changed_lines").desc(nulls_last=True), "-pk")
    return pulls.order_by("-updated_at", "-pk")
