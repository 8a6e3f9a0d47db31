"""The lists of pull requests, people and fan-outs. GitHub has the say over them, so there is nothing to edit."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from pulls.models import Batch, Contributor, PullRequest, PullRequestQuerySet


class ReadOnly(admin.ModelAdmin):
    """What comes from GitHub is looked at, not edited."""

    list_per_page = 25
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """It comes by a capture."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The next capture would write over it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It goes with its repository."""
        return False


@admin.register(PullRequest)
class PullRequestAdmin(ReadOnly):
    """Pull requests, with what is captured of each."""

    list_display = ("number", "title", "repository", "state", "review_state", "details_of", "reviews_of", "comments_of")
    list_filter = ("repository", "state", "review_state")
    list_select_related = ("repository",)
    list_display_links = ("number", "title")
    search_fields = ("title",)
    search_help_text = "Words of a title, or a number"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Search by the index of words, as the list for everybody does."""
        found: PullRequestQuerySet = queryset
        return found.about(search_term), False


@admin.register(Contributor)
class ContributorAdmin(ReadOnly):
    """People and bots."""

    list_display = ("username", "github_id", "is_bot")
    list_filter = ("is_bot",)
    search_fields = ("username__istartswith",)


@admin.register(Batch)
class BatchAdmin(ReadOnly):
    """Fan-outs: when each was asked for, and how it has ended."""

    list_display = (
        *("id", "repository", "job_type", "created_at", "completed_at"),
        *("success_count", "failure_count", "total_count"),
    )
    list_filter = ("job_type", "repository")
    list_select_related = ("repository",)
