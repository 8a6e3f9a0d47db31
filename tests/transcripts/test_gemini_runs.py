"""Whole runs with the real Gemini SDK against the loopback stand-in: the model is asked again only after a failure."""

from datetime import timedelta

import pytest

from jobs import testing
from jobs.models import Run
from tests.standins import gemini as standin
from transcripts import retries
from transcripts.models import Status

pytestmark = pytest.mark.django_db
FOUND = {"pain_points": ["Reports are built by hand"], "people": [{"name": "Anna Berg"}, {"name": "", "role": "CFO"}]}
ROLES = {"roles": [{"name": "Anna Berg", "classified_role": "champion"}]}


@pytest.fixture
def gemini(settings):
    with standin.GeminiStandIn().running() as server:
        settings.GEMINI_API_KEY = "key-for-tests-51c0"
        settings.GEMINI_API_ENDPOINT = server.url
        settings.GEMINI_TIMEOUT = 1
        yield server


def drain_hours(hours=6):
    for hour in range(hours):
        with testing.shift_clock(timedelta(hours=hour)):
            testing.drain()


def finished(call):
    call.refresh_from_db()
    return call.status, Run.objects.get(pk=call.run).status, call.error


def test_busy_limited_and_silent_answers_are_followed_by_another_question(stored, gemini):
    gemini.script(
        standin.overloaded(),
        standin.limited(retry_after="30"),
        standin.silent(),
        standin.found(FOUND),
        standin.found(ROLES),
    )
    call = stored()
    drain_hours()
    assert finished(call) == (Status.COMPLETED, "COMPLETED", "")
    assert len(gemini.asked) == 5
    assert [person["classified_role"] for person in call.insights["people"]] == ["champion"]
    assert (call.parsed_by, call.model) == ("gemini", "gemini-3.8-flash")
    assert "Reports are built by hand" in call.raw_answer


def test_a_later_failure_does_not_ask_the_model_a_second_time(stored, gemini, monkeypatch):
    from transcripts import history

    answers = iter([OSError("disk"), True])

    def flaky(_):
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    monkeypatch.setattr(history, "update", flaky)
    gemini.script(standin.found(FOUND), standin.found(ROLES))
    call = stored()
    drain_hours()
    assert finished(call) == (Status.COMPLETED, "COMPLETED", "")
    assert len(gemini.asked) == 2


def test_bad_json_is_asked_for_again(stored, gemini):
    gemini.script(standin.said("{not json"), standin.found(FOUND), standin.found(ROLES))
    call = stored()
    drain_hours()
    assert finished(call)[0] == Status.COMPLETED
    assert len(gemini.asked) == 3


def test_a_blocked_answer_fails_at_once_in_words_and_may_be_retried(stored, gemini):
    gemini.script(standin.blocked())
    call = stored()
    drain_hours()
    status, run, error = finished(call)
    assert (status, run, len(gemini.asked)) == (Status.FAILED, "FAILED", 1)
    assert error == "Gemini declined to analyze this call (safety)."
    gemini.script(standin.found(FOUND), standin.found(ROLES))
    retries.retry(call.pk, by="test")
    drain_hours()
    assert finished(call)[0] == Status.COMPLETED
    assert len(gemini.asked) == 3


def test_an_outage_ends_in_one_sentence_without_the_key(stored, gemini):
    gemini.script(standin.overloaded())
    call = stored()
    drain_hours()
    status, run, error = finished(call)
    assert (status, run, len(gemini.asked)) == (Status.FAILED, "FAILED", 4)
    assert error.endswith(".")
    assert "key-for-tests" not in error + str(Run.objects.get(pk=call.run).error)
    assert not error.startswith("Parsing failed for an unexpected reason")
