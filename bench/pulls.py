"""What pull requests cost at size: `python -m bench.pulls`, or only `pages`, `webhook` or `capture` of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bench.place import database

PULLS, PEOPLE, REPOSITORIES, ROUNDS = 200_000, 3000, 40, 5
CAPTURED, FULL, MOST = 1000, 20, 250
SECRET = "only for the bench"  # noqa: S105
FILL = [
    """
    INSERT INTO pulls_repository
        (owner, name, github_id, active, priority, sync_every, last_synced_at, known_until, etag, error)
    SELECT 'org-' || n % 7, 'repo-' || n, 1000 + n, true, 'medium', 6, now() - n * interval '1 hour', now(), '', ''
    FROM generate_series(1, {repositories}) AS n
    """,
    """
    INSERT INTO pulls_contributor (github_id, username, avatar_url, is_bot)
    SELECT n, 'dev-' || n, '', n % 50 = 0 FROM generate_series(1, {people}) AS n
    """,
    """
    INSERT INTO pulls_pullrequest (repository_id, github_id, number, title, body, state, draft, locked, author_id,
        base_ref, base_sha, head_ref, head_sha, head_repository, labels, merge_commit_sha, created_at, updated_at,
        closed_at, merged_at, additions, deletions, changed_files, commits, comment_count, review_comment_count,
        mergeable_state, review_state, details_of, reviews_of, comments_of)
    SELECT (SELECT min(id) FROM pulls_repository) + n % {repositories}, n, 1 + n / {repositories},
        (ARRAY['Fix', 'Add', 'Remove', 'Speed up', 'Document'])[1 + n % 5] || ' the '
            || (ARRAY['parser', 'cache', 'login', 'worker', 'chart', 'index', 'queue'])[1 + n % 7]
            || ' of part ' || n % 4000,
        'Why it is so.', CASE WHEN n % 12 = 0 THEN 'open' ELSE 'closed' END, n % 60 = 0, false,
        (SELECT min(id) FROM pulls_contributor) + (n * 7919::bigint) % {people}, 'main', '', 'topic', '',
        'org/fork', '[]', '', at, at + n % 30 * interval '1 day', CASE WHEN n % 12 > 0 THEN at END,
        CASE WHEN n % 12 > 2 THEN at + n % 9 * interval '1 day' END, n % 900, n % 300, 1 + n % 20, 1, 2, 3, '',
        (ARRAY['', 'APPROVED', 'COMMENTED', 'CHANGES_REQUESTED'])[1 + n % 4], at, at, at
    FROM (SELECT n, now() - (n % 900) * interval '1 day' AS at FROM generate_series(1, {pulls}) AS n) AS each
    """,
    """
    INSERT INTO pulls_review (pull_request_id, github_id, author_id, state, body, commit_sha, submitted_at)
    SELECT id, id * 10 + n, (SELECT min(id) FROM pulls_contributor) + (id * 31 + n) % {people}, 'APPROVED', '', '',
        created_at + n * interval '1 hour'
    FROM pulls_pullrequest, generate_series(0, 1) AS n
    """,
]
LARGEST = [
    """
    INSERT INTO pulls_pullrequestfile
        (pull_request_id, position, filename, previous_filename, status, additions, deletions, sha)
    SELECT %s, n, 'src/part_' || n || '.py', '', 'modified', 3, 1, '' FROM generate_series(0, 2999) AS n
    """,
    """
    INSERT INTO pulls_review (pull_request_id, github_id, author_id, state, body, commit_sha, submitted_at)
    SELECT %s, 90000000 + n, (SELECT min(id) FROM pulls_contributor) + n, 'COMMENTED', 'Why?', '', now()
    FROM generate_series(1, 250) AS n
    """,
    """
    INSERT INTO pulls_comment (pull_request_id, github_id, kind, author_id, body, in_reply_to, path, line, side,
        diff_hunk, commit_sha, created_at, updated_at)
    SELECT %s, n, CASE WHEN n % 2 = 0 THEN 'review' ELSE 'issue' END, (SELECT min(id) FROM pulls_contributor) + n,
        'A remark of some words about this line', CASE WHEN n % 6 = 0 THEN n - 2 END, CASE WHEN n % 2 = 0
        THEN 'src/part_' || n / 6 || '.py' ELSE '' END, n, 'RIGHT', '@@ -1 +1 @@', '', now(), now()
    FROM generate_series(1, 500) AS n
    """,
]
LISTS = [
    *("", "q=parser", "q=%234711", "q=cache+3999", "q=zzzz", "state=open", "state=merged", "state=closed"),
    *("state=draft", "size=XL", "size=XS&state=open", "review=CHANGES_REQUESTED", "review=none&state=open"),
    *("author=dev-17", "author=nobody", "quiet=90&state=open", "sort=created", "sort=oldest", "sort=largest"),
    *("page=40", "repository={repository}", "repository={repository}&state=open&sort=largest"),
    "repository={repository}&q=worker&review=APPROVED",
]


def filled() -> str:
    """Fill the tables; returns the address of the largest pull request."""
    from django.db import connection

    from pulls.models import PullRequest

    sizes = {"repositories": REPOSITORIES, "people": PEOPLE, "pulls": PULLS}
    with connection.cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement.format(**sizes))
        largest = PullRequest.objects.get(github_id=PULLS)
        for statement in LARGEST:
            cursor.execute(statement.replace("n % 2", "n %% 2").replace("n % 6", "n %% 6"), [largest.pk])
        cursor.execute("VACUUM ANALYZE")
    return largest.get_absolute_url()


def milliseconds(call: Callable[[], Any], status: int = 200) -> float:
    """Return how long an answer takes: the middle one of five, with warm tables."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = call()
        times.append((time.perf_counter() - began) * 1000)
        if answer.status_code != status:
            raise RuntimeError(f"{answer.status_code} where {status} was expected")
    return sorted(times)[ROUNDS // 2]


def pages(largest: str) -> None:
    """Print what each page takes."""
    from django.contrib.auth.models import User
    from django.test import Client

    from pulls.models import Repository

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("bench"))
    repository = Repository.objects.order_by("pk").first()
    lists = [f"/pulls/list/?{query.format(repository=getattr(repository, 'pk', 0))}" for query in LISTS]
    others = ["/pulls/", "/pulls/people/?days=90", "/pulls/people/?days=365&bots=1", "/pulls/weeks/"]
    others += [f"/pulls/weeks/?repository={getattr(repository, 'pk', 0)}", largest]
    others += ["/admin/pulls/repository/console/", "/admin/pulls/repository/console/?gaps=1"]
    for address in [*lists, *others]:
        took = milliseconds(lambda address=address: client.get(address))  # type: ignore[misc]
        sys.stdout.write(f"{PULLS:,} pull requests, {address:<66} {took:6.0f} ms  <= 200 ms\n")


def webhook() -> None:
    """Print what a delivery takes."""
    from django.conf import settings
    from django.test import Client

    settings.GITHUB_WEBHOOK_SECRET = SECRET
    client = Client(SERVER_NAME="localhost")

    def deliver() -> Any:
        about = {"number": 1, "body": "x" * 20_000}
        told = {"pull_request": about, "repository": {"id": 1001}, "sent": uuid.uuid4().hex}
        body = json.dumps(told).encode()
        signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": uuid.uuid4().hex}
        headers["X-Hub-Signature-256"] = signature
        return client.post("/webhooks/github", body, content_type="application/json", headers=headers)

    deliver()
    sys.stdout.write(f"webhook                        {milliseconds(deliver, 202):6.1f} ms  <= 20 ms\n")


def large(server: Any) -> None:
    """Give GitHub a repository of 1,000 pull requests, twenty of them with 250 reviews and comments of each kind."""
    from tests.standins import github as standin

    remote = server.add("octo/large")
    for number in range(1, CAPTURED + 1):
        pull = remote.pulls[number] = standin.pull(number)
        for n in range(MOST if number <= FULL else 0):
            pull.reviews.append(standin.review(number * 1000 + n))
            pull.comments.append(standin.code_comment(number * 1000 + n))
            pull.issue_comments.append(standin.comment(number * 1000 + n))


def captured() -> None:
    """Capture it against a GitHub that counts, with the clock shifted, and print what it took."""
    from django.conf import settings

    import jobs
    from jobs import testing
    from pulls import events
    from pulls.models import Repository
    from tests.pulls.conftest import drain_hours
    from tests.standins.github import GitHub

    settings.GITHUB_TOKEN = "of the bench"  # noqa: S105
    with GitHub(limit=1500).running() as server:
        settings.GITHUB_API_URL = server.url
        large(server)
        repository = Repository.objects.create(owner="octo", name="large", active=True)
        asked = {"repositoryId": repository.pk, "days": 3650, "priority": "medium", "reason": "manual"}
        began = time.monotonic()
        jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
        drain_hours(24, timedelta(minutes=10))
        report(server, repository.pk, time.monotonic() - began)
        again = len(server.asked)
        with testing.shift_clock(timedelta(hours=25)):  # in a window of its own
            jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
            testing.drain()
        sys.stdout.write(f"  a second sync: {[each.status for each in server.asked[again:]]}\n")


def report(server: Any, repository: int, took: float) -> None:
    """Print what was captured, and what GitHub counted meanwhile."""
    from pulls.models import Comment, PullRequest, Review

    done = {"details_of__isnull": False, "reviews_of__isnull": False, "comments_of__isnull": False}
    complete = PullRequest.objects.filter(repository=repository, **done).count()
    reviews = Review.objects.filter(pull_request__repository=repository).count()
    comments = Comment.objects.filter(pull_request__repository=repository).count()
    sys.stdout.write(
        f"{complete} of {CAPTURED} captured, {reviews} reviews of {FULL * MOST}, {comments} comments of "
        f"{2 * FULL * MOST}\n  {len(server.asked)} requests in {len(server.windows)} windows of 1,500, at most "
        f"{max(server.windows)} in one (1,500 less the reserve of 100), {server.exceeded} refused by GitHub, "
        f"{took:.0f} s of ours\n"
    )


def main() -> None:
    """Make a database, measure what is wanted, and drop it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["STATIC_FROM_SOURCE"] = "1"
    with database():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        wanted = sys.argv[1:] or ["pages", "webhook", "capture"]
        if {"pages", "webhook"} & set(wanted):
            largest = filled()
        if "pages" in wanted:
            pages(largest)
        if "webhook" in wanted:
            webhook()
        if "capture" in wanted:
            captured()
        from django.db import connection

        connection.close()
        connection.close_pool()


if __name__ == "__main__":
    main()
