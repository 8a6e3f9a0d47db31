"""Calls that come as `gong/transcript.parse` events from existing senders."""

import pytest

import jobs
from jobs import testing
from jobs.models import Run
from tests.transcripts.conftest import CALL
from transcripts import retries
from transcripts.models import Status, Transcript

pytestmark = pytest.mark.django_db
TWENTY_DIGITS = "12345678901234567890"


def send(text=CALL, call_id=TWENTY_DIGITS):
    jobs.send_sync(jobs.Event(name="gong/transcript.parse", data={"gongCallId": call_id, "transcriptText": text}))


def test_a_call_sent_by_event_is_stored_and_parsed(parser):
    send()
    testing.drain()
    call = Transcript.objects.get(gong_call_id=TWENTY_DIGITS)
    assert (call.status, call.title) == (Status.COMPLETED, f"Gong call {TWENTY_DIGITS}")
    assert "two hours a day" in parser.asked[0]
    assert Run.objects.get(pk=call.run).subject == call.subject


def test_a_number_as_the_id_is_the_same_call(parser):
    send(call_id=int(TWENTY_DIGITS))
    testing.drain()
    send(CALL + "Anna: One more thing, we decide in January.\n")
    testing.drain()
    call = Transcript.objects.get()
    assert len(parser.asked) == 2
    assert "we decide in January" in call.text


def test_the_words_survive_being_read_again(parser):
    send()
    testing.drain()
    call = Transcript.objects.get()
    retries.retry(call.pk, by="test", completed_too=True)
    testing.drain()
    assert parser.asked[0] == parser.asked[1]


def test_two_events_at_once_for_one_call_do_not_parse_it_twice_at_once(parser):
    send()
    send()
    first = Run.objects.order_by("pk").first()
    testing.drain()
    call = Transcript.objects.get()
    assert call.status == Status.COMPLETED
    assert Run.objects.get(pk=first.pk).status == "COMPLETED"
