"""Two at once, on two real connections: two runs, two clicks, two uploads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from jobs import clock
from jobs.errors import NonRetriableError
from jobs.models import Run
from tests.transcripts.conftest import CALL
from transcripts import records, retries, uploads
from transcripts.models import Status, Transcript

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """Call both at the same moment, each on a connection of its own; an exception is its result."""
    barrier = Barrier(2)

    def call(what: Callable[[], Any]) -> Any:
        connection.ensure_connection()
        barrier.wait(10)
        try:
            return what()
        except (NonRetriableError, retries.NothingToRetry, uploads.AlreadyUploaded) as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(call, (first, second)))


def refusals(results):
    return [result for result in results if isinstance(result, Exception)]


def running(call):
    from jobs.ids import new_id

    function = "stepwell-parse-transcript"
    now = clock.now()
    return Run.objects.create(
        id=new_id(), function=function, status="RUNNING", queued_at=now, started_at=now, trigger="transcript/uploaded"
    )


def test_of_two_runs_that_begin_at_once_one_is_refused():
    for number in range(5):
        call = Transcript.objects.create(title=f"Call {number}")
        data = {"transcript_id": call.pk}
        runs = [str(running(call).pk) for _ in range(2)]
        results = at_once(*(partial(records.begin, data, run) for run in runs))
        assert len(refusals(results)) == 1, results
        call.refresh_from_db()
        assert str(call.run) == runs[0 if results[0] == call.pk else 1]
        assert call.status == Status.PARSING


def test_one_gong_call_that_comes_twice_at_once_makes_one_row():
    data = {"gongCallId": "77", "transcriptText": CALL}
    runs = [str(running(None).pk) for _ in range(2)]
    results = at_once(*(partial(records.begin, data, run) for run in runs))
    assert len(refusals(results)) == 1, results
    assert Transcript.objects.get().gong_call_id == "77"


def test_two_clicks_on_retry_start_one_run():
    call = Transcript.objects.create(title="Call", status=Status.FAILED)
    results = at_once(*[lambda: retries.retry(call.pk, by="test")] * 2)
    assert len(refusals(results)) == 1, results
    assert Run.objects.count() == 1


def test_a_second_click_after_the_first_run_has_ended_starts_nothing():
    call = Transcript.objects.create(title="Call", status=Status.FAILED, run=running(None).pk)
    Run.objects.update(status="FAILED", ended_at=clock.now())
    seen = call.run
    first = retries.retry(call.pk, by="test", seen_run=seen)
    Run.objects.filter(pk=first).update(status="RUNNING", run_at=None)
    Run.objects.filter(pk=first).update(status="FAILED", ended_at=clock.now())
    with pytest.raises(retries.NothingToRetry, match="started again already"):
        retries.retry(call.pk, by="test", seen_run=seen)


def test_the_same_file_uploaded_twice_at_once_is_stored_once(media_folder):
    def upload():
        return uploads.receive(SimpleUploadedFile("call.txt", CALL.encode()), uploads.About())

    results = at_once(upload, upload)
    assert [type(refusal) for refusal in refusals(results)] == [uploads.AlreadyUploaded]
    assert Transcript.objects.count() == Run.objects.count() == 1
    assert len([path for path in media_folder.rglob("*") if path.is_file()]) == 1
