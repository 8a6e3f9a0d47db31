"""Bodies that would fill the memory: refused by their length, before anything takes them apart."""

import json

import pytest
from django.test import Client

from jobs.models import Event, EventKey

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("path", ["/login/", "/admin/jobs/run/", "/v1/signals", "/clients/new/"])
def test_a_form_larger_than_djangos_limit_is_refused_before_it_is_read(path: str) -> None:
    answer = Client().post(path, "a=1&" * 700_000, content_type=FORM)
    assert answer.status_code == 413
    assert "2.5 MB" in answer.content.decode()


def test_an_event_over_the_limit_is_refused_by_length_before_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = EventKey.make("shop")[1]
    monkeypatch.setattr("jobs.serialize.loads", lambda text: pytest.fail("it was parsed"))
    answer = Client().post(f"/e/{secret}", b'{"a":' + b" " * (3 << 20) + b"1}", content_type="application/json")
    assert (answer.status_code, answer.json()["ids"]) == (413, [])


def test_an_array_is_bounded_before_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = EventKey.make("shop")[1]
    monkeypatch.setattr("jobs.serialize.loads", lambda text: pytest.fail("it was parsed"))
    answer = Client().post(f"/e/{secret}", b"[" + b"1," * (9 << 20) + b"1]", content_type="application/json")
    assert answer.status_code == 413


def test_events_larger_than_a_form_may_be_are_taken_from_who_has_a_key() -> None:
    secret = EventKey.make("shop")[1]
    events = [{"name": "n/x", "data": {"text": "x" * 2_000_000}} for _ in range(3)]
    answer = Client().post(f"/e/{secret}", json.dumps(events), content_type="application/json")
    assert (answer.status_code, Event.objects.count()) == (200, 3)
    assert Client().post("/e/wrong-key", json.dumps(events), content_type="application/json").status_code == 401
