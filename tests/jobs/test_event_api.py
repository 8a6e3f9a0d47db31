"""`POST /e/<key>`: what is stored, what is refused, and in which words."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

import jobs
from jobs.models import Event, EventKey, Run
from jobs.registry import registry
from jobs.types import Source

pytestmark = pytest.mark.django_db

SURROGATE = chr(0xD83D)


@pytest.fixture
def secret() -> str:
    return EventKey.make("shop")[1]


@pytest.fixture
def listener() -> Iterator[Any]:
    with registry.isolated():

        @jobs.create_function(fn_id="ship", trigger=jobs.TriggerEvent(event="order/placed"))
        def ship(ctx: jobs.ContextSync) -> None:
            """Ship one order."""

        yield ship


def post(secret: str, body: Any, **options: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return Client().post(f"/e/{secret}", raw, content_type=options.pop("content_type", "application/json"), **options)


def names() -> list[str]:
    return list(Event.objects.order_by("id").values_list("name", flat=True))


def test_one_event_is_stored_and_starts_what_listens(secret: str, listener: Any) -> None:
    response = post(secret, {"name": "order/placed", "data": {"order": 7}, "user": {"any": "field"}, "v": "1"})

    event = Event.objects.get()
    assert response.status_code == 200
    assert response.json() == {"ids": [str(event.id)], "status": 200}
    assert (event.data, event.source, event.sender) == ({"order": 7}, Source.HTTP, "shop")
    assert Run.objects.get().function == listener.id


def test_ids_come_back_in_the_order_of_the_array(secret: str) -> None:
    ids = post(secret, [{"name": f"n/{number}"} for number in range(5)]).json()["ids"]

    stored = {str(event.id): event.name for event in Event.objects.all()}
    assert [stored[one] for one in ids] == [f"n/{number}" for number in range(5)]


def test_an_empty_array_is_fine(secret: str) -> None:
    response = post(secret, [])
    assert (response.status_code, response.json()) == (200, {"ids": [], "status": 200})


def test_five_thousand_events_cost_as_many_queries_as_five(secret: str) -> None:
    counts = []
    for size in (5, 5000):
        with CaptureQueriesContext(connection) as queries:
            response = post(secret, [{"name": "n/x", "data": {"number": number}} for number in range(size)])
        assert (response.status_code, len(set(response.json()["ids"]))) == (200, size)
        counts.append(sum("last_used_at" not in query["sql"] for query in queries if "UPDATE" in query["sql"]))
        counts[-1] += sum("UPDATE" not in query["sql"] for query in queries)
    assert counts[0] == counts[1]
    assert Event.objects.count() == 5005


def test_one_event_too_many_stores_nothing(secret: str) -> None:
    response = post(secret, [{"name": "n/x"}] * 5001)
    assert response.status_code == 413
    assert response.json()["ids"] == []
    assert "5,001" in response.json()["error"]
    assert names() == []


def test_the_same_event_id_starts_a_function_once(secret: str, listener: Any) -> None:
    for _ in range(2):
        assert post(secret, {"name": "order/placed", "id": "order-7"}).status_code == 200
    assert sorted(Event.objects.values_list("duplicate", flat=True)) == [False, True]
    assert Run.objects.count() == 1


def test_a_resend_with_the_same_seed_gives_the_same_ids_and_doubles_nothing(secret: str, listener: Any) -> None:
    seed = f"1743130137367,{base64.b64encode(bytes(range(10))).decode()}"
    body = [{"name": "order/placed"}, {"name": "order/placed"}]
    answers = [post(secret, body, headers={"x-inngest-event-id-seed": seed}).json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert len(set(answers[0]["ids"])) == 2
    assert (Event.objects.count(), Run.objects.count()) == (2, 2)


def test_a_seed_of_other_events_is_refused(secret: str) -> None:
    seed = f"1743130137367,{base64.b64encode(bytes(range(10))).decode()}"
    post(secret, {"name": "n/x"}, headers={"x-inngest-event-id-seed": seed})
    response = post(secret, [{"name": "n/x"}] * 2, headers={"x-inngest-event-id-seed": seed})
    assert (response.status_code, response.json()["ids"]) == (400, [])
    assert len(names()) == 1


@pytest.mark.parametrize("seed", ["", "x", "5,short", "1743130137367,!!!", "-1,AAECAwQFBgcICQ==", "0,AAECAwQFBgcICQ=="])
def test_a_seed_that_is_none_is_ignored(secret: str, seed: str) -> None:
    for _ in range(2):
        assert post(secret, {"name": "n/x"}, headers={"x-inngest-event-id-seed": seed}).status_code == 200
    assert len(names()) == 2


def test_a_database_that_is_away_asks_for_a_resend(secret: str) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("connection refused to host db.internal")

    with connection.execute_wrapper(away):
        response = post(secret, {"name": "n/x"})
    assert (response.status_code, response.json()["ids"]) == (503, [])
    assert "send this again" in response.json()["error"]
    assert "db.internal" not in response.json()["error"]


@pytest.mark.parametrize("wrong", ["x", "unknown-key-of-the-right-length-000000000000", "%ff%fe", "a b", "é", ""])
def test_an_unknown_key_is_refused(secret: str, wrong: str) -> None:
    response = Client().post(f"/e/{wrong}", {"name": "n/x"}, content_type="application/json")
    assert response.status_code == 401
    assert response.json() == {"status": 401, "error": "Event key not found"}
    assert names() == []


def test_a_revoked_key_is_refused_like_an_unknown_one(secret: str) -> None:
    EventKey.objects.update(active=False)
    response = post(secret, {"name": "n/x"})
    assert response.json() == {"status": 401, "error": "Event key not found"}
    assert names() == []


def test_without_any_key_nothing_is_accepted() -> None:
    response = post("some-key-or-other", {"name": "n/x"})
    assert response.status_code == 503
    assert "jobs_key" in response.json()["error"]


def test_using_a_key_is_noted(secret: str) -> None:
    post(secret, [])
    assert EventKey.objects.get().last_used_at is not None


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_only_post_sends(secret: str, method: str) -> None:
    response = getattr(Client(), method)(f"/e/{secret}")
    assert response.status_code == 405
    assert "POST" in response["Allow"]


def test_pages_of_other_sites_may_send(secret: str) -> None:
    asked = Client().options(f"/e/{secret}", headers={"Origin": "https://example.org"})
    sent = post(secret, {"name": "n/x"}, headers={"Origin": "https://example.org"})
    assert (asked.status_code, sent.status_code) == (204, 200)
    assert asked["Access-Control-Allow-Origin"] == sent["Access-Control-Allow-Origin"] == "*"
    assert asked["Access-Control-Allow-Headers"] == "*"


def test_sending_needs_no_csrf_token(secret: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(f"/e/{secret}", {"name": "n/x"}, content_type="application/json").status_code == 200
