"""The page of one run: what it shows, its buttons and its live refreshing."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from jobs.models import Event, Run
from jobs.types import Status, StepStatus
from tests.jobs.admin import operator, signed_in
from tests.jobs.factories import a_line, a_run, a_step, an_attempt, an_error, an_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> Client:
    return operator()


def page(client: Client, run: Run) -> str:
    return client.get(reverse("admin:jobs_run_change", args=[run.pk])).content.decode()


def press(client: Client, verb: str, run: Run, **data: str) -> str:
    answer = client.post(reverse(f"admin:jobs_run_{verb}", args=[run.pk]), data, follow=True)
    return answer.content.decode()


def poll(client: Client, run: Run, address: str = "") -> tuple[int, str]:
    answer = client.get(address or reverse("admin:jobs_run_live", args=[run.pk]), headers={"HX-Request": "true"})
    return answer.status_code, answer.content.decode()


def test_a_failed_run_shows_its_error_its_steps_its_log_and_its_event(olga: Client) -> None:
    run = a_run(Status.FAILED, error=an_error(step="ask"))
    a_step(run, "read")
    a_step(run, "ask", StepStatus.FAILED, attempts=[an_attempt(1, run.started_at)], error=an_error(), output=None)
    a_line(run, "412 turns", step="read")
    html = page(olga, run)
    for words in ("503 Service Unavailable", "transcripts/ask.py:12 in ask", "read", "412 turns", "ada@example.com"):
        assert words in html
    assert "Retry from ask" in html


@pytest.mark.parametrize(
    ("status", "buttons"),
    [
        (Status.QUEUED, {"cancel"}),
        (Status.RUNNING, {"cancel"}),
        (Status.SLEEPING, {"cancel", "wake"}),
        (Status.WAITING, {"cancel"}),
        (Status.COMPLETED, {"again"}),
        (Status.FAILED, {"retry", "again"}),
        (Status.CANCELLED, {"again"}),
        (Status.SKIPPED, {"again"}),
    ],
)
def test_only_buttons_that_fit_the_status_are_there(olga: Client, status: Status, buttons: set[str]) -> None:
    html = page(olga, a_run(status))
    assert set(re.findall(r'id="(retry|again|cancel|wake)(?:-open)?"(?! aria)', html)) == buttons


def test_nothing_on_the_page_saves_or_deletes(olga: Client) -> None:
    run = a_run()
    assert not re.search(r"_save|deletelink|>Delete<", page(olga, run))
    assert olga.post(f"/admin/jobs/run/{run.pk}/delete/").status_code == 404


def test_retry_queues_the_run_and_history_tells_who_did_it(olga: Client) -> None:
    run = a_run(Status.FAILED, error=an_error())
    html = press(olga, "retry", run)
    assert "is queued again" in html
    assert Run.objects.get(pk=run.pk).status == Status.QUEUED
    assert LogEntry.objects.get(object_id=str(run.pk)).user.username == "olga"
    assert re.search(r"<td>olga</td>\s*<td>Retried\.</td>", html)


def test_a_second_retry_says_that_there_is_nothing_to_retry(olga: Client) -> None:
    run = a_run(Status.FAILED, error=an_error())
    press(olga, "retry", run)
    assert "is queued now, so there is nothing to retry" in press(olga, "retry", run)
    assert LogEntry.objects.count() == 1


def test_cancel_ends_a_live_run_once(olga: Client) -> None:
    run = a_run(Status.SLEEPING)
    assert "is cancelled" in press(olga, "cancel", run)
    assert "had ended already" in press(olga, "cancel", run)


def test_running_again_with_edited_data_keeps_what_was_hidden(olga: Client) -> None:
    event = an_event(data={"transcript_id": 1, "token": "s3cret"})
    run = a_run(events=[event], function="stepwell-hello-world")
    press(olga, "again", run, data='{"transcript_id": 2, "token": "•••"}')
    fresh = Run.objects.get(rerun_of=run.pk)
    assert fresh.events.get().data == {"transcript_id": 2, "token": "s3cret"}


def test_running_again_with_untouched_data_uses_the_same_event(olga: Client) -> None:
    event = an_event(data={"token": "s3cret"})
    press(olga, "again", a_run(events=[event]), data='{"token": "•••"}')
    assert Event.objects.count() == 1


def test_wrong_json_is_pointed_at_and_kept(olga: Client) -> None:
    html = press(olga, "again", a_run(), data='{"a": 1,\n "b" 2}')
    assert "Line 2, column 6" in html
    assert "&quot;b&quot; 2}" in html
    assert Run.objects.count() == 1


def test_secrets_are_hidden_and_without_the_permission_all_values_are() -> None:
    run = a_run(events=[an_event(data={"api_key": "s3cret", "email": "ada@example.com"})], output={"total": 12345})
    a_line(run, "sent to ada@example.com")
    full = page(operator(), run)
    assert "s3cret" not in full
    assert "•••" in full
    assert "ada@example.com" in full
    outline = page(signed_in("rita", "view_run"), run)
    assert "ada@example.com" not in outline
    assert "12345" not in outline
    assert "&quot;email&quot;: &quot;text&quot;" in outline


def test_what_json_can_carry_but_a_page_cannot_is_still_shown(olga: Client) -> None:
    run = a_run(output={"odd": "\ud800 \0", "<script>": "</script>"}, error=None)
    html = page(olga, run)
    assert "\\ud800 \\u0000" in html
    assert "</script>&quot;" not in html


def test_a_pruned_run_is_a_404(olga: Client) -> None:
    assert olga.get("/admin/jobs/run/01900000-0000-7000-8000-000000000000/").status_code == 404


@pytest.mark.parametrize(
    ("status", "seconds"), [(Status.RUNNING, "2s"), (Status.QUEUED, "2s"), (Status.SLEEPING, "15s")]
)
def test_a_live_run_is_read_again_as_often_as_it_may_change(olga: Client, status: Status, seconds: str) -> None:
    assert f'hx-trigger="every {seconds}"' in page(olga, a_run(status))


def test_an_ended_run_is_not_read_again(olga: Client) -> None:
    assert "hx-get" not in page(olga, a_run())


def test_a_poll_answers_204_unchanged_200_changed_and_286_ended(
    olga: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    run = a_run(Status.SLEEPING)
    a_step(run, "read")
    address = re.search(r'hx-get="([^"]+)"', page(olga, run))[1]
    with django_assert_max_num_queries(3):
        assert poll(olga, run, address)[0] == 204
    a_line(run, "woke up")
    with django_assert_max_num_queries(5):
        status, html = poll(olga, run, address)
    assert (status, "woke up" in html, "<html" in html) == (200, True, False)
    press(olga, "cancel", run)
    assert poll(olga, run, address)[0] == 286


def test_people_of_a_product_see_the_runs_of_its_objects_live() -> None:
    run = a_run(Status.RUNNING, subject="transcripts.transcript/7", current_step="read-file")
    client = signed_in("vera", staff=False)
    address = "/admin/about/transcripts.transcript/7/"
    assert client.get(address).status_code == 403
    assert client.get("/admin/about/nonsense/7/").status_code == 404
    from django.contrib.auth.models import Permission, User

    User.objects.get(username="vera").user_permissions.add(Permission.objects.get(codename="view_transcript"))
    answer = client.get(f"{address}?only=steps")
    assert (answer.status_code, "read-file" in answer.content.decode()) == (200, True)
    version = re.search(r"v=(\w+)", answer.content.decode())[1]
    assert client.get(f"{address}?only=steps&v={version}").status_code == 204
    Run.objects.filter(pk=run.pk).update(status=Status.FAILED, ended_at=run.queued_at)
    assert client.get(f"{address}?v={version}").status_code == 286
    assert client.post(address).status_code == 405


@pytest.mark.parametrize(
    ("status", "attempt", "tries", "shown"),
    [
        (Status.RUNNING, 0, 0, 1),
        (Status.SLEEPING, 0, 2, 3),
        (Status.SLEEPING, 1, 0, 2),
        (Status.FAILED, 0, 4, 4),
        (Status.FAILED, 4, 0, 4),
        (Status.FAILED, 0, 0, 1),
    ],
)
def test_the_attempt_counts_failures_of_the_body_and_of_the_step_it_is_at(
    olga: Client, status: Status, attempt: int, tries: int, shown: int
) -> None:
    run = a_run(status, attempt=attempt)
    a_step(run, "read")
    a_step(run, "ask", StepStatus.FAILED if status == Status.FAILED else StepStatus.RETRYING, tries=tries, output=None)
    assert olga.get(reverse("admin:jobs_run_change", args=[run.pk])).context["attempt"] == shown
    assert olga.get("/admin/jobs/run/").context["rows"][0]["attempt"] == shown


def test_a_step_that_sent_an_event_links_to_it(olga: Client) -> None:
    event = an_event("user/met")
    run = a_run()
    a_step(run, "tell", op="send_event", output=[str(event.pk)])
    assert reverse("admin:jobs_event_change", args=[event.pk]) in page(olga, run)


def test_a_refresh_of_an_object_s_runs_takes_four_queries(
    olga: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for status in (Status.FAILED, Status.COMPLETED, Status.RUNNING):
        run = a_run(status, subject="transcripts.transcript/7")
        a_step(run, "read")
        a_line(run, "412 turns", step="read")
    with django_assert_max_num_queries(4):
        assert "412 turns" in olga.get("/admin/about/transcripts.transcript/7/").content.decode()


def test_the_page_takes_the_same_queries_however_many_steps_there_are(
    olga: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run = a_run(Status.RUNNING)
    page(olga, run)
    for _ in range(2):
        for number in range(20):
            a_step(run, f"step-{number}")
            a_line(run, "said", step=f"step-{number}")
        # Session, user, mark, run, journal, events, history, invoked runs and the badge.
        with django_assert_num_queries(9):
            page(olga, run)


def test_a_very_long_timeline_brings_the_inside_of_a_row_once_it_is_opened(olga: Client) -> None:
    run = a_run()
    for number in range(101):
        a_step(run, f"step-{number}", output={"number": number + 4000})
    a_line(run, "said there", step="step-7")
    html = page(olga, run)
    assert "4007" not in html
    address = re.findall(r'hx-get="([^"]+/step/[^"]+)"', html)[7]
    inside = olga.get(address).content.decode()
    for words in ("4007", "said there", "Run from here"):
        assert words in inside
    assert signed_in("sam").get(address).status_code == 403
