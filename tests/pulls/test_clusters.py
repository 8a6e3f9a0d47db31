"""Two real clusters on one repository: limits hold together, critical work overtakes, and the killed lose nothing."""

import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from threading import Thread

import psycopg
import pytest
from django.db import connection

import jobs
from jobs.models import Event, Run
from pulls import events, fanout
from pulls.models import Batch, Budget, PullRequest, Repository, Review
from tests.jobs.cluster import Bench, kill, running, wait_until
from tests.standins import github as standin
from tests.standins.github import GitHub

BACKLOG = 10_000

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def github(monkeypatch):
    with GitHub().running() as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "ghp_of_the_tests")
        monkeypatch.setenv("GITHUB_PER_MINUTE", "100000")
        server.per_minute = 100_000
        yield server


@contextmanager
def two_hosts(database_url, tmp_path):
    """Run a cluster of two workers on each of two hosts."""
    bench = Bench(database_url, tmp_path)
    with ExitStack() as stack:
        clusters = [stack.enter_context(running(bench, host=host, ready=False)) for host in ("one", "two")]
        for cluster in clusters:
            cluster.wait_until_ready()
        yield clusters


def fill(github, count, name="octo/hello", github_id=700_001, **repository):
    """Add a repository on both sides, with pull requests of some reviews."""
    remote = github.add(name, github_id)
    for number in range(1, count + 1):
        remote.pulls[number] = standin.pull(number, id=github_id * 10_000 + number)
        remote.pulls[number].reviews = [standin.review(github_id + number * 10 + n) for n in range(3)]
    owner, _, name = name.partition("/")
    return Repository.objects.create(owner=owner, name=name, active=True, **repository)


def send(name, repository, numbers, priority="medium"):
    """Ask for captures in one send; returns the ids of the events."""
    each = [{"repositoryId": repository.pk, "prNumber": number, "priority": priority} for number in numbers]
    return jobs.send_sync([jobs.Event(name=name, data=data) for data in each])


def ended(name):
    return Run.objects.filter(trigger=name, ended_at__isnull=False).count()


def test_limits_of_repositories_levels_and_the_token_hold_over_two_clusters(
    database_url, tmp_path, github, monkeypatch
):
    monkeypatch.setenv("GITHUB_RESERVE", "20")
    github.limit, github.delay = 240, 0.15
    hello = fill(github, 60)
    world = fill(github, 60, "octo/world", 700_002)
    with two_hosts(database_url, tmp_path):
        began = time.monotonic()
        for repository in (hello, world):
            send(events.REVIEWS, repository, range(1, 61), "medium")
            send(events.DETAILS, repository, range(1, 41), "low")
        wait_until(lambda: Budget.objects.filter(remaining__lte=20).exists(), 60, "the budget is spent")
        wait_until(lambda: not Run.objects.filter(status="RUNNING").exists(), 30, "nothing runs any more")
        passed = time.monotonic() - began
    # Ten at once of each function and repository, and never more, whichever cluster they run on.
    starts = Run.objects.filter(started_at__isnull=False)
    most = most_at_once(starts.filter(trigger=events.REVIEWS))
    assert set(most) == {hello.pk, world.pk}
    assert max(most.values()) <= 10
    assert max(most_at_once(starts.filter(trigger=events.DETAILS)).values()) <= 10
    # Fifty details of one level at once, and one more as each 1.2 seconds pass; a hundred reviews, and each 0.6 s.
    assert starts.filter(trigger=events.DETAILS).count() <= 50 + passed / 1.2 + 1
    assert starts.filter(trigger=events.REVIEWS).count() <= 100 + passed / 0.6 + 1
    # The reserve of the token is still there, and nobody holds a worker for what has to wait.
    assert (github.exceeded, github.limit - github.used) == (0, 20)
    assert Run.objects.filter(status="SLEEPING").exists()
    assert set(Run.objects.values_list("status", flat=True)) <= {"COMPLETED", "SLEEPING", "QUEUED"}


def most_at_once(runs):
    """The most runs under way at once of each repository, by the spans of their steps that asked."""
    marks: dict[int, list[tuple[object, int]]] = {}
    for run in runs.prefetch_related("journal", "events"):
        repository = run.events.all()[0].data["repositoryId"]
        for step in run.journal.all():
            if step.started_at and step.ended_at:
                marks.setdefault(repository, []).extend([(step.started_at, 1), (step.ended_at, -1)])
    found = {}
    for repository, each in marks.items():
        now = most = 0
        for _, change in sorted(each):
            now += change
            most = max(most, now)
        found[repository] = most
    return found


def test_critical_work_overtakes_a_backlog_of_ten_thousand_of_low_priority(database_url, tmp_path, github):
    hello = fill(github, 200)
    with two_hosts(database_url, tmp_path):
        for start in range(0, BACKLOG, 2500):
            send(events.REVIEWS, hello, [1 + n % 200 for n in range(start, start + 2500)], "low")
        wait_until(lambda: ended(events.REVIEWS) >= 100, 60, "the first hundred have started, the rest waits its turn")
        before = ended(events.REVIEWS)
        began = time.monotonic()
        [reviews] = send(events.REVIEWS, hello, [7], "critical")
        [details] = send(events.DETAILS, hello, [7], "critical")
        wait_until(
            lambda: all(Run.objects.get(events=event).status == "COMPLETED" for event in (reviews, details)),
            30,
            "the critical runs have completed",
        )
        took = time.monotonic() - began
        overtaken = ended(events.REVIEWS) - before - 1
    print(f"critical runs took {took:.2f} s behind {BACKLOG - before} of low priority; {overtaken} of those came first")
    # What had the slots goes on, and what a worker had just taken.
    assert overtaken <= 2 * 10
    assert Run.objects.filter(trigger=events.REVIEWS, status="QUEUED").count() > BACKLOG - 500


def test_a_sync_whose_workers_are_killed_captures_everything_and_tells_the_end_once(database_url, tmp_path, github):
    github.delay = 0.02
    hello = fill(github, 45)
    with two_hosts(database_url, tmp_path) as clusters:
        asked = {"repositoryId": hello.pk, "days": 3650, "priority": "high", "reason": "manual"}
        jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
        for goal in (10, 60):
            wait_until(lambda goal=goal: _captures() >= goal, 60, f"{goal} captures have ended")
            for cluster in clusters:
                for worker in cluster.workers()[:1]:
                    kill(worker)
        wait_until(lambda: Batch.objects.exclude(completed_at=None).count() == 3, 120, "all fan-outs have ended")
    assert PullRequest.objects.exclude(details_of=None).exclude(reviews_of=None).exclude(comments_of=None).count() == 45
    assert Review.objects.count() == 45 * 3
    told = [event.data for event in Event.objects.filter(name=events.COMPLETED)]
    assert Counter(each["jobType"] for each in told) == {"details": 1, "reviews": 1, "comments": 1}
    assert {(each["successCount"], each["failureCount"], each["totalCount"]) for each in told} == {(45, 0, 45)}
    # A killed worker's page is fetched again, no other is.
    fetched = Counter(path for path in github.requests("/reviews"))
    assert len(fetched) == 45
    assert fetched.total() <= 45 + 40


def _captures():
    return sum(ended(name) for name in events.NAMES.values())


def test_two_workers_that_end_the_last_captures_at_once_tell_it_once(database_url, db):
    hello = Repository.objects.create(owner="octo", name="hello", active=True)
    batch = Batch.objects.create(repository=hello, job_type="details", origin="x", closed_at=f"{standin.day(1)}T00:00Z")
    for number in (1, 2):
        batch.items.create(number=number)
    with psycopg.connect(database_url) as other:
        # The other worker has ended the second, holds the batch, and has not committed.
        other.execute("UPDATE pulls_batchitem SET outcome = 'success' WHERE number = 2")
        other.execute("SELECT FROM pulls_batch WHERE id = %s FOR UPDATE", [batch.pk])

        def end():
            fanout.end(batch.pk, 1, "success")
            connection.close()

        first = Thread(target=end)
        first.start()
        first.join(0.5)
        assert first.is_alive()
        assert not Event.objects.exists()
        other.commit()
        first.join(10)
    assert Event.objects.filter(name=events.COMPLETED).count() == 1
    assert fanout.end(batch.pk, 2, "success") is False
    assert Event.objects.filter(name=events.COMPLETED).count() == 1
