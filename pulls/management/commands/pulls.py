"""`pulls VERB`: what the admin's page of captures does, for scripts and for who has only a terminal."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from jobs.types import LIVE
from pulls import standing, verbs
from pulls.github import client, errors

BY = "command line"


class Command(BaseCommand):
    """Queue captures, and see how they stand."""

    help = "Queue captures of pull requests, and see how they stand."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one verb, with the repository it is for."""
        given = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        queues = {
            "sync-now": "sync one repository, or all active ones, whatever the cooldown says",
            "quick-fix": "sync the last days of one repository, and capture what is missing of it",
            "bootstrap": "sync what is stale and what is busiest, 90 days back",
        }
        for name, words in queues.items():
            verb = given.add_parser(name, help=words)
            verb.add_argument("--follow", action="store_true", help="tell how the queued runs stand until all ended")
            if name != "bootstrap":
                verb.add_argument("repository", metavar="OWNER/REPO", nargs="?" if name == "sync-now" else None)
        given.add_parser("analyze-gaps", help="what is stale, and what is missing of which repository")
        given.add_parser("rate-limits", help="ask GitHub what it still allows, which is free")
        given.add_parser("status", help="the queue by status, the newest fan-outs, and our count of the limit")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        """Do what the verb says; what cannot be done is told in words, with exit code 1."""
        does: dict[str, Callable[..., None]] = {
            "sync-now": self._sync_now,
            "quick-fix": self._quick_fix,
            "bootstrap": self._bootstrap,
            "analyze-gaps": self._analyze_gaps,
            "rate-limits": self._rate_limits,
            "status": self._status,
        }
        try:
            does[verb](**options)
        except verbs.NotPossible as reason:
            raise CommandError(str(reason)) from None

    def _sync_now(self, repository: str | None, follow: bool, **options: Any) -> None:
        chosen = [verbs.named(repository)] if repository else None
        self._tell(verbs.sync_now(BY, chosen), follow)

    def _quick_fix(self, repository: str, follow: bool, **options: Any) -> None:
        self._tell(verbs.quick_fix(BY, repository), follow)

    def _bootstrap(self, follow: bool, **options: Any) -> None:
        self._tell(verbs.bootstrap(BY), follow)

    def _tell(self, press: verbs.Press, follow: bool) -> None:
        self.stdout.write(f"Queued {press.count} job{'' if press.count == 1 else 's'}: {press.words}.")
        self.stdout.write(f"Their runs: {settings.SITE_URL}{reverse('admin:jobs_run_changelist')}?q={press.search}")
        said = ""
        while follow:
            found = verbs.progress(press.id)
            words = ", ".join(f"{count} {status.lower()}" for status, count in found.items())
            if words != said:
                self.stdout.write(words)
                said = words
            if not set(found) & set(LIVE):
                return
            sleep(1)

    def _analyze_gaps(self, **options: Any) -> None:
        found = standing.gaps()
        for gap in found:
            fresh = "stale" if gap.repository.is_stale else "fresh"
            self.stdout.write(
                f"{gap.repository}: {fresh}, {gap.total} pull requests, {gap.no_details} without files, "
                f"{gap.no_reviews} without reviews, {gap.no_comments} without comments, "
                f"{gap.outdated} changed since their capture"
            )
        if not found:
            self.stdout.write("No repository is active.")
        self._queue()

    def _rate_limits(self, **options: Any) -> None:
        try:
            core = client.rate_limit()
        except (errors.GitHubUnavailable, errors.GitHubRefused, errors.Limited) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"GitHub allows {core.get('remaining', 0)} of {core.get('limit', 0)} requests.")
        self._budget()

    def _status(self, **options: Any) -> None:
        self._queue()
        for batch in standing.batches():
            state = "completed" if batch.completed_at else "under way"
            ended, planned = vars(batch)["ended"], vars(batch)["planned"]
            self.stdout.write(f"{batch.job_type} of {batch.repository}: {ended} of {planned}, {state}")
        self._budget()

    def _queue(self) -> None:
        for row in standing.queue():
            statuses = ", ".join(f"{row[status.lower()]} {status.lower()}" for status in LIVE)
            self.stdout.write(f"{row['function']}: {statuses}")

    def _budget(self) -> None:
        budget = standing.budget()
        if not budget["token"]:
            self.stdout.write("There is no token (GITHUB_TOKEN), so GitHub answers 60 requests an hour.")
        self.stdout.write(f"Our count: {budget['remaining']} of {budget['ceiling']}, {budget['reserve']} in reserve")
        if budget["blocked_until"]:
            self.stdout.write(f"Blocked until {budget['blocked_until']:%H:%M:%S} UTC")
