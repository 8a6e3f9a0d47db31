"""The steps of capturing one pull request: each fetches a page and stores it with the note that it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from pulls.fanout import repository_of
from pulls.github import client, shapes
from pulls.models import Comment, CommentKind, Contributor, PageTag, PullRequest, PullRequestFile, Repository, storing

Note = dict[str, Any]
PER_PAGE = 100
FIRST_PAGES = {
    "files": "pulls/{}/files",
    "reviews": "pulls/{}/reviews",
    CommentKind.REVIEW: "pulls/{}/comments",
    CommentKind.ISSUE: "issues/{}/comments",
}


def people(users: Iterable[shapes.User | None]) -> dict[int, int]:
    """Store the accounts and return our keys by GitHub's."""
    rows = {user.id: user.row() for user in users if user is not None}
    storing.CONTRIBUTORS.store(list(rows.values()))
    return dict(Contributor.objects.filter(github_id__in=rows).values_list("github_id", "pk"))


def address_of(repository: Repository, rest: str) -> str:
    """Return a path of the API below a repository."""
    return f"/repos/{repository.owner}/{repository.name}/{rest}"


def save_pull(repository_id: int, number: int) -> Note:
    """Fetch a pull request with its details and store it; returns our key, its updated_at, where its files are."""
    repository = repository_of(repository_id)
    known = PullRequest.objects.filter(repository=repository, number=number).first()
    address = address_of(repository, f"pulls/{number}")
    tag = _tag(known.pk, address) if known else None
    answer = client.get(address, etag=tag.etag if tag else "")
    if answer.unchanged and tag:
        return tag.note
    pull = shapes.one(shapes.PullDetails, answer.data)
    found = people(pull.users())
    with transaction.atomic():
        storing.DETAILED.store([pull.row(repository.pk, found)])
        pk = PullRequest.objects.values_list("pk", flat=True).get(repository=repository, number=number)
        return _remember(pk, address, answer.etag, {"pull": pk, "of": pull.updated_at.isoformat()})


def find_pull(repository_id: int, number: int) -> Note:
    """Return our key and updated_at of a pull request, fetched first if it is new."""
    repository = repository_of(repository_id)
    known = PullRequest.objects.filter(repository=repository, number=number).values_list("pk", "updated_at").first()
    if known is None:
        return save_pull(repository_id, number)
    return {"pull": known[0], "of": known[1].isoformat()}


def first_page(pull: int, what: str) -> str:
    """Return where a list of a pull request begins: its files, reviews or comments, or the comments of its issue."""
    known = PullRequest.objects.select_related("repository").get(pk=pull)
    return address_of(known.repository, FIRST_PAGES[what].format(known.number) + f"?per_page={PER_PAGE}")


def save_files(pull: int, address: str | None, position: int) -> Note:
    """Store a page of changed files from a position on; returns the number of files up to its end, and the next."""

    def store(data: Any) -> Note:
        files = shapes.many(shapes.File, data)
        with transaction.atomic():
            storing.FILES.store([file.row(pull, position + nth) for nth, file in enumerate(files)])
        return {"count": position + len(files)}

    return _page(pull, address or first_page(pull, "files"), store)


def save_reviews(pull: int, address: str | None) -> Note:
    """Store a page of reviews."""

    def store(data: Any) -> Note:
        reviews = shapes.many(shapes.ReviewShape, data)
        found = people(review.user for review in reviews)
        storing.REVIEWS.store([review.row(pull, found) for review in reviews])
        return {"count": len(reviews)}

    return _page(pull, address or first_page(pull, "reviews"), store)


def save_comments(pull: int, address: str | None, kind: str) -> Note:
    """Store a page of comments; returns their ids."""

    def store(data: Any) -> Note:
        comments = shapes.many(shapes.CommentShape, data)
        found = people(comment.user for comment in comments)
        storing.COMMENTS.store([comment.row(pull, found, kind) for comment in comments])
        return {"count": len(comments), "ids": [comment.id for comment in comments]}

    return _page(pull, address or first_page(pull, kind), store)


def _page(pull: int, address: str, store: Callable[[Any], Note]) -> Note:
    """Fetch a page unless it is unchanged, and store it together with its tag; returns its note with the next page."""
    tag = _tag(pull, address)
    answer = client.get(address, etag=tag.etag if tag and _tells_its_end(tag.note) else "")
    if answer.unchanged and tag:
        return tag.note
    with transaction.atomic():
        note = store(answer.data) | {"next": answer.next, "full": len(answer.data) >= PER_PAGE}
        return _remember(pull, address, answer.etag, note)


def _tells_its_end(note: Note) -> bool:
    """Whether a page that is unchanged has no more behind it than it had.

    GitHub's etag covers the body and not the Link header: a full last page that gets a next one answers 304.
    """
    return bool(note.get("next")) or note.get("full") is False


def _tag(pull: int, address: str) -> PageTag | None:
    return PageTag.objects.filter(pull_request=pull, url=address[:1000]).first()


def _remember(pull: int, address: str, etag: str, note: Note) -> Note:
    storing.TAGS.store([{"pull_request_id": pull, "url": address[:1000], "etag": etag, "note": note}])
    return note


def finish_details(pull: int, of: str, files: int) -> None:
    """Drop the files behind the last one, and note for which updated_at the details are captured."""
    PullRequestFile.objects.filter(pull_request=pull, position__gte=files).delete()
    _captured(pull, "details_of", of)


def finish_reviews(pull: int, of: str) -> None:
    """Judge the reviews, and note for which updated_at they are captured."""
    storing.judge(pull)
    _captured(pull, "reviews_of", of)


def finish_comments(pull: int, of: str, ids: dict[str, list[int]]) -> None:
    """Drop the comments that GitHub has no more, by kind, and note for which updated_at the rest is captured."""
    for kind, seen in ids.items():
        drop_deleted(pull, kind, seen, of)
    _captured(pull, "comments_of", of)


def drop_deleted(pull: int, kind: str, ids: list[int], of: str) -> int:
    """Remove the comments that GitHub no longer has; returns how many.

    What was written after `of` may have come by another capture while this one was fetching, and stays. After a
    removal the pages are fetched anew next time, unchanged or not: should one have gone wrongly, it comes back.
    """
    known = Comment.objects.filter(pull_request=pull, kind=kind, created_at__lt=datetime.fromisoformat(of))
    gone, _ = known.exclude(github_id__in=ids).delete()
    if gone:
        PageTag.objects.filter(pull_request=pull, url__contains="/comments").delete()
    return gone


def _captured(pull: int, field: str, of: str) -> None:
    """Move a mark forward; a capture that began earlier and ends later does not move it back."""
    older = Q(**{field: None}) | Q(**{f"{field}__lt": of})
    PullRequest.objects.filter(older, pk=pull).update(**{field: of})
