"""Who may open and press what in the console, and the small pages: keys, schedules, workers."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client

from jobs import clock, schedule
from jobs.models import EventKey, Run, Schedule
from jobs.types import Status
from tests.jobs.admin import operator, signed_in
from tests.jobs.factories import a_run, a_worker, an_error, an_event

pytestmark = pytest.mark.django_db
SOME = UUID("01900000-0000-7000-8000-000000000000")
PAGES = [
    "/admin/jobs/run/",
    "/admin/jobs/run/export.csv",
    f"/admin/jobs/run/{SOME}/",
    f"/admin/jobs/run/{SOME}/live/",
    f"/admin/jobs/run/{SOME}/from/",
    f"/admin/jobs/run/{SOME}/step/abc/",
    "/admin/jobs/event/",
    f"/admin/jobs/event/{SOME}/",
    "/admin/jobs/event/send/",
    "/admin/jobs/event/signal/",
    "/admin/jobs/eventkey/",
    "/admin/jobs/function/",
    "/admin/jobs/function/stepwell-hello-world/",
    "/admin/jobs/schedule/",
    "/admin/jobs/worker/",
]
ACTIONS = [
    "/admin/jobs/run/bulk/",
    f"/admin/jobs/run/{SOME}/retry/",
    f"/admin/jobs/run/{SOME}/again/",
    f"/admin/jobs/run/{SOME}/cancel/",
    "/admin/jobs/event/starts/",
    "/admin/jobs/function/stepwell-hello-world/start/",
    "/admin/jobs/function/stepwell-hello-world/pause/",
    "/admin/jobs/function/stepwell-hello-world/resume/",
    f"/admin/jobs/run/{SOME}/wake/",
    f"/admin/jobs/run/{SOME}/from-step/",
    "/admin/jobs/schedule/1/start/",
    "/admin/jobs/schedule/1/pause/",
    "/admin/jobs/schedule/1/resume/",
    "/admin/jobs/eventkey/make/",
    "/admin/jobs/eventkey/1/revoke/",
    "/admin/jobs/eventkey/1/activate/",
]


@pytest.mark.parametrize("address", ["/admin/", *PAGES])
def test_visitors_are_asked_to_sign_in(client: Client, address: str) -> None:
    assert client.get(address)["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("address", PAGES)
def test_staff_without_the_permission_and_strangers_are_refused(address: str) -> None:
    assert signed_in("sam").get(address).status_code == 403
    assert signed_in("eve", "view_run", staff=False).get(address).status_code == 403


@pytest.mark.parametrize("address", ACTIONS)
def test_actions_answer_405_to_get_and_403_to_strangers(address: str) -> None:
    assert operator().get(address).status_code == 405
    staff = signed_in("sam", "view_run", "view_event", "view_eventkey")
    assert staff.post(address).status_code == 403
    assert signed_in("eve", "retry_run", "cancel_run", "send_event", staff=False).post(address).status_code == 403


def test_an_action_without_a_csrf_token_is_refused() -> None:
    run = a_run(Status.FAILED, error=an_error())
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator().cookies
    assert strict.post(f"/admin/jobs/run/{run.pk}/retry/").status_code == 403
    assert Run.objects.get(pk=run.pk).status == Status.FAILED


def test_somebody_who_may_only_see_finds_no_buttons() -> None:
    run = a_run(Status.FAILED, error=an_error())
    html = signed_in("rita", "view_run").get(f"/admin/jobs/run/{run.pk}/").content.decode()
    assert not re.search(r"Retry|Run again|Cancel", html)


def test_the_models_of_the_queue_library_are_not_in_the_console() -> None:
    assert not [model for model in admin.site._registry if model._meta.app_label == "django_q"]
    assert apps.is_installed("django_q")


def test_a_wrong_password_is_answered_in_words(client: Client) -> None:
    html = client.post("/admin/login/", {"username": "olga", "password": "no"}).content.decode()
    assert "Please enter the correct username and password" in html


def test_a_key_is_shown_once_and_only_its_begin_afterwards() -> None:
    olga = operator()
    made = olga.post("/admin/jobs/eventkey/make/", {"name": "billing"})
    secret = made.context["secret"]
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert EventKey.find(secret).name == "billing"
    listed = olga.get("/admin/jobs/eventkey/").content.decode()
    assert secret not in listed
    assert EventKey.objects.get().hash not in listed
    assert LogEntry.objects.get().object_repr == "billing"


@pytest.mark.parametrize(("name", "words"), [("", "Give the key a name"), ("billing", "already")])
def test_a_key_needs_a_name_of_its_own(name: str, words: str) -> None:
    EventKey.make("billing")
    html = operator().post("/admin/jobs/eventkey/make/", {"name": name}, follow=True).content.decode()
    assert words in html
    assert EventKey.objects.count() == 1


def test_a_revoked_key_is_refused_until_it_is_activated_again() -> None:
    key, secret = EventKey.make("billing")
    olga = operator()
    olga.post(f"/admin/jobs/eventkey/{key.pk}/revoke/")
    assert EventKey.find(secret) is None
    olga.post(f"/admin/jobs/eventkey/{key.pk}/activate/")
    assert EventKey.find(secret) is not None
    assert LogEntry.objects.count() == 2


def test_schedules_tell_when_they_tick_and_how_the_last_run_went() -> None:
    run = a_run(Status.FAILED)
    Schedule.objects.create(function="stepwell-prune", cron="17 3 * * *", next_at=clock.now(), last_run=run.pk)
    html = operator().get("/admin/jobs/schedule/").content.decode()
    for words in ("prune", "17 3 * * *", "At 03:17 every day", "Failed", str(run.pk)):
        assert words in html


def test_run_now_starts_one_run_as_the_schedule_would() -> None:
    ticking = Schedule.objects.create(function="stepwell-prune-history", cron="17 3 * * *", next_at=clock.now())
    operator().post(f"/admin/jobs/schedule/{ticking.pk}/start/")
    run = Run.objects.get()
    assert (run.function, run.trigger) == ("stepwell-prune-history", "jobs/scheduled.timer")
    assert LogEntry.objects.get().get_change_message() == "Run now."


def test_a_paused_schedule_starts_nothing_until_it_is_resumed() -> None:
    due = clock.now() - timedelta(seconds=1)
    ticking = Schedule.objects.create(function="stepwell-prune-history", cron="* * * * *", next_at=due)
    olga = operator()
    olga.post(f"/admin/jobs/schedule/{ticking.pk}/pause/")
    assert "Paused" in olga.get("/admin/jobs/schedule/").content.decode()
    schedule.tick()
    assert not Run.objects.exists()
    Schedule.objects.update(next_at=due)
    olga.post(f"/admin/jobs/schedule/{ticking.pk}/resume/")
    schedule.tick()
    assert Run.objects.count() == 1


def test_workers_tell_how_long_ago_they_reported_and_how_busy_they_are() -> None:
    worker = a_worker(pid=77, busy=3)
    a_run(Status.RUNNING, worker=worker.pk, current_step="ask")
    html = operator().get("/admin/jobs/worker/").content.decode()
    for words in ("workshop", "pid 77", "Alive", "3 of 256", "hello-world", "ask"):
        assert words in html


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/admin/jobs/worker/", "make worker"),
        ("/admin/jobs/schedule/", "No schedules"),
        ("/admin/jobs/event/", "No event has come in yet"),
        ("/admin/jobs/eventkey/", "No key yet"),
        ("/admin/", "Nothing has run yet"),
    ],
)
def test_an_empty_page_says_so_in_words(address: str, words: str) -> None:
    assert words in operator().get(address).content.decode()


@pytest.mark.parametrize(
    "address", ["/admin/auth/user/", "/admin/auth/user/add/", "/admin/password_change/", "/admin/auth/"]
)
def test_the_stock_pages_stay_within_the_shell(address: str) -> None:
    html = operator().get(address).content.decode()
    assert 'id="side"' in html
    assert "stepwell/stock" in html


def test_an_event_of_a_stranger_s_name_is_no_page_breaker() -> None:
    an_event("<script>alert(1)</script>")
    assert "<script>alert" not in operator().get("/admin/jobs/event/").content.decode()
