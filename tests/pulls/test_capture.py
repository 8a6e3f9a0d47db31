"""Capturing one pull request: ghosts, deleted branches, force-pushes, deletions, refused events, and fan-outs."""

from datetime import timedelta

import pytest

import jobs
from jobs import actions, testing
from jobs.models import Event, Run
from pulls import capturing, events, functions
from pulls.models import Batch, BatchItem, Comment, Contributor, PullRequest, PullRequestFile, Review
from tests.pulls.conftest import capture, capture_all, drain_hours, sync
from tests.standins import github as standin

pytestmark = pytest.mark.django_db


@pytest.fixture
def remote(github):
    """The repository at GitHub, with one pull request."""
    found = github.add("octo/hello")
    found.pulls[1] = standin.pull(1)
    return found


def stored(model, **more):
    return list(model.objects.filter(**more).order_by("pk").values_list("github_id", flat=True))


def test_ghosts_are_authors_without_a_row(remote, repository):
    pull = remote.pulls[1]
    pull.about["user"] = None
    pull.reviews = [standin.review(1, user=None, state="approved")]
    pull.comments = [standin.code_comment(1, user=None)]
    pull.issue_comments = [standin.comment(2, user=None)]
    capture_all(repository, 1)
    assert Contributor.objects.count() == 0
    assert PullRequest.objects.get().author is None
    assert Review.objects.get(author=None).state == "APPROVED"
    assert Comment.objects.filter(author=None).count() == 2


def test_a_pull_request_of_a_deleted_fork_and_branch_is_stored(remote, repository):
    remote.pulls[1].about |= {"head": {"ref": "gone", "sha": "1" * 40, "repo": None}, "body": None, "labels": []}
    capture_all(repository, 1)
    pull = PullRequest.objects.get()
    assert (pull.head_ref, pull.head_repository, pull.body) == ("gone", "", "")


def test_text_that_postgresql_refuses_is_stored_without_it(remote, repository):
    remote.pulls[1].about |= {"title": "a\0b \ud800 c", "body": "\U0001f600"}
    capture_all(repository, 1)
    assert (PullRequest.objects.get().title, PullRequest.objects.get().body) == ("ab ? c", "\U0001f600")


def test_bots_are_told_from_people(remote, repository):
    remote.pulls[1].about["user"] = standin.user(1, login="renovate[bot]", type="Bot")
    capture_all(repository, 1)
    assert Contributor.objects.get(username="renovate[bot]").is_bot


def test_a_pending_review_has_no_time_and_a_dismissed_one_counts_no_more(remote, repository):
    pull = remote.pulls[1]
    pull.reviews = [
        standin.review(1, state="PENDING", submitted_at=None),
        standin.review(2, state="CHANGES_REQUESTED"),
        standin.review(3, state="APPROVED"),
    ]
    capture_all(repository, 1)
    assert PullRequest.objects.get().review_state == "CHANGES_REQUESTED"
    pull.reviews[1]["state"] = "DISMISSED"
    capture(events.REVIEWS, repository, 1)
    assert PullRequest.objects.get().review_state == "APPROVED"
    assert Review.objects.get(state="PENDING").submitted_at is None


def test_what_authors_say_of_their_own_work_is_no_verdict(remote, repository):
    pull = remote.pulls[1]
    pull.reviews = [standin.review(1, user=pull.about["user"], state="APPROVED")]
    capture_all(repository, 1)
    assert PullRequest.objects.get().review_state == "COMMENTED"


def test_a_force_push_leaves_the_files_that_there_are_now(remote, repository):
    pull = remote.pulls[1]
    pull.files = [standin.file(n) for n in range(130)]
    capture_all(repository, 1)
    pull.files = [standin.file(n) for n in range(3, 8)]
    pull.about |= {"head": {"ref": "topic", "sha": "f" * 40, "repo": None}, "updated_at": f"{standin.day(2)}T00:00:00Z"}
    capture(events.DETAILS, repository, 1)
    assert [file.filename for file in PullRequestFile.objects.all()] == [f"src/part_{n:04d}.py" for n in range(3, 8)]
    assert PullRequest.objects.get().head_sha == "f" * 40


def test_three_thousand_files_are_read_page_by_page(github, remote, repository):
    remote.pulls[1].files = [standin.file(n) for n in range(3100)]
    run = capture(events.DETAILS, repository, 1)
    assert run.output == "3000 files"
    assert len(github.requests("/files")) == 30


def test_a_comment_that_was_deleted_at_github_goes_and_others_stay(remote, repository):
    pull = remote.pulls[1]
    pull.comments = [standin.code_comment(n) for n in range(130)]
    pull.issue_comments = [standin.comment(1)]
    capture_all(repository, 1)
    del pull.comments[5]
    capture(events.COMMENTS, repository, 1)
    assert len(stored(Comment, kind="review")) == 129
    assert 300_005 not in stored(Comment, kind="review")
    assert stored(Comment, kind="issue") == [300_001]


def test_a_comment_that_came_while_a_capture_was_fetching_stays(remote, repository):
    remote.pulls[1].issue_comments = [standin.comment(1)]
    capture_all(repository, 1)
    pull = PullRequest.objects.get()
    late = Comment(pull_request=pull, github_id=9, kind="issue", body="late")
    late.created_at = late.updated_at = pull.updated_at + timedelta(seconds=1)
    late.save()
    capture(events.COMMENTS, repository, 1)
    assert Comment.objects.filter(pk=late.pk).exists()


def test_the_same_number_may_be_a_comment_of_each_kind(remote, repository):
    remote.pulls[1].comments = [standin.code_comment(1)]
    remote.pulls[1].issue_comments = [standin.comment(1)]
    capture_all(repository, 1)
    assert sorted(Comment.objects.values_list("kind", flat=True)) == ["issue", "review"]


def test_an_older_answer_does_not_overwrite_a_newer_one(remote, repository):
    remote.pulls[1].about |= {"updated_at": f"{standin.day(3)}T00:00:00Z", "title": "newer"}
    capture_all(repository, 1)
    remote.pulls[1].about |= {"updated_at": f"{standin.day(4)}T00:00:00Z", "title": "older"}
    capture(events.DETAILS, repository, 1)
    assert PullRequest.objects.get().title == "newer"


def test_a_pull_request_that_is_not_there_fails_in_words(remote, repository):
    run = capture(events.DETAILS, repository, 99)
    assert run.status == "FAILED"
    assert run.error["message"].startswith("GitHub has nothing at /repos/octo/hello/pulls/99")


def test_an_answer_that_lacks_what_is_needed_is_asked_for_again(github, remote, repository):
    github.faults("/pulls/1", standin.Reply(200, {"id": 1, "number": 1}))
    assert capture(events.DETAILS, repository, 1).status == "COMPLETED"
    assert PullRequest.objects.get().github_id == 10_001


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"repositoryId": "octo/hello", "prNumber": 1}, "repositoryId: “octo/hello” is no id; send the number"),
        ({"repositoryId": "7", "prNumber": 1}, "repositoryId: “7” is no id"),
        ({"repositoryId": True, "prNumber": 1}, "“True” is no id"),
        ({"repositoryId": {"owner": "octo"}, "prNumber": 1}, "is no id"),
        ({"owner": "octo", "repo": "hello", "prNumber": 1}, "The event has no repositoryId."),
        ({"repositoryId": 12156762, "prNumber": 1}, "There is no repository 12156762; repositoryId is the number of a"),
        ({"repositoryId": 1}, "The event has no prNumber."),
        ({"repositoryId": 1, "prNumber": 0}, "prNumber: Input should be greater than or equal to 1."),
        ({"repositoryId": 1, "prNumber": 1, "priority": "soon"}, "priority: Input should be 'critical', 'high'"),
    ],
)
@pytest.mark.parametrize("name", list(events.NAMES.values()))
def test_an_event_that_makes_no_sense_is_refused_in_words(github, repository, name, data, words):
    [event] = jobs.send_sync(jobs.Event(name=name, data=data))
    drain_hours(0)
    run = Run.objects.get(events=event)
    assert run.status == "FAILED"
    assert words in run.error["message"]
    assert github.asked == []


NOBODY = {"id": 10137, "login": "ghost", "type": "User"}


@pytest.mark.parametrize("gone", [None, NOBODY])
def test_two_deleted_accounts_are_two_reviewers(remote, repository, gone):
    remote.pulls[1].reviews = [
        standin.review(1, user=gone, state="CHANGES_REQUESTED", submitted_at="2026-11-10T09:00:00Z"),
        standin.review(2, user=gone, state="APPROVED", submitted_at="2026-11-11T09:00:00Z"),
    ]
    capture_all(repository, 1)
    assert PullRequest.objects.get().review_state == "CHANGES_REQUESTED"


@pytest.mark.parametrize("gone", [None, NOBODY])
def test_a_deleted_reviewer_is_not_the_deleted_author(remote, repository, gone):
    remote.pulls[1].about["user"] = gone
    remote.pulls[1].reviews = [standin.review(1, user=gone, state="APPROVED")]
    capture_all(repository, 1)
    assert PullRequest.objects.get().review_state == "APPROVED"


def test_one_reviewers_newest_verdict_counts(remote, repository):
    remote.pulls[1].reviews = [
        standin.review(1, user=standin.user(3), state="CHANGES_REQUESTED", submitted_at="2026-11-10T09:00:00Z"),
        standin.review(2, user=standin.user(3), state="APPROVED", submitted_at="2026-11-11T09:00:00Z"),
    ]
    capture_all(repository, 1)
    assert PullRequest.objects.get().review_state == "APPROVED"


def test_the_functions_are_limited_as_their_page_says():
    limits = {
        function.fn_id: (
            [(each.limit, each.key) for each in function.concurrency],
            function.retries,
            function.throttle and (function.throttle.limit, function.throttle.period, function.throttle.key),
        )
        for function in (*functions.CAPTURES.values(), functions.capture_repository_sync)
    }
    each, minute = [(10, "event.data.repositoryId")], timedelta(minutes=1)
    assert limits == {
        "capture-pr-details": (each, 3, (50, minute, "event.data.priority")),
        "capture-pr-reviews": (each, 3, (100, minute, None)),
        "capture-pr-comments": (each, 3, (100, minute, None)),
        "capture-repository-sync": ([(5, None), (1, "event.data.repositoryId")], 2, None),
    }


@pytest.mark.parametrize(("level", "seconds"), [("critical", 600), ("high", 300), ("medium", 0), ("low", -300)])
def test_the_level_is_the_priority_of_the_run(repository, level, seconds):
    data = {"repositoryId": repository.pk, "prNumber": 1, "priority": level}
    for name in events.NAMES.values():
        [event] = jobs.send_sync(jobs.Event(name=name, data=data))
        assert Run.objects.get(events=event).priority == seconds


def completed():
    return sorted(
        (e.data["jobType"], e.data["successCount"], e.data["failureCount"], e.data["totalCount"])
        for e in Event.objects.filter(name=events.COMPLETED)
    )


def test_the_end_of_a_fan_out_is_told_once_with_its_counts(github, remote, repository):
    remote.pulls[2] = standin.pull(2)
    github.faults("/pulls/2/reviews", standin.Reply(403, {"message": "Not you"}))
    sync(repository)
    assert completed() == [("comments", 2, 0, 2), ("details", 2, 0, 2), ("reviews", 1, 1, 2)]
    assert {e.data["repositoryId"] for e in Event.objects.filter(name=events.COMPLETED)} == {repository.pk}
    failed = Run.objects.get(function__endswith="-capture-pr-reviews", status="FAILED")
    assert actions.retry(failed, by="opal")
    drain_hours()
    assert BatchItem.objects.exclude(outcome="success").count() == 0
    assert len(completed()) == 3


def test_a_cancelled_capture_does_not_keep_its_fan_out_waiting(github, remote, repository):
    github.faults("/pulls/1/reviews", *[standin.Reply(500, {"message": "Oops"})] * 2)
    sync(repository, hours=0)
    run = Run.objects.get(function__endswith="-capture-pr-reviews")
    assert run.status == "SLEEPING"
    assert len(completed()) == 2
    actions.cancel(run, by="opal")
    testing.drain()
    assert ("reviews", 0, 1, 1) in completed()


def test_a_sync_that_fails_half_way_still_ends_what_it_has_fanned_out(github, remote, repository, monkeypatch):
    monkeypatch.setattr(capturing, "PER_PAGE", 2)
    for number in range(2, 6):
        remote.pulls[number] = standin.pull(number)
    github.faults("/repositories/700001/pulls", standin.Reply(403, {"message": "Not you"}))
    assert sync(repository).status == "FAILED"
    assert Batch.objects.filter(completed_at=None).count() == 0
    assert completed() == [(kind, 2, 0, 2) for kind in ("comments", "details", "reviews")]
