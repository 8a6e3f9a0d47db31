"""A sync from its event to the last capture: what is asked for, what is stored, and what a second one asks."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

import jobs
from jobs import starting, testing
from jobs.models import Event, Run
from pulls import events, functions, syncing
from pulls.models import Batch, Comment, PageTag, PullRequest, PullRequestFile, Repository, Review
from tests.pulls.conftest import drain_hours, sync
from tests.standins import github as standin

pytestmark = pytest.mark.django_db
LIST = "/pulls?"


def fill(github, count, name="octo/hello"):
    """Add a repository with pull requests that have nothing beside one file."""
    remote = github.add(name)
    for number in range(1, count + 1):
        remote.pulls[number] = standin.pull(number, at=f"{standin.day(5)}T{number // 60:02d}:{number % 60:02d}:00Z")
    return remote


def full(pull, count):
    """Give a pull request so many files, reviews and comments of each kind."""
    pull.files = [standin.file(n) for n in range(count)]
    pull.reviews = [standin.review(n) for n in range(count)]
    pull.comments = [standin.code_comment(n) for n in range(count)]
    pull.issue_comments = [standin.comment(n) for n in range(count)]


@contextmanager
def only_the_sync():
    """Let nothing but syncs listen to events."""
    with testing.registry() as known:
        known.add(functions.capture_repository_sync)
        yield


def versions():
    """Every stored row with the transaction that wrote it last."""
    found = {}
    with connection.cursor() as cursor:
        for name in ("repository", "contributor", "pullrequest", "pullrequestfile", "review", "comment", "pagetag"):
            cursor.execute(f"SELECT id, ctid, xmin FROM pulls_{name} ORDER BY id")
            found[name] = cursor.fetchall()
    return found


def test_a_sync_captures_every_pull_request_with_all_that_belongs_to_it(github, repository):
    remote = fill(github, 12)
    full(remote.pulls[1], 250)
    run = sync(repository)
    assert run.status == "COMPLETED", run.error
    assert PullRequest.objects.count() == 12
    pull = PullRequest.objects.get(number=1)
    assert (pull.files.count(), pull.reviews.count(), pull.comments.count()) == (250, 250, 500)
    assert PullRequestFile.objects.count() == 250 + 11
    assert (Review.objects.count(), Comment.objects.count()) == (250, 500)
    captured = {"details_of__isnull": False, "reviews_of__isnull": False, "comments_of__isnull": False}
    assert not PullRequest.objects.exclude(**captured).exists()
    assert Repository.objects.get().github_id == 700_001
    assert (github.exceeded, len(github.requests("/pulls/1/reviews"))) == (0, 3)


def test_a_second_sync_of_an_unchanged_repository_is_one_request_that_costs_nothing(github, repository):
    fill(github, 3)
    sync(repository)
    github.asked.clear()
    before, used = versions(), github.used
    run = sync(repository)
    assert run.output == "unchanged, 0 fan-outs"
    assert [(each.path, each.status) for each in github.asked] == [("/repos/octo/hello/pulls", 304)]
    assert github.used == used
    after = versions()
    assert {name: rows for name, rows in after.items() if name != "repository"} == {
        name: rows for name, rows in before.items() if name != "repository"
    }


def test_a_second_sync_asks_only_for_what_has_changed(github, repository):
    remote = fill(github, 150)
    for number in range(1, 151):
        remote.pulls[number].about["updated_at"] = f"2026-10-01T{number // 60:02d}:{number % 60:02d}:00Z"
    # Their captures are not the matter here.
    with only_the_sync():
        sync(repository, hours=0)
    PullRequest.objects.update(details_of=f"{standin.day(24)}T00:00Z", reviews_of=f"{standin.day(24)}T00:00Z")
    PullRequest.objects.update(comments_of=f"{standin.day(24)}T00:00Z")
    Batch.objects.all().delete()
    Run.objects.all().delete()
    github.asked.clear()
    remote.pulls[7].about["updated_at"] = f"{standin.day(4)}T00:00:00Z"
    run = sync(repository)
    assert run.output == "3 fan-outs"
    # Of the list one page, although it has two: behind the newest of the sync before nothing can have changed.
    assert github.requests() == [
        "/repos/octo/hello/pulls",
        "/repos/octo/hello/pulls/7",
        "/repos/octo/hello/pulls/7/files",
        "/repos/octo/hello/pulls/7/reviews",
        "/repos/octo/hello/pulls/7/comments",
        "/repos/octo/hello/issues/7/comments",
    ]


def test_capturing_again_changes_no_row_and_asks_with_etags(github, repository):
    remote = fill(github, 2)
    full(remote.pulls[1], 120)
    sync(repository)
    before, used = versions(), github.used
    for name in events.NAMES.values():
        jobs.send_sync(
            jobs.Event(name=name, data={"repositoryId": repository.pk, "prNumber": 1, "priority": "critical"})
        )
    drain_hours()
    assert versions() == before
    assert github.used == used
    # Without etags, as behind some proxies, the rows still stay as they are.
    PageTag.objects.all().delete()
    for name in events.NAMES.values():
        jobs.send_sync(jobs.Event(name=name, data={"repositoryId": repository.pk, "prNumber": 1, "priority": "high"}))
    drain_hours()
    after = versions()
    del before["pagetag"], after["pagetag"]
    assert after == before
    assert github.used > used


def test_githubs_own_times_are_kept(github, repository):
    fill(github, 1).pulls[1].about |= {"created_at": "2019-05-15T15:20:33Z", "updated_at": "2020-02-02T02:02:02Z"}
    sync(repository)
    pull = PullRequest.objects.get()
    assert pull.created_at.isoformat() == "2019-05-15T15:20:33+00:00"
    assert pull.updated_at.isoformat() == "2020-02-02T02:02:02+00:00"


def test_pages_are_read_until_what_is_older_than_the_days_asked_for(github, repository):
    now = timezone.now()
    remote = github.add("octo/hello")
    for number in range(1, 251):
        at = now - timedelta(hours=number, minutes=-30)
        remote.pulls[number] = standin.pull(number, at=f"{at:%Y-%m-%dT%H:%M:%SZ}")
    with only_the_sync():
        sync(repository, hours=0, days=5)
    assert github.requests("hello/pulls") + github.requests("700001/pulls") == [
        "/repos/octo/hello/pulls",
        "/repositories/700001/pulls?page=2",
    ]
    # What the second page has beyond the five days is stored, since it is there, and not captured.
    assert PullRequest.objects.count() == 200
    assert {batch.items.count() for batch in Batch.objects.all()} == {120}


def test_a_sync_that_goes_back_further_reads_what_a_shorter_one_left(github, repository):
    now = timezone.now()
    remote = github.add("octo/hello")
    for number, days in ((1, 2), (2, 40)):
        remote.pulls[number] = standin.pull(number, at=f"{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}")
    sync(repository, days=7)
    PullRequest.objects.filter(number=2).delete()
    run = sync(repository, days=60)
    assert run.output != "unchanged, 0 fan-outs"
    assert PullRequest.objects.count() == 2
    assert PullRequest.objects.get(number=2).reviews_of is not None


def test_within_an_hour_only_a_manual_sync_asks_again(github, repository):
    fill(github, 1)
    sync(repository, reason="schedule")
    count = len(github.asked)
    run = sync(repository, reason="schedule")
    assert "octo/hello was synced 0 min ago" in run.output
    assert len(github.asked) == count
    assert sync(repository, reason="manual").output == "unchanged, 0 fan-outs"
    Repository.objects.update(last_synced_at=timezone.now() - timedelta(minutes=61))
    assert sync(repository, reason="schedule").output == "unchanged, 0 fan-outs"


def test_one_sync_of_a_repository_at_a_time(github, repository):
    fill(github, 1)
    asked = {"repositoryId": repository.pk, "days": 7, "priority": "medium", "reason": "manual"}
    jobs.send_sync([jobs.Event(name=events.SYNC, data=asked)] * 2)
    drain_hours()
    statuses = Run.objects.filter(function__endswith="-capture-repository-sync").values_list("status", flat=True)
    assert sorted(statuses) == ["COMPLETED", "SKIPPED"]


def test_a_long_list_goes_on_in_another_run_without_a_gap(github, repository, monkeypatch):
    monkeypatch.setattr(functions, "PAGES_PER_RUN", 1)
    fill(github, 250)
    with only_the_sync():
        sync(repository, hours=0)
    assert PullRequest.objects.count() == 250
    runs = Run.objects.filter(function__endswith="-capture-repository-sync")
    assert sorted(run.status for run in runs) == ["COMPLETED"] * 3
    assert [batch.items.count() for batch in Batch.objects.all()] == [250] * 3
    assert Batch.objects.filter(closed_at=None).count() == 0
    assert Repository.objects.get().known_until.isoformat() == f"{standin.day(5)}T04:10:00+00:00"


def test_a_repository_that_was_renamed_is_followed_and_gets_its_new_name(github, repository):
    remote = fill(github, 1)
    sync(repository)
    github.rename(remote.id, "octo/renamed")
    remote.pulls[1].about["updated_at"] = f"{standin.day(3)}T00:00:00Z"
    assert sync(repository).status == "COMPLETED"
    repository.refresh_from_db()
    assert str(repository) == "octo/renamed"
    assert PullRequest.objects.get().updated_at.isoformat() == f"{standin.day(3)}T00:00:00+00:00"


def test_a_name_that_another_repository_has_taken_over_is_refused(github, repository):
    fill(github, 1)
    sync(repository)
    github.repositories.clear()
    fill(github, 2).id = 1
    github.repositories[1] = github.repositories.pop(700_001)
    run = sync(repository)
    assert run.error["message"] == "octo/hello is another repository now; remove it here and add it anew."
    repository.refresh_from_db()
    assert repository.error == run.error["message"]


def test_why_a_sync_failed_is_kept_until_one_succeeds(github, repository):
    run = sync(repository)
    assert run.status == "FAILED"
    repository.refresh_from_db()
    assert repository.error.startswith("GitHub has nothing at /repos/octo/hello")
    fill(github, 1)
    sync(repository)
    repository.refresh_from_db()
    assert repository.error == ""


def test_what_a_failed_capture_left_is_asked_for_by_the_next_sync(github, repository):
    fill(github, 1)
    github.faults("/pulls/1/reviews", standin.Reply(403, {"message": "Not you"}))
    sync(repository)
    assert PullRequest.objects.get().reviews_of is None
    sync(repository)
    assert PullRequest.objects.get().reviews_of is not None


def test_the_schedule_syncs_active_repositories_whose_turn_has_come(github, repository):
    fill(github, 1)
    Repository.objects.create(owner="octo", name="off")
    Repository.objects.create(owner="octo", name="fresh", active=True, last_synced_at=timezone.now())
    starting.start(functions.schedule_repository_syncs, by="opal")
    drain_hours()
    [event] = Event.objects.filter(name=events.SYNC)
    assert (event.data["repositoryId"], event.data["reason"]) == (repository.pk, "schedule")
    assert github.requests("off") == []
    assert syncing.due() == []


def test_nothing_is_asked_before_a_repository_is_switched_on(github, repository):
    fill(github, 1)
    Repository.objects.update(active=False)
    run = sync(repository)
    assert (run.status, github.asked) == ("FAILED", [])
    assert run.error["message"] == "octo/hello is switched off; switch it on first."


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"repositoryId": "octo/hello"}, "repositoryId: “octo/hello” is no id; send the number"),
        ({"owner": "octo", "repo": "hello"}, "The event has no repositoryId."),
        ({"repositoryId": 12156762}, "There is no repository 12156762"),
        ({"repositoryId": 1, "days": 0}, "days: Input should be greater than or equal to 1."),
        ({"repositoryId": 1, "cursor": "here"}, "cursor: Input should be a valid dictionary"),
    ],
)
def test_a_sync_that_makes_no_sense_is_refused_in_words(github, repository, data, words):
    [event] = jobs.send_sync(jobs.Event(name=events.SYNC, data=data))
    drain_hours()
    run = Run.objects.get(events=event)
    assert run.status == "FAILED"
    assert words in run.error["message"]
    assert github.asked == []
    assert set(Run.objects.exclude(pk=run.pk).values_list("status", flat=True)) == {"COMPLETED"}
