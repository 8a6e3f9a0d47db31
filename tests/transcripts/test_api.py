"""The JSON API: upload, status and retry with a key."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jobs import testing
from jobs.models import EventKey, Run
from tests.transcripts.conftest import CALL
from transcripts.models import Transcript

pytestmark = pytest.mark.django_db


def post(client, content=CALL.encode(), name="call.txt", **fields):
    return client.post("/api/transcripts/", {"file": SimpleUploadedFile(name, content), **fields})


def test_an_upload_answers_with_its_id_and_run(api):
    answer = post(api, title="Intro")
    call = Transcript.objects.get()
    assert (answer.status_code, call.title) == (201, "Intro")
    assert answer.json() == {"id": call.pk, "status": "PENDING", "run_id": str(call.run)}
    assert Run.objects.get().events.get().sender == "a program"


def test_the_status_tells_what_was_found(api, parser):
    pk = post(api).json()["id"]
    testing.drain()
    answer = api.get(f"/api/transcripts/{pk}/").json()
    assert set(answer) == {"id", "title", "status", "error", "parsed_by", "insights", "run_id"}
    assert (answer["status"], answer["error"], answer["parsed_by"]) == ("COMPLETED", None, "scripted")
    assert answer["insights"]["people"][0]["name"] == "Anna Berg"


def test_the_status_of_a_failed_call_has_the_sentence(api, parser):
    pk = post(api, b"Anna: Hi.").json()["id"]
    testing.drain()
    answer = api.get(f"/api/transcripts/{pk}/").json()
    assert (answer["status"], answer["insights"]) == ("FAILED", None)
    assert "too short to analyze" in answer["error"]


def test_a_lost_run_is_never_reported_as_parsing(api):
    pk = post(api).json()["id"]
    Run.objects.all().delete()
    assert api.get(f"/api/transcripts/{pk}/").json()["status"] == "FAILED"


def test_the_same_file_again_answers_with_the_first(api):
    first = post(api).json()
    again = post(api, name="other.txt")
    assert again.status_code == 200
    assert again.json() == first | {"duplicate": True, "url": f"http://testserver/transcripts/{first['id']}/"}
    assert Transcript.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 400, "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), 415, "call.txt"),
        (b"word " * 5_300_000, 413, "larger than 25 MB"),
    ],
)
def test_a_bad_file_is_refused_in_words(content, status, words, api):
    answer = post(api, content)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert not Transcript.objects.exists()


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_body_without_the_file_is_refused_in_words(content_type, api):
    answer = api.post("/api/transcripts/", b'{"file": 1}', content_type=content_type)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_retry_starts_one_run_and_then_has_nothing_to_retry(api, parser):
    pk = post(api, b"Anna: Hi.").json()["id"]
    testing.drain()
    first, second = (api.post(f"/api/transcripts/{pk}/retry/") for _ in range(2))
    call = Transcript.objects.get()
    assert (first.status_code, first.json()) == (200, {"id": pk, "status": "PENDING", "run_id": str(call.run)})
    assert second.status_code == 409
    assert "being parsed right now" in second.json()["error"]
    assert Run.objects.filter(status="QUEUED").count() == 1


def test_a_completed_call_has_nothing_to_retry(api, parser):
    pk = post(api).json()["id"]
    testing.drain()
    answer = api.post(f"/api/transcripts/{pk}/retry/")
    assert answer.status_code == 409
    assert "parsed already" in answer.json()["error"]


@pytest.mark.parametrize("key", ["1", "x", "12345678901234567890123", "-1"])
def test_an_unknown_id_is_404_in_json(key, api):
    for answer in (api.get(f"/api/transcripts/{key}/"), api.post(f"/api/transcripts/{key}/retry/")):
        assert answer.status_code == 404
        assert answer.json()["error"]


def test_without_a_good_key_nothing_is_told(stored):
    call = stored()
    key, secret = EventKey.make("revoked", ["transcripts"])
    EventKey.objects.filter(pk=key.pk).update(active=False)
    for client in (Client(), Client(headers={"Authorization": f"Bearer {secret}"})):
        for answer in (
            post(client),
            client.get(f"/api/transcripts/{call.pk}/"),
            client.post(f"/api/transcripts/{call.pk}/retry/"),
        ):
            assert answer.status_code == 401
            assert answer.json()["error"]


def test_wrong_methods_are_405_in_json(api):
    for answer in (api.get("/api/transcripts/"), api.post("/api/transcripts/1/"), api.get("/api/transcripts/1/retry/")):
        assert answer.status_code == 405
        assert answer.json()["error"]
