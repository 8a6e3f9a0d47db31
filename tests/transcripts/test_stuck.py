"""No call waits for ever: whatever became of its run, the next look gives it a verdict."""

from uuid import uuid4

import pytest
from django.db import connection

from jobs import actions, clock, testing
from jobs.ids import new_id
from jobs.models import Run
from transcripts import records, retries
from transcripts.models import Status, Transcript

pytestmark = pytest.mark.django_db


def lose_run(call, **run):
    """Leave the call parsing with a run that was pruned, or that is gone from the database after a restore."""
    Run.objects.filter(pk=call.run).delete()
    Transcript.objects.filter(pk=call.pk).update(status=Status.PARSING, **run)


def test_a_call_whose_run_is_gone_is_failed_and_may_be_retried(stored, parser):
    call = stored()
    lose_run(call, run=uuid4())
    assert records.settle_abandoned() == 1
    call.refresh_from_db()
    assert (call.status, call.error, call.interrupted) == (Status.FAILED, records.LOST, True)
    retries.retry(call.pk, by="test")
    testing.drain()
    call.refresh_from_db()
    assert (call.status, call.error, call.interrupted) == (Status.COMPLETED, "", False)


def test_a_call_that_never_got_a_run_is_failed(stored):
    call = stored()
    lose_run(call, run=None)
    assert records.settle_abandoned() == 1


def test_a_call_with_a_live_run_is_left_alone(stored):
    call = stored()
    assert records.settle_abandoned() == 0
    Transcript.objects.filter(pk=call.pk).update(run=None)
    assert records.settle_abandoned() == 0
    call.refresh_from_db()
    assert call.status == Status.PENDING


def test_a_cancelled_run_counts_even_before_anything_has_heard_of_it(stored):
    call = stored()
    actions.cancel(Run.objects.get(pk=call.run), by="test")
    assert records.settle_abandoned() == 1
    call.refresh_from_db()
    assert (call.status, call.error, call.interrupted) == (Status.FAILED, records.CANCELLED, False)


def test_a_failed_run_counts_even_before_on_failure_has_run(stored, parser):
    call = stored("Anna: Too short.\n")
    for run in Run.objects.all():
        Run.objects.filter(pk=run.pk).update(run_at=None, status="RUNNING")
        error = {"code": "non_retriable", "name": "UnreadableTranscript", "message": "It is too short"}
        Run.objects.filter(pk=run.pk).update(status="FAILED", ended_at=run.queued_at, error=error)
    assert records.settle_abandoned() == 1
    call.refresh_from_db()
    assert (call.status, call.error) == (Status.FAILED, "It is too short.")


def test_retry_all_stuck_takes_up_the_lost_ones_and_no_others(stored, parser):
    lost, seen, live = stored(), stored("Anna: " + "word " * 40), stored("Tom: " + "other " * 40)
    lose_run(lost)
    lose_run(seen)
    Transcript.objects.filter(pk=seen.pk).update(status=Status.FAILED, interrupted=True)
    assert set(Transcript.objects.stuck()) == {lost, seen}
    assert retries.retry_stuck(by="test") == 2
    assert retries.retry_stuck(by="test") == 0
    testing.drain()
    assert set(Transcript.objects.values_list("status", flat=True)) == {Status.COMPLETED}
    assert Run.objects.about(live.subject).count() == 1


def test_looking_for_abandoned_calls_does_not_read_all_runs(stored):
    now = clock.now()
    ended = {"function": "stepwell-parse-transcript", "status": "COMPLETED", "queued_at": now, "ended_at": now}
    calls = Transcript.objects.bulk_create(
        Transcript(title="Old", status=Status.COMPLETED, run=new_id()) for _ in range(3000)
    )
    Run.objects.bulk_create(Run(id=call.run, subject=call.subject, trigger="x", **ended) for call in calls)
    lose_run(stored())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_run, transcripts_transcript")
    plan = Transcript.objects.abandoned().explain()
    assert "Seq Scan" not in plan, plan
    assert "transcript_open" in plan
    assert Transcript.objects.abandoned().count() == 1


def test_a_sentence_for_people_is_one_line_with_a_full_stop():
    ours = {"code": "non_retriable", "name": "UnreadableTranscript", "message": "Traceback…\n\nIt has no words"}
    assert records.sentence(ours) == "It has no words."
    theirs = {"code": "error", "name": "OperationalError", "message": "FATAL: password for user"}
    assert "password" not in records.sentence(theirs)
    assert records.sentence(None).startswith("Parsing failed for an unexpected reason")
