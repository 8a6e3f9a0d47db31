"""The product's pages: repositories, the list, one pull request, people, and weeks; and GitHub's webhook."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from pulls import charts, listing, threads
from pulls.models import PullRequest, PullRequestQuerySet, Repository

FILES_PER_PAGE = 100
may_view = permission_required("pulls.view_pullrequest", raise_exception=True)
_SHOWN = (
    *("repository", "number", "title", "state", "draft", "author", "merged_at", "created_at", "updated_at"),
    *("additions", "deletions", "changed_lines", "review_state", "comment_count", "review_comment_count", "labels"),
)


class CountedPaginator(Paginator):
    """Pages through pull requests whose number is known already."""

    def __init__(self, pulls: PullRequestQuerySet, count: int) -> None:
        super().__init__(pulls, listing.PER_PAGE)
        self.count = count


@require_safe
@login_required
@may_view
def repositories(request: HttpRequest) -> HttpResponse:
    """All repositories, how fresh each is, and the pull requests of each week."""
    total, opened = charts.by_repository(), charts.by_repository(state="open")
    known = [
        {"repository": each, "total": total.get(each.pk, 0), "open": opened.get(each.pk, 0)}
        for each in Repository.objects.all()
    ]
    weeks, most = charts.weeks()
    return render(request, "pulls/repositories.html", {"known": known, "weeks": weeks, "most": most})


@require_safe
@login_required
@may_view
def index(request: HttpRequest) -> HttpResponse:
    """Pull requests, last changed first, with their filters."""
    form = listing.FilterForm(request.GET)
    found, count = listing.first_of(form.filters())
    shown = found.select_related("repository", "author").only(
        *_SHOWN, "repository__owner", "repository__name", "author__username", "author__is_bot"
    )
    context = {
        "page": CountedPaginator(shown, count).get_page(request.GET.get("page")),
        "form": form,
        "filtered": any(request.GET.get(name) for name in form.fields if name != "sort"),
        "capped": count == listing.MOST,
    }
    return render(request, "pulls/list.html", context)


@require_safe
@login_required
@may_view
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """One pull request with its files, reviews and comments. key: repository and number, or our own key."""
    pull = get_object_or_404(PullRequest.objects.select_related("repository", "author", "merged_by"), **_where(key))
    files = Paginator(pull.files.all(), FILES_PER_PAGE).get_page(request.GET.get("files"))
    comments = list(pull.comments.select_related("author"))
    context = {
        "pull": pull,
        "files": files,
        "reviews": pull.reviews.select_related("author"),
        "discussion": threads.discussion(comments),
        "comments": len(comments),
    }
    return render(request, "pulls/detail.html", context)


def _where(key: str) -> dict[str, Any]:
    repository, dash, number = key.partition("-")
    values = [value for value in (repository, number) if value.isascii() and value.isdigit() and len(value) < 10]
    if len(values) != 1 + bool(dash):
        raise Http404
    return {"repository": int(repository), "number": int(number)} if dash else {"pk": int(repository)}


@require_safe
@login_required
@may_view
def people(request: HttpRequest) -> HttpResponse:
    """Who wrote and reviewed most lately."""
    days = request.GET.get("days", "90")
    days = days if days in charts.SPANS else "90"
    bots = request.GET.get("bots") == "1"
    context = {"leaders": charts.leaders(int(days), bots=bots), "days": days, "bots": bots, "spans": charts.SPANS}
    return render(request, "pulls/people.html", context)


@require_safe
@login_required
@may_view
def weeks(request: HttpRequest) -> HttpResponse:
    """Pull requests opened and merged each week, of all repositories or one."""
    wanted = request.GET.get("repository", "")
    chosen = Repository.objects.filter(pk=int(wanted)).first() if wanted.isascii() and wanted.isdigit() else None
    bars, most = charts.weeks(chosen)
    context = {"weeks": bars, "most": most, "chosen": chosen, "repositories": Repository.objects.all()}
    return render(request, "pulls/weeks.html", context)
