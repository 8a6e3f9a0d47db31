"""The Runs list and its bulk actions."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from jobs.models import Run
from jobs.types import Source, Status
from tests.jobs.admin import operator, signed_in
from tests.jobs.factories import a_run, an_error, an_event

pytestmark = pytest.mark.django_db
RUNS = "/admin/jobs/run/"


@pytest.fixture
def olga() -> Client:
    return operator()


def shown(client: Client, query: str = "") -> str:
    return client.get(f"{RUNS}?{query}").content.decode()


def ids(html: str) -> set[str]:
    return set(re.findall(r'name="run" value="([^"]+)"', html))


def test_the_list_shows_status_function_object_attempt_and_the_last_error_line(olga: Client) -> None:
    a_run(Status.FAILED, error=an_error(), attempt=3, subject="transcripts.transcript/42")
    html = shown(olga)
    for words in ("Failed", "hello-world", "Transcript 42", "503 Service Unavailable"):
        assert words in html
    assert "The model is overloaded" not in html


def test_tabs_count_each_status(olga: Client) -> None:
    for status in (Status.FAILED, Status.FAILED, Status.COMPLETED, Status.SLEEPING):
        a_run(status)
    tabs = {tab[0]: tab[2] for tab in olga.get(RUNS).context["tabs"]}
    assert (tabs[""], tabs["FAILED"], tabs["COMPLETED"], tabs["SLEEPING"]) == (4, 2, 1, 1)


@pytest.mark.parametrize(
    "query",
    [
        "status=failed",
        "function=stepwell-other",
        "trigger=b%2Fother",
        "subject=transcripts.transcript/42",
        "source=http",
        "attempts=more",
        "error=503+Service+Unavailable",
        "q=overloaded",
        "q=OTHER",
        "q=transcript/42",
        "q=data.client_id:42",
        "q=data.who.city:Zürich",
    ],
)
def test_a_filter_leaves_only_what_matches(olga: Client, query: str) -> None:
    a_run(Status.COMPLETED)
    wanted = a_run(
        Status.FAILED,
        events=[an_event("b/other", source=Source.HTTP, data={"client_id": 42, "who": {"city": "Zürich"}})],
        attempt=1,
        function="stepwell-other",
        error=an_error(),
        subject="transcripts.transcript/42",
    )
    assert ids(shown(olga, query)) == {str(wanted.pk)}


def test_search_finds_a_run_by_its_id_by_the_end_of_it_and_by_its_event(olga: Client) -> None:
    a_run()
    event = an_event()
    run = a_run(events=[event])
    for text in (str(run.pk), str(run.pk)[-8:], str(event.pk)):
        assert ids(shown(olga, f"q={text}")) == {str(run.pk)}


def test_a_time_preset_leaves_out_older_runs(olga: Client) -> None:
    old = a_run()
    Run.objects.filter(pk=old.pk).update(id="01900000-0000-7000-8000-000000000000")
    new = a_run()
    assert ids(shown(olga, "time=24h")) == {str(new.pk)}


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense",
        "time=9y",
        "before=x",
        "top=y",
        "q=%00",
        "q=data.:",
        "q=data.x:%ED%A0%80",
        "function=%27--",
        "since=yesterday",
        "until=2026-13-45",
    ],
)
def test_an_address_that_makes_no_sense_is_still_answered(olga: Client, query: str) -> None:
    assert olga.get(f"{RUNS}?{query}").status_code == 200


def test_the_list_takes_the_same_queries_however_long_it_is(
    olga: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # Session, user, the badge, counts and rows.
    for _ in range(2):
        for status in (Status.FAILED, Status.RUNNING, Status.COMPLETED):
            a_run(status, subject="transcripts.transcript/1", error=an_error() if status == Status.FAILED else None)
        with django_assert_num_queries(5):
            shown(olga)


def test_a_refresh_takes_four_queries_and_answers_204_while_nothing_changed(
    olga: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    a_run()
    address = re.search(r'id="runs" hx-get="([^"]+)"', shown(olga))[1].replace("&amp;", "&")
    with django_assert_num_queries(4):
        assert olga.get(RUNS + address, headers={"HX-Request": "true"}).status_code == 204
    a_run(Status.FAILED)
    with django_assert_num_queries(4):
        assert olga.get(RUNS + address, headers={"HX-Request": "true"}).status_code == 200


def test_new_runs_do_not_move_the_list_but_are_announced(olga: Client) -> None:
    first = a_run()
    a_run()
    html = shown(olga, f"top={first.pk}")
    assert ids(html) == {str(first.pk)}
    assert "1 new run, show" in html


def test_older_runs_are_a_page_away(olga: Client) -> None:
    runs = [a_run(events=[]) for _ in range(27)]
    before = olga.get(RUNS).context["list"].older
    assert ids(shown(olga, f"before={before}")) == {str(run.pk) for run in runs[:2]}


def test_an_empty_list_says_what_to_do_next(olga: Client) -> None:
    assert "Nothing has run yet" in shown(olga)
    assert "No run matches" in shown(olga, "status=failed")


def test_bulk_actions_do_not_send_people_to_other_sites(olga: Client) -> None:
    answer = olga.post(reverse("admin:jobs_run_bulk"), {"verb": "retry", "next": "https://elsewhere.example/"})
    assert answer["Location"] == RUNS


def test_the_sidebar_counts_the_failures_of_a_day(olga: Client) -> None:
    a_run(Status.FAILED)
    a_run(Status.COMPLETED)
    assert '1<span class="visually-hidden"> failed in the last 24 hours' in shown(olga)


def test_only_people_who_may_see_data_can_search_in_it() -> None:
    a_run(events=[an_event(data={"client_id": 42})])
    other = a_run(events=[an_event(data={"client_id": 7})])
    found = ids(shown(signed_in("rita", "view_run"), "q=data.client_id:42"))
    assert str(other.pk) in found
