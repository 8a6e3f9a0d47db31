"""GitHub's limits under the engine: work moves to the reset, nobody sleeps, nothing is lost and nothing exceeded."""

import time
from datetime import timedelta

import pytest

import jobs
from jobs import clock, testing
from jobs.models import Run
from pulls import events
from pulls.models import Budget, Comment, PullRequest, Review
from tests.pulls.conftest import drain_hours, sync
from tests.standins import github as standin

pytestmark = pytest.mark.django_db


def send(name, repository, number, priority="medium"):
    data = {"repositoryId": repository.pk, "prNumber": number, "priority": priority}
    [event] = jobs.send_sync(jobs.Event(name=name, data=data))
    return event


def test_hitting_the_limit_moves_the_run_to_the_reset_and_holds_no_worker(github, repository):
    github.add("octo/hello").pulls[1] = standin.pull(1)
    github.used, github.reset_at = github.limit, clock.now() + timedelta(minutes=50)
    event = send(events.DETAILS, repository, 1)
    began = time.monotonic()
    testing.drain()
    assert time.monotonic() - began < 5
    run = Run.objects.get(events=event)
    assert run.status == "SLEEPING"
    assert run.run_at >= github.reset_at - timedelta(seconds=1)
    assert len(github.asked) == 1
    with testing.shift_clock(timedelta(minutes=49)):
        assert testing.drain() == 0
    with testing.shift_clock(timedelta(minutes=52)):
        testing.drain()
        run.refresh_from_db()
        assert run.status == "COMPLETED"
    assert github.exceeded == 1


def test_a_capture_that_takes_several_windows_completes(github, repository, settings):
    """26 pages at 6 requests an hour: six windows, more than a step has attempts."""
    settings.GITHUB_RESERVE, github.limit = 1, 6
    remote = github.add("octo/hello")
    pull = remote.pulls[1] = standin.pull(1)
    pull.files = [standin.file(n) for n in range(2500)]
    github.reset_at, github.used = clock.now() + timedelta(minutes=59), 1
    event = send(events.DETAILS, repository, 1)
    drain_hours(9, timedelta(minutes=20))
    run = Run.objects.get(events=event)
    assert (run.status, run.output) == ("COMPLETED", "2500 files")
    assert github.exceeded <= 1


def test_a_step_may_wait_more_often_than_it_has_attempts(github, repository):
    github.add("octo/hello").pulls[1] = standin.pull(1)
    said = {"message": "You have exceeded a secondary rate limit"}
    github.faults("/pulls/1", *[standin.Reply(403, said, {"Retry-After": "60"})] * 6)
    event = send(events.DETAILS, repository, 1)
    drain_hours(1, timedelta(minutes=2))
    assert Run.objects.get(events=event).status == "COMPLETED"


def test_waiting_for_a_limit_uses_up_no_retry_of_an_error(github, repository):
    github.add("octo/hello").pulls[1] = standin.pull(1)
    limit = standin.Reply(403, {"message": "You have exceeded a secondary rate limit"}, {"Retry-After": "60"})
    error = standin.Reply(502, {"message": "Bad gateway"})
    github.faults("/pulls/1", error, limit, limit, error, limit, error)
    event = send(events.DETAILS, repository, 1)
    drain_hours(2, timedelta(minutes=2))
    run = Run.objects.get(events=event)
    assert run.status == "COMPLETED", run.error


def test_errors_alone_still_end_a_capture(github, repository):
    github.add("octo/hello").pulls[1] = standin.pull(1)
    github.faults("/pulls/1", *[standin.Reply(502, {"message": "Bad gateway"})] * 4)
    event = send(events.DETAILS, repository, 1)
    drain_hours(1, timedelta(minutes=2))
    assert Run.objects.get(events=event).status == "FAILED"


def test_a_repository_is_captured_completely_over_several_windows_and_nothing_is_exceeded(github, repository, settings):
    settings.GITHUB_RESERVE, github.limit = 10, 100
    remote = github.add("octo/hello")
    for number in range(1, 41):
        remote.pulls[number] = standin.pull(number)
    for number in (1, 2):
        pull, base = remote.pulls[number], number * 1000
        pull.reviews = [standin.review(base + n) for n in range(250)]
        pull.comments = [standin.code_comment(base + n) for n in range(250)]
        pull.issue_comments = [standin.comment(base + n) for n in range(250)]
    started = clock.now()
    sync(repository, hours=12)
    assert not Run.objects.live().exists()
    assert not Run.objects.filter(status="FAILED").exists()
    captured = {"details_of__isnull": False, "reviews_of__isnull": False, "comments_of__isnull": False}
    assert PullRequest.objects.filter(**captured).count() == 40
    assert (Review.objects.count(), Comment.objects.count()) == (500, 1000)
    # Not one request was sent that GitHub had to refuse, and the reserve of each window is still there.
    assert github.exceeded == 0
    assert max(github.windows) <= 90
    assert len(github.windows) >= 3
    assert github.asked[-1].at - started < timedelta(hours=4)
    assert Budget.objects.get().refused > 0


def test_with_the_budget_spent_critical_work_wakes_before_a_backlog(github, repository):
    remote = github.add("octo/hello")
    for number in range(1, 22):
        remote.pulls[number] = standin.pull(number)
    github.used, github.reset_at = github.limit, clock.now() + timedelta(minutes=30)
    low = [send(events.DETAILS, repository, number, "low") for number in range(1, 21)]
    testing.drain()
    critical = send(events.DETAILS, repository, 21, "critical")
    testing.drain()
    wakes = list(Run.objects.filter(events__in=low, status="SLEEPING").values_list("run_at", flat=True))
    assert len(wakes) == 20
    assert Run.objects.get(events=critical).run_at <= sorted(wakes)[1]


def test_the_captures_of_one_level_do_not_hold_up_those_of_another(github, repository):
    remote = github.add("octo/hello")
    for number in range(1, 62):
        remote.pulls[number] = standin.pull(number)
    low = [send(events.DETAILS, repository, number, "low") for number in range(1, 61)]
    critical = send(events.DETAILS, repository, 61, "critical")
    testing.drain()
    assert Run.objects.get(events=critical).status == "COMPLETED"
    waiting = Run.objects.filter(events__in=low, status="QUEUED").count()
    assert 5 <= waiting <= 12  # fifty at once, and one more as each 1.2 seconds pass
