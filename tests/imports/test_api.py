"""Imports for programs: upload, start, watch, steer and fetch, with a key."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jobs import testing
from jobs.models import EventKey
from tests.imports.conftest import csv_of, started, uploaded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


@pytest.fixture
def api():
    _, secret = EventKey.make("shop", ["imports"])
    return Client(headers={"Authorization": f"Bearer {secret}"})


def put(api, content, **fields):
    raw = content.encode() if isinstance(content, str) else content
    return api.post("/api/imports/", {"file": SimpleUploadedFile("articles.csv", raw), **fields})


def test_a_program_uploads_starts_and_watches(api):
    answer = put(api, csv_of(3, bad=(2,)), processor="shop.store", start="1")
    made = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == f"/api/imports/{made['id']}/"
    assert (made["status"], made["rows"], made["good"], made["problems"]) == ("QUEUED", 3, 3, [])
    testing.drain()
    found = api.get(f"/api/imports/{made['id']}/").json()
    assert found["status"] == "COMPLETED"
    rows = {"total": 3, "processed": 3, "successful": 2, "failed": 1, "skipped": 0, "cancelled": 0}
    assert found["rows"] == rows
    assert (found["filename"], found["error"]) == ("articles.csv", "1 row failed processing.")
    lines = b"".join(api.get(f"/api/imports/{made['id']}/results/").streaming_content)
    assert lines.count(b"\r\n") == 4
    errors = b"".join(api.get(f"/api/imports/{made['id']}/results/?only=errors").streaming_content)
    assert errors.count(b"\r\n") == 2


def test_an_upload_may_say_how_it_is_read_and_mapped(api):
    made = put(api, "x\na;b\n1;2\n", processor="shop.store", delimiter=";", header="2", mapping='{"sku": "b"}').json()
    assert (made["mapping"], made["rows"]) == ({"sku": "b"}, 1)


def test_the_same_file_again_is_the_first_one_unless_it_is_meant(api):
    first = put(api, csv_of(3)).json()
    known = put(api, csv_of(3))
    assert known.status_code == 200
    assert (known.json()["id"], known.json()["duplicate"]) == (first["id"], True)
    assert known.json()["url"].endswith(f"/imports/{first['id']}/")
    meant = put(api, csv_of(3), again="1")
    assert meant.status_code == 201
    assert meant.json()["id"] != first["id"]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"processor": "shop.none"}, 400, "is no processor"),
        ({"mapping": "[1]"}, 400, "is a JSON object"),
        ({"mapping": "{"}, 400, "is a JSON object"),
        ({"header": "x"}, 400, "a line's number"),
        ({"delimiter": ":"}, 415, "cannot be a delimiter"),
        ({"mapping": json.dumps({"sku": "nothere"}), "start": "1"}, 409, "Choose the column for Sku first"),
    ],
)
def test_wishes_that_make_no_sense_are_refused_in_words(api, fields, status, words):
    answer = put(api, csv_of(1), **fields)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_a_body_without_a_file_is_refused(api):
    assert api.post("/api/imports/", {}).status_code == 400
    assert put(api, b"").status_code == 415


def test_a_program_steers(api):
    batch = started(csv_of(12, bad=(2,)), delay=2)
    testing.drain()
    press = lambda verb: api.post(f"/api/imports/{batch.pk}/{verb}/")  # noqa: E731
    assert press("pause").json()["status"] == "PAUSED"
    assert press("pause").status_code == 409
    assert press("resume").json()["status"] == "PROCESSING"
    assert press("start").status_code == 409
    assert press("cancel").json()["status"] == "CANCELLED"
    assert press("retry").json()["status"] == "QUEUED"


def test_nobody_without_a_key_and_nothing_unknown(api):
    batch = uploaded(csv_of(1))
    for verb in ("start", "pause", "resume", "cancel", "retry"):
        assert Client().post(f"/api/imports/{batch.pk}/{verb}/").status_code == 401
        assert api.post(f"/api/imports/99999/{verb}/").status_code == 404
        assert api.get(f"/api/imports/{batch.pk}/{verb}/").status_code == 405
    for path in ("", "results/"):
        assert Client().get(f"/api/imports/{batch.pk}/{path}").status_code == 401
        assert api.get(f"/api/imports/x/{path}").status_code == 404
    assert Client().post("/api/imports/").status_code == 401
