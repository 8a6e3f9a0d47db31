"""The Gemini parser through the real SDKs, against a server that answers like Gemini."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jobs.errors import NonRetriableError, RetryAfterError
from tests.standins import gemini as standin
from transcripts.insights import ClassifiedRole, Person
from transcripts.parsers import current
from transcripts.parsers.gemini import GeminiParser
from transcripts.parsers.service import GeminiUnavailable

KEY = "key-for-tests-7f3a"
CALL = "[00:01] Ann: We lose two hours a day on this.\n[00:09] Rep: I will send the quote on Friday at 10:00."
INSIGHTS = {
    "pain_points": ["Two hours a day are lost."],
    "people": [{"name": "Ann", "organization": "Acme", "role": "COO", "classified_role": "decision_maker"}],
    "next_steps": ["Rep sends the quote on Friday at 10:00."],
    "call_sentiment": {"overall": "positive", "momentum": "forward", "enthusiasm": "high"},
}


@pytest.fixture(params=["google-generativeai", "google-genai"])
def sdk(request):
    if request.param == "google-genai":
        pytest.importorskip("google.genai", reason="the optional package google-genai is not installed")
    return request.param


@pytest.fixture
def gemini():
    with standin.GeminiStandIn().running() as server:
        yield server


@pytest.fixture
def parser(sdk, gemini, settings):
    settings.GEMINI_SDK = sdk
    settings.GEMINI_API_KEY = KEY
    settings.GEMINI_API_ENDPOINT = gemini.url
    settings.GEMINI_MODEL = "gemini-3.8-flash"
    settings.GEMINI_TIMEOUT = 5
    return current()


def test_a_good_answer_becomes_insights_and_the_raw_answer_is_kept(parser, gemini):
    gemini.script(standin.found(INSIGHTS))
    parsed = parser.parse(CALL)
    assert parsed.parsed_by == "gemini"
    assert parsed.model == "gemini-3.8-flash"
    assert json.loads(parsed.raw) == INSIGHTS
    assert parsed.insights.pain_points == ["Two hours a day are lost."]
    assert parsed.insights.people[0].classified_role == ClassifiedRole.DECISION_MAKER
    assert parsed.insights.objections == []
    assert parsed.to_json()["insights"]["next_steps"] == ["Rep sends the quote on Friday at 10:00."]


def test_the_request_names_the_model_carries_the_key_in_a_header_and_asks_for_our_schema(parser, gemini):
    gemini.script(standin.found(INSIGHTS))
    parser.parse(CALL)
    (asked,) = gemini.asked
    assert asked.path.split("?")[0] == "/v1beta/models/gemini-3.8-flash:generateContent"
    assert asked.headers["x-goog-api-key"] == KEY
    assert KEY not in asked.path
    assert CALL in asked.prompt
    assert asked.config["responseMimeType"] == "application/json"
    schema = asked.config["responseSchema"]
    assert schema["properties"]["people"]["items"]["properties"].keys() == {
        "name",
        "organization",
        "role",
        "classified_role",
    }


def test_a_limit_with_a_retry_after_header_says_when_to_come_again(parser, gemini):
    gemini.script(standin.limited(retry_after="7"))
    with pytest.raises(RetryAfterError, match="limits our requests") as raised:
        parser.parse(CALL)
    assert raised.value.retry_after == timedelta(seconds=7)
    assert len(gemini.asked) == 1


def test_a_limit_with_retry_info_says_when_to_come_again(parser, gemini):
    gemini.script(standin.limited(retry_delay="34.5s", quota="GenerateRequestsPerMinutePerProjectPerModel"))
    with pytest.raises(RetryAfterError) as raised:
        parser.parse(CALL)
    assert raised.value.retry_after == timedelta(seconds=34.5)


def test_a_limit_without_a_time_is_an_ordinary_retry(parser, gemini):
    gemini.script(standin.limited())
    with pytest.raises(GeminiUnavailable, match="limits our requests"):
        parser.parse(CALL)


def test_an_exhausted_daily_quota_is_permanent(parser, gemini):
    gemini.script(standin.limited(retry_delay="20s", quota="GenerateRequestsPerDayPerProjectPerModel-FreeTier"))
    with pytest.raises(NonRetriableError, match="quota for today is used up"):
        parser.parse(CALL)


def test_an_overloaded_model_is_asked_once_per_attempt_and_again_by_the_next(parser, gemini):
    gemini.script(standin.overloaded(), standin.found(INSIGHTS))
    with pytest.raises(GeminiUnavailable, match=r"503.*overloaded"):
        parser.parse(CALL)
    assert len(gemini.asked) == 1
    assert parser.parse(CALL).insights.pain_points == ["Two hours a day are lost."]
    assert len(gemini.asked) == 2


def test_a_silent_service_is_given_up_at_the_timeout(parser, gemini, settings):
    settings.GEMINI_TIMEOUT = 0.4
    gemini.script(standin.silent())
    with pytest.raises(GeminiUnavailable, match=r"no answer within 0\.4 seconds"):
        current().parse(CALL)
    assert len(gemini.asked) == 1


def test_a_service_that_cannot_be_reached_is_transient(parser, settings):
    settings.GEMINI_API_ENDPOINT = "http://127.0.0.1:9"
    with pytest.raises(GeminiUnavailable, match="no answer"):
        current().parse(CALL)


@pytest.mark.parametrize("answer", [standin.blocked("PROHIBITED_CONTENT"), standin.stopped("PROHIBITED_CONTENT")])
def test_a_blocked_answer_is_permanent_and_its_reason_is_told(parser, gemini, answer):
    gemini.script(answer)
    with pytest.raises(NonRetriableError, match=r"declined to analyze this call \(prohibited content\)"):
        parser.parse(CALL)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"pain_points": ["cut', "not valid JSON"),
        ("Here are your insights!", "not valid JSON"),
        ("[1, 2]", "not a JSON object"),
        ('{"something": "else"}', "none of the areas"),
        ("", "empty answer"),
    ],
)
def test_an_answer_that_cannot_be_used_raises_so_that_a_retry_asks_again(parser, gemini, text, words):
    gemini.script(standin.said(text), standin.found(INSIGHTS))
    with pytest.raises(GeminiUnavailable, match=words):
        parser.parse(CALL)
    assert parser.parse(CALL).insights.people[0].name == "Ann"
    assert len(gemini.asked) == 2


def test_a_page_in_place_of_an_answer_is_transient(parser, gemini):
    gemini.script(standin.Answer("<html>proxy</html>", 200))
    with pytest.raises(GeminiUnavailable):
        parser.parse(CALL)


def test_an_answer_in_a_code_fence_is_read(parser, gemini):
    gemini.script(standin.said(f"```json\n{json.dumps(INSIGHTS)}\n```"))
    assert parser.parse(CALL).insights.people[0].name == "Ann"


def test_one_nameless_person_is_dropped_and_counted(parser, gemini):
    people = [{"name": "", "role": "CFO"}, {"name": None}, {"role": "x"}, {"name": "Ben", "organization": None}]
    gemini.script(standin.found({**INSIGHTS, "people": people}))
    parsed = parser.parse(CALL)
    assert [(person.name, person.organization) for person in parsed.insights.people] == [("Ben", "Unknown")]
    assert parsed.dropped_people == 3
    assert parsed.to_json()["dropped_people"] == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (standin.failed(400, "INVALID_ARGUMENT", f"API key not valid: {KEY}"), "does not accept the API key"),
        (standin.failed(400, "INVALID_ARGUMENT", f"Bad schema for {KEY}"), "refuses the request"),
        (standin.failed(403, "PERMISSION_DENIED", f"{KEY} is blocked"), "does not allow this"),
        (standin.failed(404, "NOT_FOUND", "models/x is not found"), "does not know the model gemini-3.8-flash"),
    ],
)
def test_an_error_that_stays_is_permanent_and_never_shows_the_key(parser, gemini, answer, words):
    gemini.script(answer)
    with pytest.raises(NonRetriableError, match=words) as raised:
        parser.parse(CALL)
    assert KEY not in str(raised.value)
    assert raised.value.__cause__ is None


def test_people_are_classified_in_their_order_and_the_forgotten_are_unknown(parser, gemini):
    roles = [{"name": "Ben", "classified_role": "Champion"}, {"name": "Ann", "classified_role": "decision-maker"}]
    gemini.script(standin.said(json.dumps({"roles": roles})))
    people = [Person(name="Ann"), Person(name="Cy"), Person(name="Ben")]
    assert parser.classify(people, CALL) == ["decision_maker", "unknown", "champion"]
    assert '"name": "Cy"' in gemini.asked[0].prompt


def test_nobody_to_classify_asks_nothing(parser, gemini):
    assert parser.classify([], CALL) == []
    assert gemini.asked == []


def test_many_threads_share_one_parser(parser, gemini, settings):
    settings.GEMINI_TIMEOUT = 60  # All of them share two cores with the server.
    parser = current()
    gemini.script(standin.found(INSIGHTS))
    with ThreadPoolExecutor(100) as pool:
        results = list(pool.map(parser.parse, [CALL] * 250))
    assert len(gemini.asked) == 250
    assert {result.insights.people[0].name for result in results} == {"Ann"}


def test_an_unknown_sdk_is_refused_with_the_choices(settings):
    settings.GEMINI_API_KEY, settings.GEMINI_SDK = KEY, "vertex"
    with pytest.raises(NonRetriableError, match="'google-generativeai' or 'google-genai'"):
        GeminiParser.from_settings()


def test_a_parser_that_was_used_before_a_fork_works_in_the_child(parser, gemini):
    gemini.script(standin.found(INSIGHTS))
    parser.parse(CALL)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if parser.parse(CALL).insights.people[0].name == "Ann" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(gemini.asked) == 2
