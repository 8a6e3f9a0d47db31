"""The bodies that `POST /e/<key>` meets: JSON and forms, large, wrong and wrongly encoded."""

import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jobs.models import Event, EventKey
from tests.jobs.test_event_api import names, post

pytestmark = pytest.mark.django_db

SURROGATE = chr(0xD83D)


@pytest.fixture
def secret() -> str:
    return EventKey.make("shop", ["send", "read"])[1]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("text", "not a JSON object"),
        (None, "not a JSON object"),
        ([], "not a JSON object"),
        ({}, "no name"),
        ({"name": ""}, "empty name"),
        ({"name": "  "}, "empty name"),
        ({"name": 5}, "not a string"),
        ({"name": "n" * 256}, "256 characters"),
        ({"name": "a\0b"}, "NUL"),
        ({"name": SURROGATE}, "surrogate"),
        ({"name": "jobs/function.failed"}, "reserved"),
        ({"name": "inngest/x"}, "reserved"),
        ({"name": "n/x", "data": [1]}, "data that is not"),
        ({"name": "n/x", "data": "text"}, "data that is not"),
        ({"name": "n/x", "id": 5}, "id that is not"),
        ({"name": "n/x", "id": "i" * 256}, "id that is not"),
        ({"name": "n/x", "ts": "soon"}, "ts that is not"),
        ({"name": "n/x", "ts": True}, "ts that is not"),
        ({"name": "n/x", "ts": 1.5}, "ts that is not"),
        ({"name": "n/x", "ts": 315_532_799_999}, "1980"),
        ({"name": "n/x", "ts": 4_102_444_800_000}, "1980"),
        ({"name": "n/x", "ts": -5}, "1980"),
        ({"name": "n/x", "ts": 10**30}, "1980"),
    ],
)
def test_a_bad_event_is_named_and_those_before_it_stay(secret: str, bad: Any, words: str) -> None:
    response = post(secret, [{"name": "n/first"}, bad, {"name": "n/last"}])

    assert (response.status_code, response.json()["status"]) == (400, 400)
    assert "Event 2 of 3" in response.json()["error"]
    assert words in response.json()["error"]
    assert response.json()["ids"] == [str(Event.objects.get(name="n/first").id)]
    assert names() == ["n/first"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"{'name': 'n/x'}", "line 1, column 2"),
        (b'{"name": "n/x",\n "data": }', "line 2, column 10"),
        (b'{"name": "n/x", "data": {"n": NaN}}', "NaN"),
        (b'{"name": "n/x", "data": {"n": 1e999}}', "too large"),
        (b'{"name": "n/\xff"}', "byte 13"),
        ('{"name": "n/x"}'.encode("utf-16"), "UTF-8"),
        (b'{"name": "n/\xed\xa0\xbd"}', "UTF-8"),
        (b'{"name": "n/x", "data": {"n": ' + b"9" * 5000 + b"}}", "not JSON"),
        (b'{"name": "n/x", "data": {"d": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "200 levels"),
        (b'{"name": "n/x", "data": {"d": ' + b"[" * 200 + b"]" * 200 + b"}}", "200 levels"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
    ],
)
def test_a_body_that_is_no_event_is_refused_in_words(secret: str, body: bytes, words: str) -> None:
    response = post(secret, body)
    assert (response.status_code, response.json()["ids"]) == (400, [])
    assert words in response.json()["error"]
    assert names() == []


def test_whatever_json_can_carry_comes_back_as_it_went_in(secret: str) -> None:
    data = {
        "nul": "a\0b",
        "half": SURROGATE,
        SURROGATE: "key",
        "long": 12345678901234567890,
        "big": "é" * 100_000,
        "order": {"z": 1, "a": 2, "": None},
        "deep": json.loads("[" * 190 + "]" * 190),
    }
    [event_id] = post(secret, {"name": "n/x", "data": data}).json()["ids"]

    response = Client().get(f"/v1/events/{event_id}", headers={"Authorization": f"Bearer {secret}"})
    assert response.json()["data"]["data"] == data
    assert list(response.json()["data"]["data"]) == list(data)


@pytest.mark.parametrize("given", [{"data": None, "id": None, "ts": None}, {"ts": 0}, {"data": {}}, {}])
def test_missing_and_null_fields_have_defaults(secret: str, given: dict[str, Any]) -> None:
    assert post(secret, {"name": "n/x", **given}).status_code == 200
    event = Event.objects.get()
    assert (event.data, event.external_id) == ({}, "")
    assert event.ts > 1_700_000_000_000


def test_an_event_over_three_mebibytes_is_too_large_alone_and_among_others(secret: str) -> None:
    large = {"name": "n/large", "data": {"text": "x" * 3 * 1024 * 1024}}
    alone = post(secret, large)
    among = post(secret, [{"name": "n/first"}, large])

    assert (alone.status_code, alone.json()["ids"]) == (413, [])
    assert among.status_code == 413
    assert "Event 2 of 2 is larger than 3 MiB" in among.json()["error"]
    assert (len(among.json()["ids"]), names()) == (1, ["n/first"])


def test_many_events_may_be_larger_together(secret: str) -> None:
    body = [{"name": "n/x", "data": {"text": "x" * 1_500_000}}] * 3
    assert post(secret, body).status_code == 200
    assert len(names()) == 3


def test_a_request_over_the_limit_of_the_site_is_too_large(secret: str, settings: Any) -> None:
    settings.REQUEST_LIMIT = 1000
    response = post(secret, {"name": "n/x", "data": {"text": "x" * 1000}})
    assert (response.status_code, response.json()["ids"]) == (413, [])


def test_a_form_is_one_event(secret: str) -> None:
    response = Client().post(
        f"/e/{secret}",
        "name=form/sent&id=f1&ts=1700000000000&email=a%40b.c&tag=x&tag=y&empty=",
        content_type="application/x-www-form-urlencoded",
    )
    event = Event.objects.get()
    assert response.json()["ids"] == [str(event.id)]
    assert (event.name, event.external_id, event.ts) == ("form/sent", "f1", 1700000000000)
    assert event.data == {"email": "a@b.c", "tag": ["x", "y"], "empty": ""}


def test_a_multipart_form_is_one_event_and_its_data_may_be_json(secret: str) -> None:
    response = Client().post(f"/e/{secret}", {"name": "form/sent", "data": '{"a": [1]}', "note": "héllo\0"})
    assert response.status_code == 200
    assert Event.objects.get().data == {"a": [1], "note": "héllo\0"}


def test_json_is_recognised_though_curl_calls_it_a_form(secret: str) -> None:
    assert post(secret, {"name": "n/x"}, content_type="application/x-www-form-urlencoded").status_code == 200
    assert names() == ["n/x"]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"name=n%2Fx&data=%7B", "application/x-www-form-urlencoded", "The field data is not JSON"),
        (b"name=n%2Fx&data=5", "application/x-www-form-urlencoded", "data that is not"),
        (b"data=%7B%7D", "application/x-www-form-urlencoded", "no name"),
        (b"name=%ff", "application/x-www-form-urlencoded", "not UTF-8"),
        (b"name=\xff", "application/x-www-form-urlencoded", "not UTF-8"),
        (b"nothing", "multipart/form-data; boundary=x", "no name"),
        (b"nothing", "multipart/form-data", "boundary"),
        (
            b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            "not UTF-8",
        ),
    ],
)
def test_a_wrong_form_is_refused_in_words(secret: str, body: bytes, kind: str, words: str) -> None:
    response = post(secret, body, content_type=kind)
    assert (response.status_code, response.json()["ids"]) == (400, [])
    assert words in response.json()["error"]


def test_an_event_carries_no_files(secret: str) -> None:
    response = Client().post(f"/e/{secret}", {"name": "n/x", "file": SimpleUploadedFile("a.txt", b"text")})
    assert (response.status_code, names()) == (400, [])
    assert "no files" in response.json()["error"]


@pytest.mark.parametrize(("size", "status"), [(10, 200), (2000, 413)])
def test_a_body_that_comes_in_chunks_is_read_up_to_the_limit(
    secret: str, settings: Any, size: int, status: int
) -> None:
    settings.REQUEST_LIMIT = 1000
    body = io.BytesIO(json.dumps({"name": "n/x", "data": {"text": "x" * size}}).encode())
    chunked: Any = {"CONTENT_LENGTH": "", "wsgi.input": body, "wsgi.input_terminated": True}
    response = Client().generic("POST", f"/e/{secret}", "", content_type="application/json", **chunked)
    assert response.status_code == status
    assert names() == (["n/x"] if status == 200 else [])
