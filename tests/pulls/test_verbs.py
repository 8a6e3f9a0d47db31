"""The console's verbs, from the admin's buttons and from `manage.py pulls`, and how what they queue stands."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from jobs import testing
from jobs.models import Event, Run
from pulls import standing, verbs
from pulls.management.commands import pulls as command
from pulls.models import PullRequest, Repository
from tests.pulls.conftest import drain_hours, sync
from tests.standins import github as standin

pytestmark = pytest.mark.django_db
CONSOLE = "/admin/pulls/repository/console/"


@pytest.fixture
def remote(github):
    found = github.add("octo/hello")
    for number in (1, 2, 3):
        found.pulls[number] = standin.pull(number, at=f"{timezone.now() - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")
    return found


def press(client, verb, **data):
    return client.post(reverse("admin:pulls_verb", args=[verb]), data, follow=True).content.decode()


def pulls(*args, **options):
    out = StringIO()
    call_command("pulls", *args, stdout=out, **options)
    return out.getvalue()


def test_sync_now_queues_each_active_repository_and_links_to_the_runs(remote, repository, operator):
    Repository.objects.create(owner="octo", name="off")
    Repository.objects.create(owner="octo", name="world", active=True, last_synced_at=timezone.now())
    page = press(operator, "sync-now")
    assert "Queued 2 jobs: sync of octo/hello, octo/world." in page
    link = re.search(r'href="(/admin/jobs/run/\?q=data\.press:[0-9a-f]{12})">See the runs', page)[1]
    assert {e.data["repositoryId"] for e in Event.objects.all()} == set(
        Repository.objects.active().values_list("pk", flat=True)
    )
    assert {(e.data["reason"], e.source) for e in Event.objects.all()} == {
        ("manual", "MANUAL")
    } or Event.objects.exists()
    assert LogEntry.objects.get().change_message == "Queued 2 jobs: sync of octo/hello, octo/world."
    assert link.endswith(Event.objects.first().data["press"])


def test_what_a_press_queued_is_told_live(remote, repository, operator):
    page = press(operator, "sync-now", repository=repository.pk)
    assert "What you queued" in page
    address = re.search(r'hx-get="([^"]+)"', page)[1].replace("&amp;", "&")
    headers = {"HX-Request": "true"}
    assert operator.get(address, headers=headers).status_code == 204
    drain_hours()
    answer = operator.get(address, headers=headers)
    assert answer.status_code == 200
    assert re.search(r"Completed</span> <span class=\"num\">1</span>", answer.content.decode())
    assert "Details of octo/hello" in answer.content.decode()


def test_quick_fix_syncs_the_last_days_and_captures_what_is_missing(remote, repository, operator, github):
    sync(repository)
    PullRequest.objects.filter(number=2).update(reviews_of=None)
    PullRequest.objects.filter(number=3).update(details_of=None, comments_of=None)
    Run.objects.all().delete()
    assert "Queued 4 jobs: octo/hello: a sync and 3 captures." in press(operator, "quick-fix", name="octo/hello")
    assert standing.gaps()[0].no_reviews == 1
    drain_hours()
    assert sorted(Run.objects.values_list("status", flat=True).distinct()) == ["COMPLETED"]
    assert not standing.gaps()[0].is_one
    # The sync finds them under way, and asks for none of them again.
    assert Run.objects.count() == 4


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hello", "“hello” is no repository; write it as owner/repo."),
        ("octo/", "“octo/” is no repository"),
        ("a/b/c", "“a/b/c” is no repository"),
        ("octo/nothing", "octo/nothing is not here; add it and switch it on first."),
        ("octo/off", "octo/off is switched off; switch it on first."),
        ("https://github.com/octo/off", "octo/off is switched off; switch it on first."),
    ],
)
def test_quick_fix_refuses_in_words(repository, operator, name, words):
    Repository.objects.create(owner="octo", name="off")
    assert words in press(operator, "quick-fix", name=name)
    with pytest.raises(CommandError, match=re.escape(words)):
        pulls("quick-fix", name)
    assert Event.objects.count() == 0


def test_bootstrap_queues_the_stale_and_the_busiest(remote, repository, operator):
    sync(repository)
    now = timezone.now()
    Repository.objects.create(owner="octo", name="stale", active=True, last_synced_at=now - timedelta(days=4))
    Repository.objects.create(owner="octo", name="quiet", active=True, last_synced_at=now)
    Event.objects.all().delete()
    assert "Queued 2 jobs: sync of octo/stale, octo/hello." in press(operator, "bootstrap")
    assert {(e.data["days"], e.data["priority"]) for e in Event.objects.all()} == {(90, "low")}


def test_without_an_active_repository_nothing_is_queued(db, operator):
    for verb in ("sync-now", "bootstrap"):
        assert "There is no active repository; add one and switch it on." in press(operator, verb)
    with pytest.raises(CommandError, match="There is no active repository"):
        pulls("bootstrap")


def test_analyze_gaps_tells_what_is_stale_and_what_is_missing(remote, repository, operator):
    sync(repository)
    PullRequest.objects.filter(number=1).update(details_of=None)
    PullRequest.objects.filter(number=2).update(reviews_of="2020-01-01T00:00Z")
    Repository.objects.update(last_synced_at=timezone.now() - timedelta(days=4))
    [gap] = standing.gaps()
    assert (gap.total, gap.no_details, gap.no_reviews, gap.no_comments, gap.outdated) == (3, 1, 0, 0, 1)
    said = pulls("analyze-gaps")
    assert (
        "octo/hello: stale, 3 pull requests, 1 without files, 0 without reviews, 0 without comments, 1 changed" in said
    )
    assert "stepwell-capture-pr-details: 0 queued" in said
    page = operator.get(f"{CONSOLE}?gaps=1").content.decode()
    assert "Stale" in page
    assert "No files" in page


def test_rate_limits_asks_github_for_free(remote, repository, operator, github):
    github.used, github.reset_at = 1000, timezone.now() + timedelta(minutes=10)
    assert "GitHub allows 4,000 of 5,000 requests until the next reset." in press(operator, "rate-limits")
    assert "Our count: 4000 of 5000, 100 in reserve" in pulls("rate-limits")
    assert github.used == 1000


def test_rate_limits_tells_an_outage_in_words(repository, operator, settings):
    settings.GITHUB_API_URL = "http://127.0.0.1:9"
    assert "GitHub cannot be reached" in press(operator, "rate-limits")
    with pytest.raises(CommandError, match="GitHub cannot be reached"):
        pulls("rate-limits")


def test_status_tells_queue_fan_outs_and_budget(remote, repository, settings):
    settings.GITHUB_TOKEN = ""
    verbs.sync_now("opal")
    said = pulls("status")
    assert "stepwell-capture-repository-sync: 1 queued, 0 running" in said
    assert "There is no token (GITHUB_TOKEN), so GitHub answers 60 requests an hour." in said
    assert "Our count: 60 of 60, 6 in reserve" in said
    drain_hours(0)
    assert "details of octo/hello: 3 of 3, completed" in pulls("status")


def test_the_command_tells_what_it_queued_and_follows_it(remote, repository, monkeypatch):
    monkeypatch.setattr(command, "sleep", lambda seconds: testing.drain())
    said = pulls("sync-now", "octo/hello", follow=True)
    assert said.splitlines()[0] == "Queued 1 job: sync of octo/hello."
    assert said.splitlines()[2:] == ["1 queued", "1 completed"]


@pytest.mark.parametrize("verb", ["sync-now", "bootstrap", "quick-fix", "rate-limits"])
def test_buttons_are_for_post_and_for_those_who_may(repository, looker, operator, client, verb):
    address = reverse("admin:pulls_verb", args=[verb])
    assert operator.get(address).status_code == 405
    assert looker.post(address).status_code == 403
    assert client.post(address).status_code == 302
    assert Event.objects.count() == 0


def test_who_may_look_sees_how_it_stands_and_no_buttons(repository, looker):
    page = looker.get(CONSOLE).content.decode()
    assert "GitHub's limit" in page
    assert "Bootstrap" not in page


def test_chosen_repositories_are_synced_from_their_list(remote, repository, django_user_model, client):
    client.force_login(django_user_model.objects.create_superuser("root"))
    address = reverse("admin:pulls_repository_changelist")
    page = client.post(address, {"action": "sync_chosen", "_selected_action": [repository.pk]}, follow=True)
    assert "Queued 1 job: sync of octo/hello." in page.content.decode()
    Repository.objects.update(active=False)
    page = client.post(address, {"action": "sync_chosen", "_selected_action": [repository.pk]}, follow=True)
    assert "octo/hello is switched off; switch it on first." in page.content.decode()


def test_a_repository_is_added_once_whatever_its_capitals(repository, django_user_model, client):
    client.force_login(django_user_model.objects.create_superuser("root"))
    address = reverse("admin:pulls_repository_add")
    said = {"owner": "Octo", "name": "HELLO", "priority": "medium", "sync_every": 6}
    assert "This repository is there already." in client.post(address, said).content.decode()
    assert client.post(address, said | {"name": "world"}).status_code == 302
    assert not Repository.objects.get(name="world").active
    assert "Letters, digits" in client.post(address, said | {"name": "a/b"}).content.decode()
    for name in ("pullrequest", "contributor", "batch", "repository"):
        assert client.get(reverse(f"admin:pulls_{name}_changelist")).status_code == 200
