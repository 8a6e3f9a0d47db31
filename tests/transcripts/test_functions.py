"""parse-transcript: the six steps, what happens when one fails, and the faults that must not come back."""

from datetime import timedelta
from uuid import uuid4

import pytest

import jobs
from jobs import actions, testing
from jobs.models import Run, Step
from transcripts.models import Status, Transcript
from transcripts.parsers.service import GeminiUnavailable

pytestmark = pytest.mark.django_db
STEPS = [
    "update-status-parsing",
    "read-file",
    "parse-transcript",
    "classify-people",
    "save-parsed-results",
    "update-opportunity-history",
]


def run_of(transcript):
    transcript.refresh_from_db()
    return Run.objects.get(pk=transcript.run)


def drain_retries(times=4):
    with testing.shift_clock(timedelta(0)):
        for hours in range(times):
            with testing.shift_clock(timedelta(hours=hours)):
                testing.drain()


def test_an_uploaded_call_goes_through_six_steps_and_ends_with_counts(stored, parser):
    call = stored()
    testing.drain()
    run = run_of(call)
    assert [step.name for step in Step.objects.filter(run_id=run.pk).order_by("index")] == STEPS
    assert run.output | {"pain_points": 1, "people": 2, "next_steps": 1, "objections": 0} == run.output
    assert (call.status, call.error, call.parsed_by, call.model) == (Status.COMPLETED, "", "scripted", "scripted-1")
    assert call.parsed_at is not None
    assert call.raw_answer == "the raw answer"
    assert "We lose about two hours a day" in call.text
    assert {person["classified_role"] for person in call.insights["people"]} == {"champion"}


def test_a_failed_call_to_the_parser_is_made_again_and_not_after_it_succeeded(stored, parser):
    parser.answers = [
        GeminiUnavailable("The model is busy."),
        GeminiUnavailable("The model is busy."),
        parser.answers[0],
    ]
    call = stored()
    drain_retries()
    assert len(parser.asked) == 3
    assert run_of(call).status == "COMPLETED"
    assert call.status == Status.COMPLETED


def test_a_parser_that_never_answers_leaves_one_human_sentence(stored, parser):
    parser.answers = [GeminiUnavailable("The model did not answer in time.")]
    call = stored()
    drain_retries(6)
    assert len(parser.asked) == 4
    assert run_of(call).status == "FAILED"
    assert (call.status, call.error) == (Status.FAILED, "The model did not answer in time.")


def test_an_unexpected_error_is_worded_for_people(stored, parser):
    parser.answers = [KeyError("candidates")]
    call = stored()
    drain_retries(6)
    call.refresh_from_db()
    assert call.error.startswith("Parsing failed for an unexpected reason (KeyError)")


def test_a_file_without_words_fails_at_once_and_says_why(stored, parser):
    call = stored("Anna: Hello there.\nTom: Hello.\n")
    testing.drain()
    assert run_of(call).error["step"] == "read-file"
    assert call.status == Status.FAILED
    assert "too short to analyze" in call.error
    assert parser.asked == []


def test_a_pdf_of_pictures_fails_at_once_and_says_why(stored, parser):
    from io import BytesIO

    from pypdf import PdfWriter

    written = BytesIO()
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.write(written)
    call = stored(written.getvalue(), "scan.pdf")
    testing.drain()
    assert run_of(call).error["code"] == "non_retriable"
    assert call.status == Status.FAILED
    assert "scan.pdf" in call.error
    assert call.error.endswith(".")


def test_people_who_cannot_be_classified_do_not_fail_the_call(stored, parser):
    parser.roles = GeminiUnavailable("The model is busy.")
    call = stored()
    drain_retries(6)
    assert run_of(call).status == "COMPLETED"
    assert [person["classified_role"] for person in call.insights["people"]] == ["unknown", "unknown"]


def test_a_permanent_refusal_to_classify_does_not_fail_the_call_either(stored, parser):
    parser.roles = jobs.NonRetriableError("The key is not valid.")
    call = stored()
    testing.drain()
    assert run_of(call).status == "COMPLETED"
    assert len(call.insights["people"]) == 2


def test_a_nameless_person_is_dropped_and_the_call_completes(stored, parser):
    parser.answers = [parser.answers[0] | {"people": [{"name": "", "role": "CFO"}, {"name": "Anna Berg"}]}]
    call = stored()
    testing.drain()
    run = run_of(call)
    assert run.status == "COMPLETED"
    assert [person["name"] for person in call.insights["people"]] == ["Anna Berg"]
    assert run.log_lines.filter(level="WARNING", message__contains="without a name").exists()


def test_two_runs_never_parse_one_call_at_once(stored, parser):
    call = stored()
    jobs.send_sync(jobs.Event(name="transcript/uploaded", data={"transcript_id": call.pk}))
    owner = call.run
    Run.objects.filter(pk=owner).update(run_at=None, status="RUNNING")
    testing.drain()
    other = Run.objects.about(call.subject).exclude(pk=owner).get(function__endswith="-parse-transcript")
    assert other.status == "FAILED"
    assert "being parsed by another run already" in other.error["message"]
    assert parser.asked == []
    call.refresh_from_db()
    assert (call.status, call.run) == (Status.PENDING, owner)


def test_a_run_that_was_replaced_while_the_model_worked_writes_nothing(stored, parser):
    call = stored()
    newer = uuid4()
    parser.meanwhile = lambda: Transcript.objects.filter(pk=call.pk).update(run=newer)
    testing.drain()
    run = Run.objects.get(function__endswith="-parse-transcript")
    assert (run.status, run.error["name"]) == ("FAILED", "Superseded")
    call.refresh_from_db()
    assert (call.status, call.insights, call.run) == (Status.PARSING, None, newer)


def test_a_call_deleted_while_it_is_parsed_ends_its_run_in_words(stored, parser):
    call = stored()
    parser.meanwhile = call.delete
    testing.drain()
    run = Run.objects.get(function__endswith="-parse-transcript")
    assert run.status == "FAILED"
    assert "deleted meanwhile" in run.error["message"]


def test_a_late_failure_does_not_overwrite_the_retry_that_came_first(stored, parser):
    from transcripts import records, retries

    parser.answers = [jobs.NonRetriableError("The answer was blocked."), parser.answers[0]]
    call = stored()
    testing.drain()
    failed = run_of(call)
    assert call.status == Status.FAILED
    retries.retry(call.pk, by="test")
    assert records.fail_with(str(failed.pk), "too late") is False
    testing.drain()
    assert run_of(call).status == "COMPLETED"
    assert (call.status, call.error) == (Status.COMPLETED, "")


def test_retrying_the_failed_run_itself_brings_the_call_back_to_life(stored, parser):
    parser.answers = [jobs.NonRetriableError("The answer was blocked."), parser.answers[0]]
    call = stored()
    testing.drain()
    assert actions.retry(run_of(call), by="test")
    testing.drain()
    call.refresh_from_db()
    assert (call.status, call.error) == (Status.COMPLETED, "")


def test_a_cancelled_run_leaves_the_call_failed_in_words(stored, parser):
    call = stored()
    actions.cancel(Run.objects.get(pk=call.run), by="test")
    testing.drain()
    call.refresh_from_db()
    assert (call.status, call.error) == (Status.FAILED, "Parsing was cancelled before it finished.")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"transcript_id": 987654321}, "There is no transcript 987654321"),
        ({"transcript_id": "x"}, "transcript_id must be a number"),
        ({}, "The event names no call"),
        ({"gongCallId": "1", "transcriptText": " "}, "transcriptText is empty"),
    ],
)
def test_an_event_that_names_no_call_fails_in_words(data, words, parser):
    name = "gong/transcript.parse" if "gongCallId" in data else "transcript/uploaded"
    jobs.send_sync(jobs.Event(name=name, data=data))
    testing.drain()
    run = Run.objects.get(function__endswith="-parse-transcript")
    assert run.status == "FAILED"
    assert words in run.error["message"]
