"""The function that enhances a client: its steps, what it stores, and that an answer is paid for once."""

import json
from datetime import timedelta

import pytest

import jobs
from clients import enriching, events
from clients.functions import enhance_client_with_ai
from clients.models import AIStatus, By, Client, Competitor
from jobs import actions, clock, testing
from jobs.models import Run, Step
from tests.standins import openai as standin

pytestmark = pytest.mark.django_db


def enhance(client, **options):
    return testing.run(enhance_client_with_ai, data=events.data_of(client), **options)


def test_an_enrichment_fills_the_client_and_its_competitors(provider, acme, fresh):
    result = enhance(acme)
    assert result.must_complete() == {
        "success": True,
        "clientId": acme.pk,
        "enhanced": True,
        "competitorsAdded": 2,
        "competitorsFailed": 0,
    }
    assert list(result.steps) == ["call-openai", "process-data", "update-client", "upsert-competitors"]
    client = fresh(acme)
    assert (client.industry_primary, client.geographic_focus) == ("Manufacturing", "regional")
    assert client.key_products == ["Euro pallets", "Crates"]
    assert set(client.filled_by.values()) == {By.MODEL}
    assert (client.ai_status, client.ai_error, client.ai_enhancement_count) == (AIStatus.COMPLETED, "", 1)
    assert (client.ai_model, client.ai_input_tokens, client.ai_output_tokens) == (
        f"{standin.MODEL}-2026-04-23",
        300,
        200,
    )
    assert clock.now() - client.ai_enhanced_at < timedelta(minutes=1)
    found = client.competitors.values_list("name", "domain", "source")
    assert set(found) == {("Pallet Kings", "palletkings.example", "AI"), ("Crate & Co", "crate.example", "AI")}


def test_the_raw_answer_and_its_tokens_are_in_the_journal(provider, acme):
    kept = enhance(acme).steps["call-openai"]
    assert '"Euro pallets"' in kept["raw"]
    assert (kept["input_tokens"], kept["output_tokens"]) == (300, 200)


@pytest.mark.parametrize("step", ["process-data", "update-client", "upsert-competitors", "mirror-to-supabase"])
def test_a_later_step_that_fails_twice_does_not_pay_again(provider, acme, fresh, monkeypatch, settings, step):
    settings.SUPABASE_URL, settings.SUPABASE_KEY = "http://127.0.0.1:9", "key"
    places = {
        "process-data": (enriching, "process"),
        "update-client": (enriching.records, "complete"),
        "upsert-competitors": (enriching.storing, "upsert_competitor"),
        "mirror-to-supabase": (None, "push"),
    }
    stubs = {"mirror-to-supabase": {"competitors": 2}}
    failures = iter([ConnectionError("away"), ConnectionError("away")])

    def failing(real):
        def call(*args):
            if (error := next(failures, None)) is not None:
                raise error
            return real(*args)

        return call

    place, name = places[step]
    if place is None:
        stubs[step] = failing(lambda *args: {"competitors": 2})
    else:
        monkeypatch.setattr(place, name, failing(getattr(place, name)))
    result = enhance(acme, steps=stubs)
    assert result.must_complete()["competitorsAdded"] == 2
    assert next(failures, None) is None
    assert Step.objects.get(run=result.run, name=step).tries == 2  # failed ones
    assert len(provider.asked) == 1
    assert fresh(acme).ai_enhancement_count == 1


def test_a_step_that_fails_for_good_marks_the_client_and_a_retry_pays_nothing(provider, acme, fresh, monkeypatch):
    real = enriching.storing.upsert_competitor

    def broken(*args):
        raise ConnectionError("away")

    monkeypatch.setattr(enriching.storing, "upsert_competitor", broken)
    result = enhance(acme)
    assert (result.status, fresh(acme).ai_status) == ("FAILED", AIStatus.FAILED)
    assert fresh(acme).ai_error.startswith("It failed for an unexpected reason (ConnectionError)")
    monkeypatch.setattr(enriching.storing, "upsert_competitor", real)
    actions.retry(Run.objects.get(pk=result.run.pk), by="opal")
    testing.drain()
    client = fresh(acme)
    assert (client.ai_status, client.ai_error, client.ai_enhancement_count) == (AIStatus.COMPLETED, "", 1)
    assert client.competitors.count() == 2
    assert len(provider.asked) == 1


@pytest.mark.parametrize(("given", "words"), [(4711, "There is no client 4711"), ("abc", "must be a client's number")])
def test_an_unknown_client_fails_at_once_and_nobody_is_asked(provider, db, given, words):
    result = testing.run(enhance_client_with_ai, data={"clientId": given})
    assert result.status == "FAILED"
    assert words in result.error["message"]
    assert provider.asked == []


def test_a_client_deleted_behind_the_answer_is_a_permanent_error(provider, acme):
    def deleted(*args):
        Client.objects.all().delete()
        return {"fields": {}, "competitors": [], "rejected": []}

    result = enhance(acme, steps={"process-data": deleted})
    assert (result.status, result.error["code"], result.error["step"]) == ("FAILED", "non_retriable", "update-client")
    assert "There is no client" in result.error["message"]


def test_each_enhancement_counts_once_more(provider, acme, fresh):
    enhance(acme)
    enhance(acme)
    client = fresh(acme)
    assert (client.ai_enhancement_count, client.ai_input_tokens) == (2, 600)
    assert client.competitors.count() == 2


def test_a_field_that_a_person_entered_stays_and_the_others_are_filled(provider, acme, fresh):
    acme.enter({"industry_primary": "Wood", "brand_voice": ["Loud"]})
    acme.save()
    enhance(acme)
    client = fresh(acme)
    assert (client.industry_primary, client.brand_voice, client.sub_industry) == ("Wood", ["Loud"], "Pallets")
    assert client.filled_by["industry_primary"] == By.PERSON
    assert "Wood" in provider.asked[0].question


def test_a_field_that_a_person_emptied_is_the_models_again(provider, acme, fresh):
    acme.enter({"industry_primary": "Wood"})
    acme.enter({"industry_primary": ""})
    acme.save()
    enhance(acme)
    assert fresh(acme).industry_primary == "Manufacturing"


def reply():
    return {"raw": json.dumps(standin.enrichment()), "model": "m", "input_tokens": 1, "output_tokens": 1}


def test_a_field_that_a_person_changes_while_a_run_is_at_work_stays(provider, acme, fresh):
    def edited_meanwhile():
        client = Client.objects.get(pk=acme.pk)
        client.enter({"business_model": "Rental"})
        client.save()
        return enriching.process(reply(), acme.name, acme.domain)

    enhance(acme, steps={"process-data": edited_meanwhile})
    assert fresh(acme).business_model == "Rental"


def test_a_competitor_that_a_person_entered_is_never_turned_into_an_ais(provider, acme):
    Competitor.objects.create(client=acme, name="The Kings", domain="palletkings.example", data={"note": "ours"})
    output = enhance(acme).must_complete()
    kings = Competitor.objects.get(domain="palletkings.example")
    assert (kings.name, kings.source, kings.data) == ("The Kings", Competitor.Source.MANUAL, {"note": "ours"})
    assert (output["competitorsAdded"], output["competitorsFailed"]) == (1, 0)


def test_competitors_that_cannot_be_stored_are_counted_and_the_others_stored(provider, acme):
    rivals = [
        {"name": "No Domain", "domain": ""},
        {"name": "Address", "domain": "10.0.0.1"},
        {"name": "Fine", "domain": "fine.example"},
    ]
    provider.script(standin.said(standin.enrichment(competitors=rivals)))
    result = enhance(acme)
    assert (result.output["competitorsAdded"], result.output["competitorsFailed"]) == (1, 2)
    assert any("No Domain came without a domain" in str(line) for line in result.logs)


def test_one_competitor_that_the_database_refuses_hurts_no_other(provider, acme, monkeypatch):
    real = enriching.storing.upsert_competitor

    def refused(client_id, name, domain):
        return real(client_id, name, "" if name == "Pallet Kings" else domain)  # the table's check says no

    monkeypatch.setattr(enriching.storing, "upsert_competitor", refused)
    result = enhance(acme)
    assert (result.output["competitorsAdded"], result.output["competitorsFailed"]) == (1, 1)
    assert acme.competitors.get().domain == "crate.example"
    assert "competitor_has_domain" in result.steps["upsert-competitors"]["failed"][0]["error"]


def test_a_run_that_was_overtaken_writes_nothing(provider, acme, fresh):
    def overtaken(*args):
        Client.objects.update(run="01a2039c-7931-7fb1-9f99-683a890eec7d")
        return enriching.process(reply(), acme.name, acme.domain)

    result = enhance(acme, steps={"process-data": overtaken})
    assert result.status == "FAILED"
    assert "newer run has taken it over" in result.error["message"]
    assert (fresh(acme).industry_primary, fresh(acme).ai_enhancement_count) == ("", 0)


def test_a_second_request_while_one_is_at_work_is_skipped(provider, acme):
    jobs.send_sync([jobs.Event(name=events.ENHANCE, data=events.data_of(acme))])
    # Other systems write numbers as text.
    jobs.send_sync([jobs.Event(name=events.ENHANCE, data={"clientId": str(acme.pk)})])
    testing.drain()
    statuses = sorted(Run.objects.about(acme.subject).values_list("status", flat=True))
    assert statuses == ["COMPLETED", "SKIPPED"]
    assert len(provider.asked) == 1


@pytest.mark.parametrize("data", [{}, {"clientId": None}, {"clientId": [1]}, {"client": 1}])
def test_an_event_that_names_no_client_fails_and_says_what_is_missing(provider, acme, data):
    jobs.send_sync([jobs.Event(name=events.ENHANCE, data=data)])
    testing.drain()
    run = Run.objects.get(function__endswith=events.ENHANCE_SUFFIX)
    assert run.status == Run.Status.FAILED
    assert "clientId" in run.error["message"]
    assert provider.asked == []


def test_a_press_starts_one_run_and_a_second_is_refused_in_words(provider, acme, fresh):
    run = events.request_enhancement(acme.pk, by="mara")
    assert (fresh(acme).ai_status, fresh(acme).run) == (AIStatus.PROCESSING, run)
    with pytest.raises(events.NotNow, match="is being enhanced right now"):
        events.request_enhancement(acme.pk, by="mara")
    testing.drain()
    assert fresh(acme).ai_status == AIStatus.COMPLETED


def test_a_press_that_another_event_has_overtaken_is_refused_and_takes_nothing_over(provider, acme, fresh, monkeypatch):
    jobs.send_sync([jobs.Event(name=events.ENHANCE, data=events.data_of(acme))])
    # As if that event had come between this press's look and its send.
    monkeypatch.setattr(events, "live_run", lambda client: None)
    with pytest.raises(events.NotNow, match="is being enhanced right now"):
        events.request_enhancement(acme.pk, by="mara")
    testing.drain()
    assert (fresh(acme).ai_status, len(provider.asked)) == (AIStatus.COMPLETED, 1)


def test_a_cancelled_run_leaves_no_client_enhancing_for_ever(provider, acme, fresh):
    run = events.request_enhancement(acme.pk, by="mara")
    actions.cancel(Run.objects.get(pk=run), by="opal")
    testing.drain()
    assert (fresh(acme).ai_status, fresh(acme).ai_error) == (AIStatus.FAILED, "It was cancelled before it finished.")


def test_without_a_key_nothing_starts_and_the_way_out_is_told(acme):
    with pytest.raises(events.NotNow, match="set OPENAI_API_KEY"):
        events.request_enhancement(acme.pk, by="mara")
    result = enhance(acme)
    assert "set OPENAI_API_KEY" in result.error["message"]
