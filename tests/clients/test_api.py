"""The API of clients, as programs use it."""

import json

import pytest

from clients.models import Client
from jobs import testing

pytestmark = pytest.mark.django_db


def post(api, path, value):
    body = value if isinstance(value, str) else json.dumps(value)
    response = api.generic("POST", path, body, content_type="application/json")
    return response.status_code, json.loads(response.content)


def get(api, path):
    return json.loads(api.get(path).content)


def test_a_client_is_created_read_changed_and_enhanced(api, provider):
    status, made = post(
        api, "/api/clients/", {"name": "Acme", "domain": "https://www.ACME.example/", "keywords": ["a", "b"]}
    )
    assert (status, made["domain"], made["keywords"], made["ai_status"]) == (201, "acme.example", ["a", "b"], "PENDING")
    path = f"/api/clients/{made['id']}/"
    status, changed = post(api, path, {"business_model": "Rental", "brand_voice": "Plain"})
    assert (status, changed["business_model"], changed["brand_voice"]) == (200, "Rental", ["Plain"])
    assert changed["filled_by"] == {"business_model": "person", "brand_voice": "person"}
    status, started = post(api, f"{path}enhance/", {})
    assert (status, started["ai_status"]) == (202, "PROCESSING")
    testing.drain()
    found = get(api, path)
    assert (found["ai_status"], found["business_model"], found["sub_industry"]) == ("COMPLETED", "Rental", "Pallets")
    assert found["run_id"] == started["run_id"]
    assert {rival["source"] for rival in found["competitors"]} == {"AI"}


def test_creating_again_names_the_one_that_exists(api, acme):
    for body in ({"name": "Acme Pallets"}, {"name": "Other", "domain": "www.acme.example"}):
        status, told = post(api, "/api/clients/", body)
        assert (status, told["id"]) == (409, acme.pk)
        assert told["url"].endswith(acme.get_absolute_url())
    assert Client.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "no JSON"),
        ([], "must be a JSON object"),
        ({}, "name: This field is required"),
        ({"name": "A", "ai_status": "COMPLETED"}, "ai_status: there is no such field"),
        ({"name": "A", "domain": "nowhere"}, "domain: 'nowhere' is no domain"),
        ({"name": "A", "geographic_focus": "moon"}, "geographic_focus: Select a valid choice"),
        ({"name": "A" * 201}, "name: Ensure this value has at most 200"),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(api, body, words):
    status, told = post(api, "/api/clients/", body)
    assert status == 400
    assert words in told["error"]
    assert Client.objects.count() == 0


def test_a_value_with_a_nul_is_no_server_error(api):
    status, made = post(api, "/api/clients/", {"name": "A\x00B", "keywords": ["x\x00y", "\ud800"]})
    assert (status, made["name"], made["keywords"]) == (201, "A\\x00B", ["x\\x00y", "\\ud800"])
    assert [one["name"] for one in get(api, "/api/clients/?q=A%00")["clients"]] == ["A\\x00B"]
    assert post(api, "/api/clients/", {"name": "B", "domain": "\x00.com"})[0] == 400


def test_the_list_is_searched_and_paged(api):
    Client.objects.bulk_create(Client(name=f"Client {n:03}", keywords=["pallets"] if n < 2 else []) for n in range(120))
    first = get(api, "/api/clients/")
    assert (len(first["clients"]), first["clients"][0]["name"]) == (100, "Client 000")
    second = get(api, first["next"])
    assert (len(second["clients"]), second["next"]) == (20, None)
    assert len(get(api, "/api/clients/?q=pallets")["clients"]) == 2
    assert len(get(api, "/api/clients/?q=client+017")["clients"]) == 1
    assert api.get("/api/clients/?page=0").status_code == 400


def test_an_enhancement_that_cannot_start_says_why(api, acme, provider, settings):
    path = f"/api/clients/{acme.pk}/enhance/"
    assert post(api, path, {})[0] == 202
    status, told = post(api, path, {})
    assert status == 409
    assert "is being enhanced right now" in told["error"]
    settings.OPENAI_API_KEY = ""
    assert "set OPENAI_API_KEY" in post(api, path, {})[1]["error"]


@pytest.mark.parametrize("path", ["/api/clients/99/", "/api/clients/x/", "/api/clients/99/enhance/"])
def test_an_unknown_client_is_404(api, path):
    assert post(api, path, {})[0] == 404


def test_nobody_gets_in_without_a_key_and_wrong_methods_are_told(client, api, acme):
    for path in ("/api/clients/", f"/api/clients/{acme.pk}/", f"/api/clients/{acme.pk}/enhance/"):
        assert client.post(path).status_code == 401
    assert api.get(f"/api/clients/{acme.pk}/enhance/").status_code == 405
    assert api.delete("/api/clients/").status_code == 405
