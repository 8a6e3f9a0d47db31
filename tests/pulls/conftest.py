"""A GitHub that stands in, people, and captures run right here, for the tests of the pull requests product."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

import jobs
from jobs import testing
from jobs.models import Run
from pulls import events
from pulls.models import Repository
from tests.standins.github import GitHub

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "github"


@pytest.fixture
def github(settings: Any) -> Iterator[GitHub]:
    """GitHub, on this machine and with a token."""
    with GitHub().running() as server:
        settings.GITHUB_API_URL = server.url
        settings.GITHUB_TOKEN = "ghp_of_the_tests"
        settings.GITHUB_TIMEOUT = 5
        yield server


@pytest.fixture
def repository(db: None) -> Repository:
    """A repository that somebody has added and switched on."""
    return Repository.objects.create(owner="octo", name="hello", active=True)


def drain_hours(hours: float = 2, step: timedelta = timedelta(minutes=5)) -> None:
    """Execute what is due now and in the next hours, retries and throttled runs included; the clock comes back."""
    passed = timedelta(0)
    while passed <= timedelta(hours=hours):
        with testing.shift_clock(passed):
            testing.drain(most=100_000)
            if not Run.objects.live().exists():
                return
        passed += step


def sync(repository: Repository, *, hours: float = 2, **data: Any) -> Run:
    """Sync a repository and capture what changed; returns the run of the sync."""
    asked = {"repositoryId": repository.pk, "days": 3650, "priority": "medium", "reason": "manual", **data}
    [event] = jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
    drain_hours(hours)
    return Run.objects.get(events=event)


def capture(name: str, repository: Repository, number: int, **data: Any) -> Run:
    """Capture a part of one pull request; returns the run."""
    asked = {"repositoryId": repository.pk, "prNumber": number, "priority": "medium", **data}
    [event] = jobs.send_sync(jobs.Event(name=name, data=asked))
    drain_hours()
    return Run.objects.get(events=event)


def capture_all(repository: Repository, number: int) -> None:
    """Capture details, reviews and comments of one pull request; each must complete."""
    for name in events.NAMES.values():
        run = capture(name, repository, number)
        assert run.status == Run.Status.COMPLETED, run.error


def signed_in(name: str, *permissions: str, **more: Any) -> Client:
    """A browser of a person with these permissions."""
    user = User.objects.create_user(name, password="secret", email=f"{name}@example.org", **more)
    for codename in permissions:
        user.user_permissions.add(Permission.objects.get(content_type__app_label="pulls", codename=codename))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator(db: None) -> Client:
    """Somebody who runs the captures."""
    return signed_in("opal", "view_repository", "view_pullrequest", "view_batch", "run_captures", is_staff=True)


@pytest.fixture
def looker(db: None) -> Client:
    """Somebody who may look but press nothing."""
    return signed_in("lou", "view_repository", "view_pullrequest", "view_batch", is_staff=True)
