"""`/v1/signals`, `/v1/cancellations` and `/metrics`: what a program with a key may do, and what a stranger may not."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

import jobs
from jobs import actions, clock, testing
from jobs.models import EventKey, Run
from jobs.types import Status
from tests.jobs.conftest import Engine
from tests.jobs.factories import a_run, a_worker


@pytest.fixture
def caller(db: None) -> Client:
    return Client(headers={"Authorization": f"Bearer {EventKey.make('operator', ['act', 'read'])[1]}"})


def post(caller: Client, address: str, value: Any) -> Any:
    return caller.post(address, value, content_type="application/json")


def test_a_signal_wakes_the_run_that_waits_for_it(engine: Engine, caller: Client) -> None:
    run = engine.execute(lambda ctx: ctx.step.wait_for_signal("approval", "order-7", timeout=timedelta(hours=1)))
    answered = post(caller, "/v1/signals", {"signal": "order-7", "data": {"by": "Ada"}})
    assert (answered.status_code, answered.json()["data"]["signal"]) == (200, "order-7")
    assert engine.drained(run).output == {"by": "Ada"}


@pytest.mark.parametrize("body", [{}, {"signal": ""}, {"signal": 5}, {"signal": "x" * 256}, [], "nonsense"])
def test_a_request_without_a_signal_is_refused_in_words(caller: Client, body: Any) -> None:
    answered = post(caller, "/v1/signals", body)
    assert (answered.status_code, bool(answered.json()["error"])) == (400, True)


def test_the_live_runs_of_a_function_are_cancelled(engine: Engine, caller: Client) -> None:
    engine.define(lambda ctx: ctx.step.sleep("long", timedelta(days=1)))
    for number in range(3):
        engine.send(data={"n": number})
    testing.drain()
    answered = post(
        caller, "/v1/cancellations", {"app_id": "stepwell", "function_id": "work", "if": "event.data.n > 0"}
    )
    assert answered.status_code == 201
    assert answered.json()["data"] == {"function_id": "stepwell-work", "cancelled": 2, "more": False}
    assert sorted(Run.objects.values_list("status", flat=True)) == ["CANCELLED", "CANCELLED", "SLEEPING"]
    assert Run.objects.filter(status=Status.CANCELLED)[0].error["message"] == "Cancelled by key operator"


def test_only_runs_of_the_span_are_cancelled(engine: Engine, caller: Client) -> None:
    engine.define(lambda ctx: None)
    engine.send()
    engine.pass_time(hours=2)
    engine.send()
    hour_ago = (clock.now() - timedelta(hours=1)).isoformat()
    answered = post(caller, "/v1/cancellations", {"function_id": "stepwell-work", "started_before": hour_ago})
    assert answered.json()["data"]["cancelled"] == 1
    assert Run.objects.order_by("id")[0].status == Status.CANCELLED


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "Say which function"),
        ({"function_id": "stepwell-work", "started_after": "yesterday"}, 400, "started_after is not a time"),
        ({"function_id": "stepwell-work", "started_before": 5}, 400, "started_before is not a time"),
        ({"function_id": "stepwell-work", "if": "event.data["}, 400, "is not a CEL expression"),
        ({"function_id": "stepwell-work", "if": "true||" * 200_000 + "true"}, 400, "1,000 are the most"),
        ({"function_id": "stepwell-work", "if": "event.data.list.map(x, x) == []"}, 400, "map copies lists"),
        ({"function_id": "nobody"}, 404, "No function has the id 'nobody'"),
    ],
)
def test_a_wrong_cancellation_is_refused_in_words(
    engine: Engine, caller: Client, body: dict[str, Any], status: int, words: str
) -> None:
    engine.define(lambda ctx: None)
    answered = post(caller, "/v1/cancellations", body)
    assert answered.status_code == status
    assert words in answered.json()["error"]


def test_the_metrics_tell_of_workers_and_queue(engine: Engine, caller: Client) -> None:
    engine.define(lambda ctx: None, concurrency=[jobs.Concurrency(limit=1)])
    a_worker(slots=256, busy=3)
    a_run(Status.QUEUED, run_at=clock.now() - timedelta(seconds=90))
    a_run(Status.QUEUED, run_at=clock.now() + timedelta(hours=1))
    a_run(Status.QUEUED, rank=clock.now(), gated=True, blocked_by="stepwell-work")
    actions.pause("stepwell-work", by="Ada")
    text = caller.get("/metrics").content.decode()
    figures = {family.name: family.samples[0].value for family in text_string_to_metric_families(text)}
    assert figures.pop("jobs_oldest_due_seconds") == pytest.approx(90, abs=5)
    assert figures == {
        "jobs_workers": 1,
        "jobs_slots": 256,
        "jobs_busy": 3,
        "jobs_due": 1,
        "jobs_blocked": 1,
        "jobs_deliveries": 0,
        "jobs_paused_functions": 1,
    }


@pytest.mark.parametrize("address", ["/v1/signals", "/v1/cancellations", "/metrics"])
def test_a_stranger_is_refused(db: None, address: str) -> None:
    client = Client()
    answered = client.get(address) if address == "/metrics" else post(client, address, {})
    assert answered.status_code == 401


@pytest.mark.parametrize("address", ["/v1/signals", "/v1/cancellations"])
def test_only_post_acts(caller: Client, address: str) -> None:
    assert caller.get(address).status_code == 405
