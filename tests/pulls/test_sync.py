"""A sync from its event to the last capture: what is asked for, what is stored, and what a second one asks."""

import pytest

from pulls.models import Comment, PullRequest, PullRequestFile, Repository, Review
from tests.pulls.conftest import sync
from tests.standins import github as standin

pytestmark = pytest.mark.django_db


def test_a_sync_captures_every_pull_request_with_all_that_belongs_to_it(github, repository):
    remote = github.add("octo/hello")
    for number in range(1, 131):
        remote.pulls[number] = standin.pull(number)
    full = remote.pulls[1]
    full.files = [standin.file(n) for n in range(250)]
    full.reviews = [standin.review(n) for n in range(250)]
    full.comments = [standin.code_comment(n) for n in range(250)]
    full.issue_comments = [standin.comment(n) for n in range(120)]
    run = sync(repository)
    assert run.status == "COMPLETED", run.error
    assert PullRequest.objects.count() == 130
    pull = PullRequest.objects.get(number=1)
    assert (pull.files.count(), pull.reviews.count(), pull.comments.count()) == (250, 250, 370)
    assert PullRequestFile.objects.count() == 250 + 129
    assert not PullRequest.objects.exclude(details_of__isnull=False, reviews_of__isnull=False).exists()
    assert Review.objects.count() == 250
    assert Comment.objects.count() == 370
    assert Repository.objects.get().github_id == 700_001
