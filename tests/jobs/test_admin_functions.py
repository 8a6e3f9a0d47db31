"""The Functions pages: what the code defines, how it goes, and starting one by hand."""

from collections.abc import Iterator

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

import jobs
from jobs.models import Event, Run
from jobs.registry import registry
from jobs.types import SCHEDULED_TIMER, Source, Status
from tests.jobs.admin import operator
from tests.jobs.factories import a_run, an_error, an_event

pytestmark = pytest.mark.django_db
LIST = "/admin/jobs/function/"


@pytest.fixture
def olga() -> Client:
    return operator()


@pytest.fixture(autouse=True)
def _functions() -> Iterator[None]:
    with registry.isolated():

        @jobs.create_function(
            fn_id="greet", trigger=jobs.TriggerEvent(event="user/met", expression="event.data.n > 1"), retries=2
        )
        def greet(ctx: jobs.ContextSync) -> None:
            """Greet somebody.

            Twice on Sundays.
            """

        @jobs.create_function(fn_id="also", trigger=jobs.TriggerEvent(event="user/met"))
        def also(ctx: jobs.ContextSync) -> None:
            """Listen as well."""

        @jobs.create_function(fn_id="nightly", trigger=jobs.TriggerCron(cron="TZ=Europe/Paris 17 3 * * *"))
        def nightly(ctx: jobs.ContextSync) -> None:
            """Tidy up."""

        yield


def page(client: Client, function: str = "greet") -> str:
    return client.get(reverse("admin:jobs_function", args=[f"stepwell-{function}"])).content.decode()


def start(client: Client, function: str, **data: str) -> str:
    address = reverse("admin:jobs_function_start", args=[f"stepwell-{function}"])
    return client.post(address, data, follow=True).content.decode()


def test_the_list_tells_what_starts_each_function_and_how_it_goes(olga: Client) -> None:
    a_run(function="stepwell-greet")
    a_run(Status.FAILED, function="stepwell-greet", error=an_error())
    answer = olga.get(LIST)
    html = answer.content.decode()
    for words in (
        "user/met",
        "if event.data.n &gt; 1",
        "At 03:17 every day, Europe/Paris",
        "50 % well",
        "Greet somebody",
    ):
        assert words in html
    going = next(row["going"] for row in answer.context["rows"] if row["function"].fn_id == "greet")
    assert (going.ended, going.failed, going.last.status) == (2, 1, Status.FAILED)


def test_what_handles_failures_is_listed_once_it_has_had_something_to_do(olga: Client) -> None:
    def apologise(ctx: jobs.ContextSync) -> None:
        """Say sorry."""

    @jobs.create_function(fn_id="serve", trigger=jobs.TriggerEvent(event="user/served"), on_failure=apologise)
    def serve(ctx: jobs.ContextSync) -> None:
        """Serve somebody."""

    def listed() -> list[str]:
        return [row["function"].fn_id for row in olga.get(LIST).context["rows"]]

    assert listed() == ["also", "greet", "nightly", "serve"]
    a_run(function="stepwell-serve-failure")
    assert listed() == ["also", "greet", "nightly", "serve", "serve-failure"]


def test_the_list_takes_the_same_queries_however_much_has_run(
    olga: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        a_run(function="stepwell-greet")
        a_run(Status.FAILED, function="stepwell-nightly")
        with django_assert_num_queries(7):  # session, user, the badge, hours, standing, the last ones and their rows
            olga.get(LIST)


def test_a_function_shows_its_description_source_limits_and_runs(olga: Client) -> None:
    run = a_run(Status.RUNNING, function="stepwell-greet")
    html = page(olga)
    for words in ("Twice on Sundays", "test_admin_functions:", "tried up to 3 times", str(run.pk)):
        assert words in html


def test_an_unknown_function_is_a_404_in_words(olga: Client) -> None:
    assert olga.get(f"{LIST}stepwell-gone/").status_code == 404


def test_run_now_starts_only_this_function_with_the_data_typed(olga: Client) -> None:
    an_event("user/met", data={"token": "s3cret", "n": 1})
    assert "•••" in page(olga)
    last = Event.objects.get()
    start(olga, "greet", data='{"token": "•••", "n": 2}', like=str(last.pk))
    run = Run.objects.get()
    event = run.events.get()
    assert (run.function, event.data, event.source) == ("stepwell-greet", {"token": "s3cret", "n": 2}, Source.MANUAL)
    assert LogEntry.objects.get(object_id=str(run.pk)).user.username == "olga"


def test_run_now_points_at_wrong_json(olga: Client) -> None:
    assert "Line 1, column" in start(olga, "greet", data="{oops")
    assert not Run.objects.exists()


def test_run_now_of_a_scheduled_function_is_one_tick(olga: Client) -> None:
    start(olga, "nightly")
    run = Run.objects.get()
    assert (run.trigger, run.events.get().sender) == (SCHEDULED_TIMER, "olga")
