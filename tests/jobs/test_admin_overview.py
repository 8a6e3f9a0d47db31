"""The Overview: how things stand, how the last hours went, failures together, and what is slow."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from jobs import clock, identity, testing
from jobs.hours import count_hours
from jobs.models import Hour, Run, hour
from jobs.types import Status
from tests.jobs.admin import operator, signed_in
from tests.jobs.factories import a_run, a_worker, an_error

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> Client:
    return operator()


def test_the_overview_groups_failures_by_function_and_last_error_line(olga: Client) -> None:
    a_worker(busy=3)
    for message in ("a\n503 busy", "b\n503 busy", "429 slow down"):
        a_run(Status.FAILED, error=an_error(message))
    context = olga.get("/admin/").context
    assert {(group.line, group.count) for group in context["groups"]} == {("503 busy", 2), ("429 slow down", 1)}
    assert (context["now"].workers, context["now"].busy, context["failed"]) == (1, 3, 3)


def test_the_overview_warns_when_no_worker_has_reported(olga: Client) -> None:
    a_worker(seen_at=clock.now() - timedelta(minutes=2))
    html = olga.get("/admin/").content.decode()
    assert "No worker has reported in the last minute" in html
    assert "0 of 0 slots busy" in html


def test_the_overview_shows_nothing_to_people_who_may_not_see_runs() -> None:
    a_run(Status.FAILED, error=an_error())
    html = signed_in("sam").get("/admin/").content.decode()
    assert "Nothing here for your account" in html
    assert "503" not in html


def test_a_refresh_of_the_overview_takes_five_queries(
    olga: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    a_worker()
    for status in (Status.QUEUED, Status.RUNNING, Status.SLEEPING, Status.FAILED, Status.COMPLETED):
        a_run(status)
    with django_assert_max_num_queries(5):
        answer = olga.get("/admin/", headers={"HX-Request": "true"})
    shown = {name: answer.context[name] for name in ("queued", "running", "asleep", "failed", "completed")}
    assert set(shown.values()) == {1}
    assert answer.context["now"].workers == 1
    assert sum(bar.good + bar.bad for bar in answer.context["bars"]) == 2


def test_a_group_leads_to_its_runs_and_offers_to_retry_all_of_them(olga: Client) -> None:
    for message in ("a\n503 busy", "b\n503 busy", "429 slow down"):
        a_run(Status.FAILED, error=an_error(message))
    html = olga.get("/admin/").content.decode()
    assert "Retry all 2…" in html
    group = next(group for group in olga.get("/admin/").context["groups"] if group.count == 2)
    assert len(olga.get(f"/admin/jobs/run/?{group.query}").context["rows"]) == 2
    asked = olga.post("/admin/jobs/run/bulk/", {"verb": "retry", "scope": "all", "filter": group.query})
    assert asked.context["count"] == 2


def test_a_secret_in_an_error_is_neither_shown_nor_put_into_an_address(olga: Client) -> None:
    a_run(Status.FAILED, error=an_error("refused: api_key=s3cret, Authorization: Bearer abcdef123456"))
    html = olga.get("/admin/").content.decode()
    assert "s3cret" not in html
    assert "abcdef123456" not in html


def test_it_warns_of_unfinished_runs_whose_function_is_gone(olga: Client) -> None:
    a_worker()
    a_run(Status.SLEEPING, function="stepwell-gone")
    assert "gone is no longer in the code" in olga.get("/admin/").content.decode()


def test_it_warns_when_the_oldest_queued_run_waits_for_long(olga: Client) -> None:
    a_worker()
    a_run(Status.QUEUED, run_at=clock.now() - timedelta(minutes=6))
    assert "The oldest queued run has waited since" in olga.get("/admin/").content.decode()


def test_the_slowest_functions_come_first(olga: Client) -> None:
    now = clock.now()
    for function, seconds in (("stepwell-slow", 60), ("stepwell-fast", 1)):
        for _ in range(3):
            a_run(function=function, started_at=now - timedelta(seconds=seconds), ended_at=now)
    slowest = olga.get("/admin/").context["slowest"]
    assert [pace.function for pace in slowest] == ["stepwell-slow", "stepwell-fast"]
    assert slowest[0].p95 == pytest.approx(60, rel=0.1)
    assert slowest[1].p50 == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize(("span", "count"), [("24h", 24), ("7d", 28), ("nonsense", 24)])
def test_the_bars_cover_a_day_or_a_week(olga: Client, span: str, count: int) -> None:
    a_run()
    bars = olga.get(f"/admin/?span={span}").context["bars"]
    assert (len(bars), bars[-1].good) == (count, 1)


def test_hours_that_were_counted_stand_in_for_runs_beyond_the_newest(
    olga: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    old = [a_run(queued_at=now - timedelta(hours=3)) for _ in range(4)]
    for number, run in enumerate(old):
        then = identity.first_of(now - timedelta(hours=3))
        Run.objects.filter(pk=run.pk).update(id=UUID(int=then.int + number))
    a_run(Status.FAILED)
    with connection.cursor() as cursor:
        full = now.replace(minute=0, second=0, microsecond=0)
        assert hour.count(cursor, full - timedelta(hours=24), full) == 1
    Run.objects.filter(queued_at__lt=now - timedelta(hours=1)).delete()
    monkeypatch.setattr(hour, "_COUNTED", hour._COUNTED.replace("20000", "1"))
    context = olga.get("/admin/").context
    assert (context["completed"], context["failed"]) == (4, 1)


def test_hours_are_counted_by_a_durable_function_and_anew_when_runs_were_retried() -> None:
    a_run(Status.FAILED, queued_at=clock.now() - timedelta(hours=1))
    with testing.shift_clock(timedelta(hours=1)):
        from jobs.schedule import start

        for _ in range(2):
            start(count_hours, "2 * * * *", "UTC")
            testing.drain()
    assert Run.objects.filter(function="stepwell-count-hours", status=Status.COMPLETED).count() == 2
    assert sum(Hour.objects.values_list("n", flat=True)) >= 1
    assert Hour.objects.filter(function="stepwell-hello-world").count() == 1
