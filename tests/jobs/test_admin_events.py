"""The Events pages: the list, one event, and sending one by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

import jobs
from jobs.models import Event, Run
from jobs.registry import registry
from jobs.types import Source
from tests.jobs.admin import operator, signed_in
from tests.jobs.factories import a_run, an_event

pytestmark = pytest.mark.django_db
EVENTS, SEND = "/admin/jobs/event/", "/admin/jobs/event/send/"


@pytest.fixture
def olga() -> Client:
    return operator()


@pytest.fixture
def _greeter() -> Iterator[None]:
    with registry.isolated():

        @jobs.create_function(fn_id="greet", trigger=jobs.TriggerEvent(event="user/met"))
        def greet(ctx: jobs.ContextSync) -> None:
            """Greet somebody."""

        yield


def send(client: Client, data: str, name: str = "user/met", **more: str) -> str:
    return client.post(SEND, {"name": name, "data": data, **more}, follow=True).content.decode()


def test_the_list_tells_how_many_runs_each_event_started_and_warns_when_none(olga: Client) -> None:
    a_run(events=[an_event("user/met")])
    an_event("nobody/listens")
    html = olga.get(EVENTS).content.decode()
    assert "1 run" in html
    assert html.count("Nothing listens") == 1


def test_the_list_takes_the_same_queries_however_long_it_is(
    olga: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        a_run(events=[an_event()])
        with django_assert_num_queries(4):  # session, user, the badge, rows
            olga.get(EVENTS)


def test_events_are_found_by_the_begin_of_their_name_and_by_id(olga: Client) -> None:
    event = an_event("user/met")
    an_event("other/thing")
    for text in ("user", str(event.pk)):
        assert [found.pk for found in olga.get(EVENTS, {"q": text}).context["events"]] == [event.pk]


def test_an_event_shows_its_data_without_secrets_and_its_runs(olga: Client) -> None:
    event = an_event(data={"token": "s3cret", "city": "Ahmedabad"})
    run = a_run(events=[event])
    html = olga.get(reverse("admin:jobs_event_change", args=[event.pk])).content.decode()
    assert "Ahmedabad" in html
    assert "s3cret" not in html
    assert str(run.pk) in html


@pytest.mark.usefixtures("_greeter")
def test_sending_starts_the_runs_and_leads_to_the_only_one(olga: Client) -> None:
    html = send(olga, '{"name": "Ada"}')
    event = Event.objects.get()
    assert (event.data, event.source, event.sender) == ({"name": "Ada"}, Source.MANUAL, "olga")
    assert Run.objects.get().function == "stepwell-greet"
    assert "Sent user/met. It started 1 run." in html
    assert LogEntry.objects.get().object_id == str(event.pk)


@pytest.mark.usefixtures("_greeter")
def test_the_same_id_sent_again_starts_nothing_and_says_so(olga: Client) -> None:
    send(olga, "{}", id="once")
    assert "so it started nothing" in send(olga, "{}", id="once")
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a/b", '{\n  "x": oops\n}', "Line 2, column 8"),
        ("a/b", "[1]", "is an object"),
        ("a/b", '{"x": NaN}', "NaN is not JSON"),
        ("jobs/function.failed", "{}", "only the engine may use"),
        ("", "{}", "needs a name"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words_and_kept_in_the_form(
    olga: Client, name: str, data: str, words: str
) -> None:
    answer = olga.post(SEND, {"name": name, "data": data})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert answer.context["data"] == data
    assert not Event.objects.exists()


@pytest.mark.usefixtures("_greeter")
def test_the_form_offers_known_names_and_the_last_data_of_a_name(olga: Client) -> None:
    an_event("recent/name")
    an_event("user/met", data={"token": "s3cret", "n": 1})
    answer = olga.get(SEND, {"name": "user/met"})
    assert answer.context["names"] == ["recent/name", "user/met"]
    assert '"token": "•••"' in answer.context["data"]
    assert "Starts 1 function" in answer.content.decode()


@pytest.mark.usefixtures("_greeter")
def test_a_hidden_value_that_is_sent_again_keeps_its_secret(olga: Client) -> None:
    before = an_event("user/met", data={"token": "s3cret"})
    send(olga, '{"token": "•••", "more": true}', like=str(before.pk))
    assert Event.objects.exclude(pk=before.pk).get().data == {"token": "s3cret", "more": True}


@pytest.mark.usefixtures("_greeter")
def test_the_live_line_says_what_a_name_starts_and_leaves_edited_data_alone(olga: Client) -> None:
    an_event("user/met", data={"n": 1})
    starts = reverse("admin:jobs_event_starts")
    untouched = olga.post(starts, {"name": "user/met", "data": "{}", "offered": "{}"}).content.decode()
    assert "greet" in untouched
    assert "hx-swap-oob" in untouched
    edited = olga.post(starts, {"name": "no/body", "data": '{"x": 1}', "offered": "{}"}).content.decode()
    assert "Nothing listens" in edited
    assert "hx-swap-oob" not in edited


@pytest.mark.usefixtures("_greeter")
def test_sending_again_begins_with_the_data_of_that_event_not_of_the_last(olga: Client) -> None:
    first = an_event("user/met", data={"n": 1})
    an_event("user/met", data={"n": 2})
    html = olga.get(SEND, {"name": "user/met", "like": str(first.pk)}).content.decode()
    assert "&quot;n&quot;: 1" in html
    assert "the data of the event sent" in html


@pytest.mark.usefixtures("_greeter")
def test_an_event_with_a_time_delays_what_it_starts(olga: Client) -> None:
    send(olga, "{}", at="2099-01-01T09:30")
    assert Run.objects.get().run_at == datetime(2099, 1, 1, 9, 30, tzinfo=UTC)
    assert "no date with a time" in send(olga, "{}", at="tomorrow")


def test_events_are_found_by_a_value_in_their_data(olga: Client) -> None:
    event = an_event(data={"client": {"id": 42}})
    an_event(data={"client": {"id": 420}})
    assert [found.pk for found in olga.get(EVENTS, {"q": "data.client.id:42"}).context["events"]] == [event.pk]


def test_without_the_permission_to_see_data_nothing_is_offered() -> None:
    an_event("user/met", data={"email": "ada@example.com"})
    client = signed_in("rita", "send_event")
    assert "ada@example.com" not in client.get(SEND, {"name": "user/met"}).content.decode()
