"""`/v1/…`: what a program with a key reads back, and what a stranger does not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import path

from jobs.api.answers import answer
from jobs.ids import new_id
from jobs.keys import key_required
from jobs.models import Event, EventKey, LogLine, Run, RunEvent
from jobs.types import Status
from jobs.urls import urlpatterns as own

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
urlpatterns = [*own, path("whoami", key_required("read")(lambda request: answer({"name": request.event_key.name})))]


@pytest.fixture
def secret() -> str:
    return EventKey.make("reader", ["send", "read", "act"])[1]


@pytest.fixture
def caller(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def event() -> Event:
    return Event.objects.create(id=new_id(), name="order/placed", data={"n": 10**19}, ts=1, received_at=NOW)


def make_run(event: Event, **changes: Any) -> Run:
    values: dict[str, Any] = {"function": "stepwell-ship", "queued_at": NOW, "trigger": event.name, "run_at": NOW}
    if changes.get("status") in (Status.COMPLETED, Status.FAILED):
        values |= {"run_at": None, "started_at": NOW, "ended_at": NOW}
    run = Run.objects.create(id=new_id(), **(values | changes))
    RunEvent.objects.create(run=run, event=event)
    return run


def test_an_event_is_read_back(caller: Client, event: Event) -> None:
    response = caller.get(f"/v1/events/{event.id}")
    assert response.status_code == 200
    data = response.json()["data"]
    assert (data["id"], data["name"], data["data"], data["ts"]) == (str(event.id), "order/placed", {"n": 10**19}, 1)


def test_a_run_is_read_back_with_its_output_and_times(caller: Client, event: Event) -> None:
    run = make_run(event, status=Status.COMPLETED, output={"parcel": chr(0xD83D) + "\0", "n": 10**19})
    response = caller.get(f"/v1/runs/{run.id}")
    assert response.json() == {
        "data": {
            "run_id": str(run.id),
            "status": "COMPLETED",
            "function_id": "stepwell-ship",
            "run_started_at": "2026-05-04T03:02:01+00:00",
            "ended_at": "2026-05-04T03:02:01+00:00",
            "output": {"parcel": chr(0xD83D) + "\0", "n": 10**19},
            "error": None,
            "event_id": str(event.id),
        }
    }


def test_a_failed_run_shows_its_error_without_the_stack(caller: Client, event: Event) -> None:
    error = {"code": "x", "name": "ValueError", "message": "no", "stack": "File secret.py"}
    run = make_run(event, status=Status.FAILED, error=error)
    data = caller.get(f"/v1/runs/{run.id}").json()["data"]
    assert data["error"] == {"code": "x", "name": "ValueError", "message": "no"}
    assert data["output"] is None


def test_the_runs_of_an_event_come_oldest_first(caller: Client, event: Event) -> None:
    runs = [make_run(event), make_run(event, status=Status.COMPLETED, output=1)]
    make_run(Event.objects.create(id=new_id(), name="n/other", ts=1, received_at=NOW))
    data = caller.get(f"/v1/events/{event.id}/runs").json()["data"]
    assert [one["run_id"] for one in data] == [str(run.id) for run in runs]
    assert [one["output"] for one in data] == [None, 1]
    assert {one["event_id"] for one in data} == {str(event.id)}


def test_an_event_that_started_nothing_has_no_runs(caller: Client, event: Event) -> None:
    assert caller.get(f"/v1/events/{event.id}/runs").json() == {"data": []}


@pytest.mark.parametrize("wrong", ["01a20000-0000-7000-8000-000000000000", "x", "1" * 300, "..", "é", "null"])
@pytest.mark.parametrize("address", ["/v1/events/{}", "/v1/events/{}/runs", "/v1/runs/{}"])
def test_an_unknown_or_malformed_id_is_not_found(caller: Client, address: str, wrong: str) -> None:
    response = caller.get(address.format(wrong))
    assert response.status_code == 404
    assert response.json()["status"] == 404
    assert "has the id" in response.json()["error"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer wrong-but-well-formed", "Basic eDp5", "x"])
@pytest.mark.parametrize("kind", ["event", "runs", "run", "cancel"])
def test_a_stranger_reads_and_cancels_nothing(event: Event, kind: str, header: str | None) -> None:
    run = make_run(event)
    address = {"event": f"/v1/events/{event.id}", "runs": f"/v1/events/{event.id}/runs"}
    stranger = Client(headers={} if header is None else {"Authorization": header})
    ask = stranger.delete if kind == "cancel" else stranger.get
    response = ask(address.get(kind, f"/v1/runs/{run.id}"))

    assert (response.status_code, response.json()["status"]) == (401, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert "stepwell-ship" not in response.content.decode()
    run.refresh_from_db()
    assert run.status == Status.QUEUED


def test_a_revoked_key_reads_nothing(caller: Client, event: Event) -> None:
    EventKey.objects.update(active=False)
    assert caller.get(f"/v1/events/{event.id}").status_code == 401


def test_the_scheme_may_be_written_in_any_case(secret: str, event: Event) -> None:
    response = Client().get(f"/v1/events/{event.id}", headers={"Authorization": f"bearer   {secret}"})
    assert response.status_code == 200


@pytest.mark.urls(__name__)
def test_a_view_that_requires_a_key_knows_which_one_came(caller: Client) -> None:
    assert caller.get("/whoami").json() == {"name": "reader"}
    assert Client().get("/whoami").status_code == 401


def test_delete_cancels_a_run_and_says_who_did(caller: Client, event: Event) -> None:
    run = make_run(event)
    response = caller.delete(f"/v1/runs/{run.id}")
    assert (response.status_code, response.json()["data"]["status"]) == (200, "CANCELLED")
    assert "key reader" in LogLine.objects.get(run=run, level="ACTION").message


def test_cancelling_twice_is_one_cancel(caller: Client, event: Event) -> None:
    run = make_run(event)
    answers = [caller.delete(f"/v1/runs/{run.id}") for _ in range(2)]
    assert [response.status_code for response in answers] == [200, 200]
    assert LogLine.objects.filter(run=run, level="ACTION").count() == 1


def test_a_run_that_ended_cannot_be_cancelled(caller: Client, event: Event) -> None:
    run = make_run(event, status=Status.COMPLETED, output={"a": 1})
    response = caller.delete(f"/v1/runs/{run.id}")
    assert response.status_code == 409
    assert "completed" in response.json()["error"]
    run.refresh_from_db()
    assert (run.status, run.output) == (Status.COMPLETED, {"a": 1})


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_events_are_only_read(caller: Client, event: Event, method: str) -> None:
    for address in (f"/v1/events/{event.id}", f"/v1/events/{event.id}/runs"):
        response = getattr(caller, method)(address)
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
        assert "GET" in response.json()["error"]


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_runs_are_only_read_and_cancelled(caller: Client, event: Event, method: str) -> None:
    assert getattr(caller, method)(f"/v1/runs/{make_run(event).id}").status_code == 405


def test_answers_are_never_kept_by_caches(caller: Client, event: Event) -> None:
    assert caller.get(f"/v1/events/{event.id}")["Cache-Control"] == "no-store"
