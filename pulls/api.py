"""The JSON API: what the pages show, for programs; every request carries `Authorization: Bearer <API key>`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from jobs.api.answers import answer, methods, refusal
from jobs.keys import key_required
from pulls import listing
from pulls.models import Contributor, PullRequest

PER_PAGE = 100


@methods("GET")
@key_required("pulls")
def index(request: HttpRequest) -> HttpResponse:
    """List pull requests, 100 a page, with the filters of the page: q, repository, state, review, size, author, quiet.

    200 {"pulls": [...], "next": address or null}; 400 names the filter that makes no sense.
    """
    form = listing.FilterForm(request.GET)
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        return refusal(400, f"{name}: {errors[0]}")
    number = request.GET.get("page", "1")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= listing.MOST // PER_PAGE):
        return refusal(400, f"page: a number from 1 to {listing.MOST // PER_PAGE}; filters lead to the others.")
    found, _ = listing.first_of(form.filters())
    start = (int(number) - 1) * PER_PAGE
    pulls = list(found.select_related("repository", "author", "merged_by")[start : start + PER_PAGE + 1])
    more = len(pulls) > PER_PAGE
    return answer(
        {"pulls": [_short(pull) for pull in pulls[:PER_PAGE]], "next": _next(request, int(number)) if more else None}
    )


def _next(request: HttpRequest, page: int) -> str:
    query = request.GET.copy()
    query["page"] = str(page + 1)
    return request.build_absolute_uri(f"{reverse('pulls_api:list')}?{query.urlencode()}")


@methods("GET")
@key_required("pulls")
def detail(request: HttpRequest, repository: int, number: int) -> HttpResponse:
    """Return one pull request with its files, reviews and comments; 404 for one that is not here."""
    found = PullRequest.objects.select_related("repository", "author", "merged_by")
    pull = found.filter(repository=repository, number=number).first()
    if pull is None:
        return refusal(404, f"There is no pull request {number} of repository {repository} here.")
    about = {
        "body": pull.body,
        "files": list(pull.files.values("filename", "previous_filename", "status", "additions", "deletions")),
        "reviews": [
            {"id": each.github_id, "author": _name(each.author), **_of(each, "state", "body", "submitted_at")}
            for each in pull.reviews.select_related("author")
        ],
        "comments": [
            {"id": each.github_id, "author": _name(each.author)}
            | _of(each, "kind", "body", "in_reply_to", "path", "line", "created_at", "updated_at")
            for each in pull.comments.select_related("author")
        ],
    }
    return answer(_short(pull) | about)


def _name(person: Contributor | None) -> str | None:
    return person.username if person else None


def _of(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _short(pull: PullRequest) -> dict[str, Any]:
    """A pull request without what belongs to it; null where it is not captured yet."""
    plain = ("number", "title", "state", "draft", "created_at", "updated_at", "closed_at", "merged_at", "labels")
    sizes = ("additions", "deletions", "changed_files", "commits")
    return {
        "repositoryId": pull.repository_id,
        "repository": str(pull.repository),
        "author": _name(pull.author),
        "merged_by": _name(pull.merged_by),
        "review_state": pull.review_state or None,
        **_of(pull, *plain, *sizes),
    }
