"""Verbs on many runs from the list: asked first, done here or by a run of its own, and the CSV of a list."""

import csv
import io
import time
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from jobs import testing
from jobs.models import Run
from jobs.types import Status
from tests.jobs.admin import operator, signed_in
from tests.jobs.factories import a_run, an_error, an_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> Client:
    return operator()


def ask(client: Client, verb: str, *runs: Run, **more: str) -> HttpResponse:
    data = {"verb": verb, "run": [str(run.pk) for run in runs], **more}
    return client.post(reverse("admin:jobs_run_bulk"), data)


def confirm(client: Client, asked: HttpResponse, **more: str) -> HttpResponse:
    data = {"verb": asked.context["verb"], "selection": asked.context["selection"], "confirmed": "1", **more}
    return client.post(reverse("admin:jobs_run_bulk"), data)


def failed(count: int = 1, **changes: object) -> list[Run]:
    return [a_run(Status.FAILED, error=an_error(), **changes) for _ in range(count)]


def test_it_names_number_and_functions_first_and_then_retries_only_failed_runs(olga: Client) -> None:
    (run,), done = failed(), a_run()
    asked = ask(olga, "retry", run, done)
    html = asked.content.decode()
    assert "Retry 1 run?" in html
    assert asked.context["functions"] == {"stepwell-hello-world": 1}
    assert "1 of the chosen runs is in no state for this" in html
    assert Run.objects.get(pk=run.pk).status == Status.FAILED
    confirm(olga, asked)
    statuses = dict(Run.objects.values_list("pk", "status"))
    assert statuses == {run.pk: Status.QUEUED, done.pk: Status.COMPLETED}


def test_cancel_cancels_live_runs(olga: Client) -> None:
    live = a_run(Status.SLEEPING)
    confirm(olga, ask(olga, "cancel", live))
    assert Run.objects.get(pk=live.pk).status == Status.CANCELLED
    assert LogEntry.objects.get().get_change_message() == "Cancelled together with others."


def test_all_that_match_a_filter_can_be_meant(olga: Client) -> None:
    mine = failed(2, function="stepwell-other")
    failed()
    asked = ask(olga, "retry", scope="all", filter="function=stepwell-other&status=failed")
    assert asked.context["count"] == 2
    confirm(olga, asked)
    assert set(Run.objects.filter(status=Status.QUEUED)) == set(mine)


def test_runs_that_come_after_the_question_are_not_meant(olga: Client) -> None:
    failed()
    asked = ask(olga, "replay", scope="all", filter="status=failed")
    failed()
    confirm(olga, asked)
    assert Run.objects.filter(rerun_of__isnull=False).count() == 1


def test_replay_starts_new_runs_with_the_same_events(olga: Client) -> None:
    run = a_run(Status.FAILED, events=[an_event(data={"name": "Ada"})], error=an_error())
    confirm(olga, ask(olga, "replay", run))
    fresh = Run.objects.get(rerun_of=run.pk)
    assert (fresh.status, fresh.events.get().data) == (Status.QUEUED, {"name": "Ada"})
    assert Run.objects.get(pk=run.pk).status == Status.FAILED


def test_more_than_a_hundred_become_a_run_of_their_own_with_progress(olga: Client) -> None:
    failed(103)
    asked = ask(olga, "retry", scope="all", filter="status=failed")
    assert "done by a run of its own" in asked.content.decode()
    answer = confirm(olga, asked)
    own = Run.objects.get(function="stepwell-bulk")
    assert answer["Location"] == reverse("admin:jobs_run_change", args=[own.pk])
    assert Run.objects.filter(status=Status.FAILED).count() == 103
    testing.drain()
    own.refresh_from_db()
    assert own.output == {"verb": "retry", "runs": 103, "done": 103, "left_alone": 0}
    assert own.progress == {"done": 103, "total": 103, "message": "runs"}
    assert not Run.objects.filter(status=Status.FAILED).exists()
    assert LogEntry.objects.get(object_id=str(own.pk)).user.username == "olga"


def test_runs_can_be_spread_over_time(olga: Client) -> None:
    failed(3)
    confirm(olga, ask(olga, "replay", scope="all", filter="status=failed"), spread="600")
    testing.drain()
    assert Run.objects.filter(rerun_of__isnull=False).count() == 1
    for expected in (2, 3):
        with testing.shift_clock(timedelta(seconds=201 * (expected - 1))):
            testing.drain()
        assert Run.objects.filter(rerun_of__isnull=False).count() == expected


def test_none_in_a_state_for_it_is_said_in_words(olga: Client) -> None:
    assert "None of these runs can be retried" in ask(olga, "retry", a_run()).content.decode()
    assert "None of these runs can be cancelled" in ask(olga, "cancel", a_run()).content.decode()


@pytest.mark.parametrize("selection", ["", "nonsense", '{"statuses": ["GONE"]}', '{"sql": "1"}'])
def test_an_order_that_cannot_be_read_does_nothing(olga: Client, selection: str) -> None:
    run = failed()[0]
    data = {"verb": "retry", "confirmed": "1", "selection": selection}
    html = olga.post(reverse("admin:jobs_run_bulk"), data, follow=True).content.decode()
    assert "could not be read" in html
    assert Run.objects.get(pk=run.pk).status == Status.FAILED


def test_each_verb_needs_its_permission() -> None:
    rita = signed_in("rita", "view_run", "cancel_run")
    assert ask(rita, "retry", *failed()).status_code == 403
    assert ask(rita, "replay", *failed()).status_code == 403
    assert ask(rita, "cancel", *failed()).status_code == 200


def rows(answer: HttpResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_the_csv_has_what_the_list_shows(olga: Client) -> None:
    run = a_run(Status.FAILED, error=an_error("a\n503 token=s3cret"), subject="transcripts.transcript/7")
    a_run()
    answer = olga.get(reverse("admin:jobs_run_export"), {"status": "failed"})
    assert answer["Content-Type"].startswith("text/csv")
    (row,) = rows(answer)
    assert (row["id"], row["status"], row["object"]) == (str(run.pk), "failed", "transcripts.transcript/7")
    assert (row["seconds"], row["error"]) == ("9.000", "503 token=•••")


def test_the_csv_has_no_formulas(olga: Client) -> None:
    a_run(Status.FAILED, error=an_error("=HYPERLINK(1)"))
    (row,) = rows(olga.get(reverse("admin:jobs_run_export")))
    assert row["error"] == "'=HYPERLINK(1)"


def test_the_csv_can_be_of_chosen_runs(olga: Client) -> None:
    run, _ = a_run(), a_run()
    assert [row["id"] for row in rows(olga.get(reverse("admin:jobs_run_export"), {"run": [str(run.pk)]}))] == [
        str(run.pk)
    ]


def test_an_order_is_not_given_again_by_who_may_not_do_what_it_does() -> None:
    run = a_run(Status.SLEEPING)
    olga = operator()
    confirm(olga, ask(olga, "cancel", scope="all", filter="status=sleeping"), spread="60")
    order = Run.objects.get(function="stepwell-bulk")
    testing.drain()
    rita = signed_in("rita", "view_run", "retry_run", "send_event", "view_payload")
    assert rita.post(reverse("admin:jobs_run_again", args=[order.pk])).status_code == 403
    forged = {"data": '{"verb": "cancel", "selection": {}, "by": "olga"}'}
    assert (
        "Only the engine itself starts"
        in rita.post(reverse("admin:jobs_function_start", args=["stepwell-bulk"]), forged, follow=True).content.decode()
    )
    assert ask(rita, "replay", order).context["count"] == 0
    olga.post(reverse("admin:jobs_run_again", args=[order.pk]), {"data": '{"verb": "retry"}'})
    again = Run.objects.get(rerun_of=order.pk)
    assert again.events.get() == order.events.get()
    assert Run.objects.get(pk=run.pk).status == Status.CANCELLED


def test_a_search_does_not_reach_further_back_while_an_order_is_carried_out(
    olga: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.selection.NEWEST", 2)
    old = failed(3)[0]
    time.sleep(0.002)
    new = failed(2)
    asked = ask(olga, "retry", scope="all", filter="status=failed&q=503")
    assert asked.context["count"] == 2
    confirm(olga, asked)
    confirm(olga, asked)
    assert set(Run.objects.filter(status=Status.QUEUED)) == set(new)
    assert Run.objects.get(pk=old.pk).status == Status.FAILED


def test_an_order_does_not_search_in_data_for_who_may_not_see_it() -> None:
    run = a_run(Status.FAILED, events=[an_event(data={"client_id": 42})], error=an_error())
    rita = signed_in("rita", "view_run", "retry_run")
    data = {"verb": "retry", "confirmed": "1", "selection": '{"search": "data.client_id:42"}'}
    html = rita.post(reverse("admin:jobs_run_bulk"), data, follow=True).content.decode()
    assert "could not be read" in html
    assert Run.objects.get(pk=run.pk).status == Status.FAILED
