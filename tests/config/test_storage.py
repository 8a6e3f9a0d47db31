"""Supabase Storage through the real client, against a loopback stand-in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile

from config.storage import StorageRefused, StorageUnavailable, SupabaseStorage
from jobs.errors import RetryAfterError
from tests.standins.supabase import SupabaseStandIn

KEY = "sb_secret_of_the_test"


@pytest.fixture
def standin(settings: Any) -> Iterator[SupabaseStandIn]:
    with SupabaseStandIn(key=KEY, bucket="calls") as running:
        settings.SUPABASE_URL, settings.SUPABASE_KEY = running.url, KEY
        settings.SUPABASE_BUCKET, settings.SUPABASE_TIMEOUT = "calls", 2.0
        yield running


def test_a_saved_file_comes_back_as_it_went_in(standin: SupabaseStandIn) -> None:
    storage = SupabaseStorage()
    content = bytes(range(256)) * 100
    name = storage.save("transcripts/Ärger & Co.vtt", ContentFile(content))
    assert storage.open(name).read() == content
    assert storage.exists(name)
    assert storage.size(name) == len(content)


def test_an_uploaded_page_is_never_stored_as_html(standin: SupabaseStandIn) -> None:
    name = SupabaseStorage().save("evil.html", ContentFile(b"<script>alert(1)</script>"))
    assert standin.objects[name][1] == "application/octet-stream"


def test_a_taken_name_gets_another_one_and_the_first_file_stays(standin: SupabaseStandIn) -> None:
    storage = SupabaseStorage()
    first, second = (storage.save("call.txt", ContentFile(text)) for text in (b"first", b"second"))
    assert first != second
    assert storage.open(first).read() == b"first"


def test_a_name_taken_while_saving_gets_another_one(standin: SupabaseStandIn) -> None:
    missing = json.dumps({"statusCode": "404", "error": "not_found", "message": "Object not found"}).encode()
    standin.objects["call.txt"] = (b"of somebody else", "text/plain")
    standin.next_answers = [(400, {"content-type": "application/json"}, missing)]
    name = SupabaseStorage().save("call.txt", ContentFile(b"ours"))
    assert name != "call.txt"
    assert standin.objects["call.txt"][0] == b"of somebody else"
    assert standin.objects[name][0] == b"ours"


def test_a_deleted_file_is_gone_and_deleting_again_is_no_error(standin: SupabaseStandIn) -> None:
    storage = SupabaseStorage()
    name = storage.save("call.txt", ContentFile(b"text"))
    storage.delete(name)
    storage.delete(name)
    assert not storage.exists(name)
    with pytest.raises(FileNotFoundError, match=r"call\.txt"):
        storage.open(name)


def test_uploads_have_no_public_address(standin: SupabaseStandIn) -> None:
    with pytest.raises(ValueError, match="private"):
        SupabaseStorage().url("call.txt")


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_an_answer_that_may_change_is_unavailable_and_not_a_missing_file(standin: SupabaseStandIn, status: int) -> None:
    standin.next_answers = [(status, {}, b"<html>bad gateway</html>")]
    with pytest.raises(StorageUnavailable, match=str(status)):
        SupabaseStorage().exists("call.txt")


def test_a_busy_storage_tells_how_long_to_wait(standin: SupabaseStandIn) -> None:
    standin.next_answers = [(429, {"retry-after": "7"}, b"{}")]
    with pytest.raises(RetryAfterError) as caught:
        SupabaseStorage().exists("call.txt")
    assert caught.value.retry_after.total_seconds() == 7


def test_a_slow_storage_is_given_up_after_the_timeout(standin: SupabaseStandIn, settings: Any) -> None:
    settings.SUPABASE_TIMEOUT = 0.2
    standin.delay = 1.0
    with pytest.raises(StorageUnavailable, match="Timeout"):
        SupabaseStorage().open("call.txt")


def test_a_storage_that_is_not_there_is_unavailable(settings: Any) -> None:
    settings.SUPABASE_URL, settings.SUPABASE_KEY = "http://127.0.0.1:9", KEY
    with pytest.raises(StorageUnavailable, match="ConnectError"):
        SupabaseStorage().save("call.txt", ContentFile(b"text"))


@pytest.mark.parametrize(("name", "value"), [("SUPABASE_KEY", "wrong"), ("SUPABASE_BUCKET", "nowhere")])
def test_a_wrong_key_or_bucket_is_refused_for_good(
    standin: SupabaseStandIn, settings: Any, name: str, value: str
) -> None:
    setattr(settings, name, value)
    with pytest.raises(StorageRefused) as caught:
        SupabaseStorage().open("call.txt")
    assert KEY not in str(caught.value)


def test_a_missing_key_is_named(standin: SupabaseStandIn, settings: Any) -> None:
    settings.SUPABASE_KEY = ""
    with pytest.raises(StorageRefused, match="SUPABASE_KEY"):
        SupabaseStorage().exists("call.txt")
