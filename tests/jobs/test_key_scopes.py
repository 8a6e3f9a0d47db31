"""What a key may do: it sends unless more is chosen, and each address asks for what it needs."""

import json
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from jobs.models import Event, EventKey, Run
from tests.jobs.admin import operator, signed_in
from tests.jobs.factories import a_run

pytestmark = pytest.mark.django_db
USER = {"name": "client/user.requested", "data": {"client_id": 1, "email": "eve@example.com", "role": "editor"}}
NOBODY = "01a00000-0000-7000-8000-000000000000"
ADDRESSES = [
    ("GET", f"/v1/events/{NOBODY}", "read"),
    ("GET", f"/v1/events/{NOBODY}/runs", "read"),
    ("GET", f"/v1/runs/{NOBODY}", "read"),
    ("DELETE", f"/v1/runs/{NOBODY}", "act"),
    ("GET", "/metrics", "read"),
    ("POST", "/v1/signals", "act"),
    ("POST", "/v1/cancellations", "act"),
    ("GET", "/api/clients/", "clients"),
    ("GET", "/api/imports/7/", "imports"),
    ("GET", "/api/pulls/", "pulls"),
    ("GET", "/api/transcripts/7/", "transcripts"),
]
SCOPES = {"send", "read", "act", "clients", "imports", "pulls", "transcripts", "protected"}


def bearer(name: str, *scopes: str) -> Client:
    _, secret = EventKey.make(name, scopes) if scopes else EventKey.make(name)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def send(secret: str, body: Any, **headers: str) -> Any:
    return Client().post(f"/e/{secret}", json.dumps(body), content_type="application/json", headers=headers)


@pytest.mark.parametrize(("method", "address", "scope"), ADDRESSES)
def test_an_address_asks_for_its_scope_and_no_other_opens_it(method: str, address: str, scope: str) -> None:
    refused = bearer("others", *(SCOPES - {scope})).generic(method, address, "{}")
    assert refused.status_code == 403
    assert f"lacks “{scope}”" in refused.json()["error"]
    assert bearer("it", scope).generic(method, address, "{}").status_code not in (401, 403)
    assert bearer("plain").generic(method, address, "{}").status_code == 403


def test_reading_a_run_does_not_cancel_it() -> None:
    run = a_run("SLEEPING")
    assert bearer("reader", "read").delete(f"/v1/runs/{run.pk}").status_code == 403
    assert Run.objects.get().status == "SLEEPING"


def test_a_key_that_may_not_send_is_refused_in_words() -> None:
    _, secret = EventKey.make("reader", ["read"])
    refused = send(secret, {"name": "order/placed"})
    assert (refused.status_code, Event.objects.count()) == (403, 0)
    assert (
        refused.json()["error"] == "The key reader may not do this: it lacks “send”. Allow it on the page Event keys."
    )


def test_an_ordinary_key_cannot_send_a_protected_event() -> None:
    _, secret = EventKey.make("shop")
    refused = send(secret, [{"name": "order/placed"}, USER, {"name": "order/placed"}])
    assert refused.status_code == 403
    assert "Event 2 is named client/user.requested, which is protected" in refused.json()["error"]
    assert [str(event.pk) for event in Event.objects.all()] == refused.json()["ids"]
    assert Event.objects.get().name == "order/placed"


def test_a_key_that_is_allowed_protected_events_sends_them() -> None:
    _, secret = EventKey.make("crm", ["send", "protected"])
    assert send(secret, USER).status_code == 200
    assert Event.objects.get().name == USER["name"]


def test_a_site_protects_names_of_its_own(settings: Any) -> None:
    settings.JOBS = {**settings.JOBS, "PROTECTED_EVENTS": ["billing/*"]}
    _, secret = EventKey.make("shop")
    assert send(secret, {"name": "billing/refund"}).status_code == 403
    assert send(secret, {"name": "order/placed"}).status_code == 200


def test_the_key_may_stand_in_the_header_of_a_send() -> None:
    sender = bearer("shop")
    assert sender.post("/e/", '{"name": "order/placed"}', content_type="application/json").status_code == 200
    assert Client().post("/e/", '{"name": "order/placed"}', content_type="application/json").status_code == 401


def test_only_sending_is_open_to_pages_of_other_origins() -> None:
    _, secret = EventKey.make("shop")
    assert send(secret, {"name": "order/placed"}, Origin="https://a.example")["Access-Control-Allow-Origin"] == "*"
    everything = bearer("all", *SCOPES)
    for method, address, _ in ADDRESSES:
        for verb in (method, "OPTIONS"):
            answer = everything.generic(verb, address, "{}", headers={"Origin": "https://a.example"})
            assert not [name for name in answer.headers if name.lower().startswith("access-control")], address


def test_keys_of_before_hold_everything_and_say_so() -> None:
    key, secret = EventKey.make("old", [])
    import_module("jobs.migrations.0006_key_scopes").hold_everything(apps, None)
    assert send(secret, USER).status_code == 200
    old = Client(headers={"Authorization": f"Bearer {secret}"})
    assert {old.generic(method, address, "{}").status_code for method, address, _ in ADDRESSES} <= {200, 400, 404}
    assert "everything" in operator().get("/admin/jobs/eventkey/").content.decode()
    assert EventKey.objects.get(pk=key.pk).scopes == ["everything"]


def test_a_key_is_made_to_send_alone_unless_more_is_chosen() -> None:
    olga = operator()
    olga.post("/admin/jobs/eventkey/make/", {"name": "plain"})
    olga.post("/admin/jobs/eventkey/make/", {"name": "more", "scopes": ["read", "clients", "no such"]})
    assert dict(EventKey.objects.values_list("name", "scopes")) == {"plain": ["send"], "more": ["clients", "read"]}
    page = olga.get("/admin/jobs/eventkey/").content.decode()
    assert "clients, read" in page
    assert "Send protected events: client/user.requested" in page


def test_what_a_key_may_do_is_changed_by_those_who_may() -> None:
    key, _ = EventKey.make("shop")
    address = f"/admin/jobs/eventkey/{key.pk}/scopes/"
    assert signed_in("sam", "view_eventkey").post(address, {"scopes": ["act"]}).status_code == 403
    olga = operator()
    olga.post(address, {})
    assert EventKey.objects.get().scopes == ["send"]
    olga.post(address, {"scopes": ["send", "read"]})
    assert EventKey.objects.get().scopes == ["send", "read"]
