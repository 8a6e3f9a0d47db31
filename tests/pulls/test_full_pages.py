"""A full page without a next one may get one without changing: GitHub's etag is of its body alone."""

import pytest

from pulls.models import Comment, PageTag, PullRequest, PullRequestFile, Repository, Review
from tests.pulls.conftest import capture_all, sync
from tests.standins import github as standin

pytestmark = pytest.mark.django_db


@pytest.fixture
def remote(github):
    """The repository at GitHub, with one pull request."""
    found = github.add("octo/hello")
    found.pulls[1] = standin.pull(1)
    return found


def grow(pull, count):
    pull.files = [standin.file(n) for n in range(count)]
    pull.reviews = [standin.review(n) for n in range(count)]
    pull.comments = [standin.code_comment(n) for n in range(count)]
    pull.issue_comments = [standin.comment(1000 + n) for n in range(count)]


@pytest.mark.parametrize("before", [100, 200])
def test_what_comes_behind_a_full_page_is_captured_in_all_four_lists(remote, repository, before):
    pull = remote.pulls[1]
    grow(pull, before)
    capture_all(repository, 1)
    grow(pull, before + 3)
    pull.about["updated_at"] = "2026-11-21T10:00:00Z"
    capture_all(repository, 1)
    assert (PullRequestFile.objects.count(), Review.objects.count()) == (before + 3, before + 3)
    assert Comment.objects.filter(kind="review").count() == before + 3
    assert Comment.objects.filter(kind="issue").count() == before + 3


def test_pages_that_were_believed_full_before_are_not_believed_now(remote, repository):
    """What an earlier version remembered does not say whether its page was full."""
    grow(remote.pulls[1], 100)
    capture_all(repository, 1)
    for tag in PageTag.objects.all():
        PageTag.objects.filter(pk=tag.pk).update(note={k: v for k, v in tag.note.items() if k != "full"})
    grow(remote.pulls[1], 101)
    capture_all(repository, 1)
    assert Comment.objects.count() == 202


def test_a_page_with_room_is_asked_for_with_its_etag(github, remote, repository):
    grow(remote.pulls[1], 199)
    capture_all(repository, 1)
    used = github.used
    capture_all(repository, 1)
    assert github.used == used


@pytest.mark.parametrize("before", [100, 150])
def test_a_pull_request_that_changed_in_the_same_second_may_lie_behind_a_full_page(remote, repository, before):
    """Those of one second are in any order, so a new one may come last."""
    remote.pulls.clear()
    for number in range(2, before + 2):
        remote.pulls[number] = standin.pull(number)
    sync(repository)
    remote.pulls[1] = standin.pull(1)
    sync(repository)
    assert PullRequest.objects.count() == before + 1


def test_the_list_of_a_small_repository_is_asked_for_with_its_etag(github, remote, repository):
    sync(repository)
    assert Repository.objects.get().etag
    sync(repository)
    assert github.asked[-1].status == 304
