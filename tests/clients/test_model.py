"""The talk with the provider, through the real SDK: good answers, and each way in which there is none."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from clients import model
from clients.answers import Enrichment, Outline, Queries, Section
from clients.functions import enhance_client_with_ai
from clients.models import AIStatus
from jobs import clock, testing
from jobs.errors import NonRetriableError, RetryAfterError
from jobs.models import Run
from tests.standins import openai as standin


def ask():
    return model.ask(Enrichment, "Describe a company.", "Acme")


def enhance(client, **options):
    return testing.run(enhance_client_with_ai, data={"clientId": client.pk}, **options)


def test_the_answer_comes_back_raw_and_with_its_tokens(provider):
    reply = ask()
    assert json.loads(reply.raw) == standin.enrichment()
    assert (reply.model, reply.input_tokens, reply.output_tokens) == ("gpt-5.5-2026-04-23", 300, 200)


def test_the_question_carries_a_strict_schema_of_every_field(provider):
    ask()
    schema = provider.asked[0].schema
    assert schema["strict"] is True
    assert set(schema["schema"]["required"]) == set(standin.enrichment())
    assert schema["schema"]["additionalProperties"] is False
    assert schema["schema"]["properties"]["target_audience"]["items"] == {"type": "string"}
    assert set(schema["schema"]["properties"]["geographic_focus"]["enum"]) == {"global", "regional", "local", ""}
    assert "default" not in json.dumps(schema)


@pytest.mark.parametrize("schema", [Queries, Outline, Section])
def test_every_other_question_has_a_strict_schema_too(provider, schema):
    provider.script(standin.failed(400, "no"))
    with pytest.raises(model.ModelRefused):
        model.ask(schema, "Write.", "x")
    assert provider.asked[0].schema["strict"] is True


@pytest.mark.parametrize(
    ("name", "temperature"), [("gpt-5.5", None), ("o4-mini", None), ("gpt-5-chat-latest", 0.3), ("llama3.2", 0.3)]
)
def test_a_temperature_goes_only_to_models_that_take_it(provider, settings, name, temperature):
    settings.OPENAI_MODEL = name
    ask()
    assert provider.asked[0].body.get("temperature") == temperature
    assert provider.asked[0].body["model"] == name


def test_a_model_that_turns_out_to_refuse_a_temperature_is_asked_without(provider, settings):
    settings.OPENAI_MODEL = "thinks-too"
    refused = standin.failed(400, "Unsupported value: 'temperature'", "unsupported_value", param="temperature")
    provider.script(refused, standin.said(standin.enrichment()))
    assert ask().output_tokens == 200
    assert ["temperature" in asked.body for asked in provider.asked] == [True, False]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (standin.failed(401, "Incorrect API key", "invalid_api_key"), model.ModelMisconfigured, "check OPENAI_API_KEY"),
        (standin.failed(403, "Country not supported"), model.ModelMisconfigured, "does not allow this to our key"),
        (standin.failed(404, "gone", "model_not_found"), model.ModelMisconfigured, "'gpt-5.5'; check OPENAI_MODEL"),
        (standin.out_of_credit(), model.ModelMisconfigured, "no credit left; add some, then retry"),
        (standin.failed(400, "Too long"), model.ModelRefused, r"refuses the request \(400\): .*Too long"),
        (standin.said(None, refusal="I cannot help."), model.ModelRefused, "declined to answer: I cannot help."),
        (standin.said('{"industry', finish="length"), model.ModelRefused, "cut off after 200 tokens"),
        (standin.said("", finish="content_filter"), model.ModelRefused, "content filter"),
    ],
)
def test_what_asking_again_cannot_help_is_permanent(provider, answer, error, words):
    provider.script(answer)
    with pytest.raises(error, match=words) as caught:
        ask()
    assert isinstance(caught.value, NonRetriableError)
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (standin.failed(500, "oops"), r"is unavailable \(500\)"),
        (standin.failed(503, "overloaded"), r"is unavailable \(503\)"),
        (standin.limited(), "limits our requests at the moment"),
        (standin.said("no JSON"), "does not fit what was asked for"),
        (standin.said([1, 2]), "does not fit"),
        (standin.said({"weather": "fine"}), "does not fit"),
        (standin.said(standin.enrichment(competitors=[7])), r"does not fit what was asked for \(competitors.0\)"),
        (standin.said(None), "empty answer"),
        (standin.Answer({"object": "chat.completion", "choices": []}), "no answer at all"),
        (standin.Answer("<html>login</html>", headers={"Content-Type": "text/html"}), "makes no sense"),
        (standin.Answer("{", headers={"Content-Type": "application/json"}), "makes no sense"),
        (standin.Answer("{}"), "makes no sense"),
    ],
)
def test_what_may_go_better_next_time_is_not(provider, answer, words):
    provider.script(answer)
    with pytest.raises(model.ModelUnavailable, match=words):
        ask()
    assert len(provider.asked) == 1


def test_a_silent_provider_is_given_up_after_the_timeout(provider, settings):
    settings.OPENAI_TIMEOUT = 0.2
    provider.script(standin.said(standin.enrichment(), delay=5))
    with pytest.raises(model.ModelUnavailable, match=r"did not answer within 0.2 s"):
        ask()
    assert len(provider.asked) == 1


def test_a_provider_that_is_not_there_is_unavailable(settings):
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "key", "http://127.0.0.1:9/v1"
    with pytest.raises(model.ModelUnavailable, match=r"127.0.0.1:9 cannot be reached \(ConnectError\)"):
        ask()


def test_the_key_is_in_no_error(provider):
    provider.script(standin.failed(400, f"Bad key {standin.KEY}"))
    with pytest.raises(model.ModelRefused) as caught:
        ask()
    assert standin.KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        ({"Retry-After": "1e30"}, None),
        ({"Retry-After": "9999999"}, 86_400),
        ({"Retry-After": "-5"}, 0),
        ({"Retry-After": "soon"}, None),
    ],
)
def test_the_wait_is_what_the_provider_says(provider, headers, seconds):
    provider.script(standin.limited(**headers))
    with pytest.raises((RetryAfterError, model.ModelUnavailable)) as caught:
        ask()
    known = caught.value.retry_after.total_seconds() if isinstance(caught.value, RetryAfterError) else None
    assert known == seconds


def test_a_date_says_how_long_to_wait_too(provider):
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    assert model._wait({"retry-after": "Tue, 24 Nov 2026 12:01:30 GMT"}, now) == timedelta(seconds=90)


@pytest.mark.django_db
def test_a_limit_lets_the_run_sleep_that_long_and_go_on(provider, acme, fresh):
    provider.script(standin.limited("40"), standin.said(standin.enrichment()))
    result = enhance(acme, until=timedelta(0))
    run = Run.objects.get(pk=result.run.pk)
    assert run.status == Run.Status.SLEEPING
    assert 35 < (run.run_at - clock.now()).total_seconds() <= 41
    assert fresh(acme).ai_status == AIStatus.PROCESSING
    early = result.after(timedelta(seconds=20))
    assert (early.status, len(provider.asked)) == ("SLEEPING", 1)
    assert early.to_its_end().must_complete()["enhanced"]
    assert len(provider.asked) == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (standin.out_of_credit(), "no credit left"),
        (standin.failed(401, "Incorrect API key", "invalid_api_key"), "check OPENAI_API_KEY"),
        (standin.failed(404, "gone", "model_not_found"), "check OPENAI_MODEL"),
        (standin.said(None, refusal="No."), "declined to answer"),
        (standin.said("{", finish="length"), "cut off"),
    ],
)
def test_a_permanent_failure_fails_the_run_at_once_and_the_client_says_why(provider, acme, fresh, answer, words):
    provider.script(answer)
    result = enhance(acme)
    assert (result.status, len(provider.asked)) == ("FAILED", 1)
    client = fresh(acme)
    assert (client.ai_status, client.ai_enhancement_count) == (AIStatus.FAILED, 0)
    assert words in client.ai_error
    assert client.ai_error.endswith(".")


@pytest.mark.django_db
def test_an_answer_that_does_not_fit_is_asked_for_again_and_given_up_after_three(provider, acme, fresh):
    provider.script(standin.said({"weather": "fine"}))
    assert enhance(acme).status == "FAILED"
    assert len(provider.asked) == 3
    assert fresh(acme).ai_error == "The model's answer does not fit what was asked for (the whole)."


@pytest.mark.django_db
def test_an_answer_that_fits_the_second_time_is_stored(provider, acme, fresh):
    provider.script(standin.said("sorry"), standin.said(standin.enrichment()))
    enhance(acme).must_complete()
    assert fresh(acme).ai_enhancement_count == 1
