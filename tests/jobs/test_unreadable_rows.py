"""A row that nobody expected, whoever wrote it, ends no page, no answer and no claim."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

import jobs
from jobs import testing
from jobs.api.health import alive
from jobs.models import EventKey, Run, Step
from jobs.types import Status
from tests.jobs.admin import operator
from tests.jobs.conftest import Engine

PAGES = ("/admin/", "/admin/jobs/run/", "/admin/jobs/function/", "/admin/jobs/event/", "/admin/jobs/", "/")

# 286 tells the page of an ended run to stop asking.
ANSWERED = (200, 286)


def odd(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def bodies(engine: Engine) -> Run:
    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.run("one", lambda: 1)
        ctx.step.sleep("nap", timedelta(hours=1))

    return engine.execute(body)


ROWS = (
    "UPDATE jobs_run SET run_at = 'infinity'",
    "UPDATE jobs_run SET run_at = '294276-12-31 23:59:59+00', deadline = '294276-12-31 23:59:59+00'",
    "UPDATE jobs_run SET queued_at = '-infinity', started_at = '4713-01-01 00:00:00+00 BC'",
    "UPDATE jobs_run SET started_at = 'infinity'",
    "UPDATE jobs_run SET status = 'FAILED', run_at = NULL, ended_at = 'infinity', error = NULL",
    "UPDATE jobs_run SET status = 'FAILED', run_at = NULL, ended_at = '9999-12-31 23:59:59+00', error = '[]'",
    "UPDATE jobs_run SET status = 'FAILED', run_at = NULL, ended_at = now(), error = '\"words\"'",
    "UPDATE jobs_run SET status = 'FAILED', run_at = NULL, ended_at = now(), error = '{\"message\": null}'",
    "UPDATE jobs_run SET progress = '5', started_at = NULL",
    'UPDATE jobs_run SET progress = \'{"done": "x", "total": null}\', status = \'RUNNING\', run_at = NULL',
    "UPDATE jobs_step SET wake_at = 'infinity', started_at = '-infinity'",
    "UPDATE jobs_step SET attempts = '{}', error = '[]', ended_at = NULL",
    "UPDATE jobs_step SET attempts = '[{}, 5, null]'",
    "UPDATE jobs_event SET received_at = 'infinity', ts = 9223372036854775807",
    "UPDATE jobs_event SET data = '[]'",
)


@pytest.mark.parametrize("row", ROWS)
def test_every_page_and_answer_survives(engine: Engine, client: Client, row: str) -> None:
    run = bodies(engine)
    odd(row)
    event_id = run.events.values_list("pk", flat=True)[0]
    step = Step.objects.values_list("key", flat=True)[0]
    own = (f"/admin/jobs/run/{run.pk}/", f"/admin/jobs/run/{run.pk}/live/", f"/admin/jobs/run/{run.pk}/step/{step}/")
    pages = (*PAGES, *own, f"/admin/jobs/event/{event_id}/", f"/admin/jobs/function/{run.function}/")
    browser = operator()
    browser.raise_request_exception = False
    answers = {page: browser.get(page, follow=True).status_code for page in pages}
    _, secret = EventKey.make("p", ["read"])
    reader = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {secret}"})
    api = ("/metrics", f"/v1/events/{event_id}", f"/v1/events/{event_id}/runs", f"/v1/runs/{run.pk}")
    answers |= {page: reader.get(page).status_code for page in api}
    assert {page: code for page, code in answers.items() if code not in ANSWERED} == {}
    assert reader.get("/health").json()["database"] == "ok"


@pytest.mark.parametrize("at", ["infinity", "-infinity", "294276-12-31 23:59:59+00", "4713-01-01 00:00:00+00 BC"])
def test_other_runs_go_on_beside_such_a_row(engine: Engine, at: str) -> None:
    broken = bodies(engine)
    odd("UPDATE jobs_step SET wake_at = %s", at)
    odd("UPDATE jobs_run SET queued_at = %s, run_at = now() - interval '1 second'", at)
    engine.send()
    testing.drain()
    assert set(Run.objects.exclude(pk=broken.pk).values_list("status", flat=True)) == {Status.SLEEPING}
    assert alive().count() == 0


@pytest.mark.parametrize("delay", [1e12, float("inf"), 10**400, timedelta(days=99_999)])
def test_a_backoff_is_a_day_at_most(engine: Engine, delay: Any) -> None:
    run = engine.execute(lambda ctx: 1 / 0, retries=2, backoff=lambda _: delay)
    assert run.status == Status.SLEEPING
    assert (run.run_at - run.queued_at).total_seconds() == pytest.approx(24 * 3600, abs=5)


@pytest.mark.parametrize("delay", [float("nan"), "10", None, True, [1]])
@pytest.mark.parametrize("where", ["step", "body"])
def test_a_backoff_that_is_no_number_fails_the_run_in_words(engine: Engine, delay: Any, where: str) -> None:
    def body(ctx: jobs.ContextSync) -> float:
        return ctx.step.run("s", lambda: 1 / 0) if where == "step" else 1 / 0

    run = engine.execute(body, retries=2, backoff=lambda _: delay)
    assert (run.status, run.error["code"]) == (Status.FAILED, "backoff_failed")
    assert "must be a number of seconds" in run.error["message"]


def test_a_backoff_below_zero_is_none(engine: Engine) -> None:
    run = engine.execute(lambda ctx: 1 / 0, retries=1, backoff=lambda _: -1e12)
    assert (run.status, run.error["name"]) == (Status.FAILED, "ZeroDivisionError")
