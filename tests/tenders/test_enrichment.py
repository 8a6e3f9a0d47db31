"""Look-ups: what they fill and who filled it, when they fill nothing, and how fast they may come."""

import json
from datetime import timedelta

import pytest

import jobs
from jobs import testing
from jobs.models import Run
from tenders import enrichment, events, importing, lookup, matching
from tenders.models import JobLog, Tender
from tenders.sources.http import PortalUnavailable
from tests.jobs.cluster import Bench, running, wait_until
from tests.standins import tender_portals as standin
from tests.standins.tender_portals import LOOKUP, Fault, Portals
from tests.tenders.conftest import REAL, drain_hours, newest

DAY = "2026-08-14"
EMPTY = {"category": "", "province": "", "deliveryLocation": "", "contactPerson": {}, "procurementMethodDetails": ""}


@pytest.fixture
def bare(db, tender):
    """A tender whose release leaves most fields empty."""
    return tender(standin.za_release(1, **{**EMPTY, "briefingSession": {}}))


@pytest.mark.django_db
def test_a_look_up_fills_what_the_release_leaves_empty_and_each_field_tells_who_did(portals, bare):
    portals.rows = [standin.row("BID 1/2026"), standin.row("BID 11/2026", province="Gauteng")]
    assert bare.data_quality_score == 15
    assert enrichment.enrich(bare.ocid) == "same number"
    found = Tender.objects.get()
    assert (found.province, found.city, found.detailed_category) == ("Limpopo", "Testville", "Civil engineering")
    assert (found.contact_name, found.contact_email) == ("P. Ortal", "portal@example.org")
    assert (found.type_class, found.tender_type) == ("Bid", "Request for Bid(Open-Tender)")
    assert (found.has_briefing, found.briefing_compulsory, found.briefing_venue) == (True, True, "Town hall")
    assert f"{found.briefing_at:%H:%M}" == "08:00"  # ten in Johannesburg
    assert found.documents[0]["url"].endswith("/home/Download?blobName=a-1.pdf")
    assert found.e_submission is False
    assert {found.filled_by[name] for name in ("province", "city", "contact_email", "documents")} == {"portal"}
    assert "organ_type" not in found.filled_by  # the release's own buyer told it
    assert found.data_quality_score == 98


@pytest.mark.django_db
def test_a_look_up_leaves_the_releases_own_words_alone(portals, tender):
    own = tender(standin.za_release(1))
    portals.rows = [standin.row("BID 1/2026")]
    enrichment.enrich(own.ocid)
    found = Tender.objects.get()
    assert (found.province, found.detailed_category) == ("Gauteng", "Construction")
    assert "province" not in found.filled_by
    assert found.special_conditions == "Bidders must register."
    assert found.filled_by["special_conditions"] == "portal"


@pytest.mark.django_db
def test_a_newer_release_keeps_what_look_ups_filled_unless_it_knows_better(portals, bare, imported):
    portals.rows = [standin.row("BID 1/2026")]
    enrichment.enrich(bare.ocid)
    newer = standin.za_release(1, "2026-08-20", **{**EMPTY, "province": "Mpumalanga", "briefingSession": {}})
    imported(newer)
    found = Tender.objects.get()
    assert (found.province, found.city) == ("Mpumalanga", "Testville")
    assert "province" not in found.filled_by
    assert found.filled_by["city"] == "portal"
    assert found.data_quality_score == 98


@pytest.mark.django_db
def test_without_a_confident_match_nothing_is_filled(portals, bare):
    portals.rows = [standin.row("ZZZ 99/2019", organ_of_State="Somebody Else", description="Other")] * 2
    assert enrichment.enrich(bare.ocid) == "no confident match"
    found = Tender.objects.get()
    assert (found.province, found.contact_email, found.filled_by) == ("", "", {})
    assert found.enriched_at is not None
    assert found.data_quality_score == 15


WANTED = matching.Wanted("7", "BID 7/2026", "Testville Local Municipality", "Repair of a bridge")


def rows(*numbers, **more):
    return [lookup.Row.model_validate(standin.row(number, **more)) for number in numbers]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (rows("BID 7/2026", "BID 77/2026"), "same number"),
        (rows("bid-7/2026"), "same number, written differently"),
        (rows("BID 7/2026 (re-advertised)"), "score 95"),
        (rows("BID 7/2026-A", organ_of_State="Other", description="Catering"), "score 40"),
        (rows("BID 8/2026"), None),
        (rows("XX", organ_of_State="Testville Local Municipality"), None),
        (rows("BID 7/2026", "BID 7/2026"), None),
        (rows("BID 7/2026-A", "BID 7/2026-B"), None),
        ([], None),
    ],
)
def test_a_row_is_the_one_only_when_its_number_says_so_and_no_other_is_as_good(found, why):
    match = matching.best(WANTED, found)
    assert (match and match.why) == why


def test_of_two_rows_with_one_number_the_tenders_own_id_decides():
    found = [*rows("BID 7/2026", id=6), *rows("BID 7/2026", id=7, town="Right")]
    assert matching.best(WANTED, found).row.town == "Right"


@pytest.mark.skipif(not REAL.is_dir(), reason="no shared data beside the project")
def test_every_real_row_is_understood_and_found_by_its_own_number(portals, settings):
    text = (REAL / "za_etenders_site_PaginatedTenderOpportunities_rows000-039.json").read_text()
    portals.faults(LOOKUP, Fault(200, text))
    real = lookup.rows_for("all")
    assert len(real) == 40
    for row in real:
        wanted = matching.Wanted(row.id, row.number, row.buyer, row.description)
        assert matching.best(wanted, real).row is row
    first = real[0]
    assert (first.number, first.province, first.town) == (
        "SCMU8 - 25/26 - 0082",
        "Eastern Cape",
        "East London and Zwelitsha Office ",
    )
    assert f"{first.briefed_at():%Y-%m-%d %H:%M}" == "2025-09-29 09:00"
    assert real[14].briefing_compulsory is None  # the portal left it open
    assert real[2].conditions == "N/A"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fault",
    [Fault(500, "x"), Fault(200, "<html>"), Fault(200, '{"data": null}')],
    ids=["500", "HTML", "no rows"],
)
def test_a_portal_in_trouble_fills_nothing_and_may_be_asked_again(portals, bare, fault):
    portals.faults(LOOKUP, fault)
    with pytest.raises(PortalUnavailable):
        enrichment.enrich(bare.ocid)
    assert Tender.objects.get().enriched_at is None


@pytest.mark.django_db
def test_a_row_that_makes_no_sense_is_left_out(portals):
    good = standin.row("BID 1/2026")
    portals.faults(LOOKUP, Fault(200, json.dumps({"data": [good, {"tender_No": None, "eSubmission": [1]}, 7]})))
    assert [row.number for row in lookup.rows_for("BID 1/2026")] == ["BID 1/2026"]


@pytest.mark.django_db
def test_a_sync_goes_on_when_look_ups_fail_and_counts_them(portals):
    portals.za = [standin.za_release(number, DAY) for number in range(1, 13)]
    portals.rows = [standin.row(f"BID {number}/2026") for number in range(1, 13)]
    portals.faults(LOOKUP, Fault(500, "x"), Fault(404, "gone"))
    asked = {"source": "za-etenders", "fromDate": DAY, "toDate": DAY, "maxEnrichment": 12}
    jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
    drain_hours(1)
    log = newest()
    assert (log.status, log.enriched, log.enrichment_failed) == ("SUCCESS", 10, 2)
    assert log.note == "Processed 12 records (12 added, 0 updated), enriched 10/12"


@pytest.mark.django_db
def test_required_look_ups_that_fail_fail_the_sync_and_leave_the_cursor(portals):
    portals.za = [standin.za_release(1, DAY)]
    portals.faults(LOOKUP, Fault(500, "x"))
    asked = {"source": "za-etenders", "fromDate": DAY, "toDate": DAY, "requireEnrichment": True}
    jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
    drain_hours(1)
    assert newest().status == "FAILED"
    assert newest().error == "1 of 1 look-ups failed, and all were required."


@pytest.mark.django_db
def test_more_than_50_look_ups_get_a_run_each_and_are_counted(portals, settings):
    portals.za = [standin.za_release(number, DAY) for number in range(1, 61)]
    portals.rows = [standin.row(f"BID {number}/2026") for number in range(1, 61)]
    asked = {"source": "za-etenders", "fromDate": DAY, "toDate": DAY, "maxEnrichment": 60}
    jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
    for second in range(70):  # the throttle lets one start at a time
        with testing.shift_clock(timedelta(seconds=second)):
            testing.drain()
    assert Run.objects.filter(function__endswith="-enrich-tender", status="COMPLETED").count() == 60
    log = JobLog.objects.get(type="SYNC")
    assert (log.enriched, log.to_enrich, log.status) == (60, 60, "SUCCESS")
    assert log.note.endswith("enriched 60/60")


@pytest.mark.django_db
def test_enrich_today_looks_up_what_was_released_today_only(portals):
    from django.utils import timezone

    today = timezone.now().astimezone(lookup.ZONE).date().isoformat()
    portals.za = [standin.za_release(1, today), standin.za_release(2, "2026-01-05")]
    portals.rows = [standin.row("BID 1/2026"), standin.row("BID 2/2026")]
    for day in (today, "2026-01-05"):
        asked = {"source": "za-etenders", "fromDate": day, "toDate": day, "maxEnrichment": 0}
        jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
        testing.drain()
    jobs.send_sync(jobs.Event(name=events.ENRICH_TODAY, data={"maxEnrichment": 5, "rateLimit": 1}))
    testing.drain()
    assert newest().note == "Processed 0 records (0 added, 0 updated), enriched 1/1"
    assert [t.number for t in Tender.objects.exclude(enriched_at=None)] == ["BID 1/2026"]


@pytest.mark.django_db
def test_stated_preference_points_give_the_range_and_say_so(portals, tender):
    found = tender(standin.za_release(1, specialConditions="The 80/20 preference point system applies."))
    enrichment.enrich(found.ocid)
    found.refresh_from_db()
    assert (found.value, found.value_low, int(found.value_high)) == (None, None, 50_000_000)
    assert found.filled_by["value_high"] == "preference points"


@pytest.fixture
def model(portals, settings):
    settings.TENDERS_LLM, settings.OPENAI_API_KEY, settings.OPENAI_MODEL = True, "key", "some-model"
    settings.OPENAI_BASE_URL, settings.OPENAI_TIMEOUT = f"{portals.url}/v1", 5
    return portals


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("says", "category"),
    [
        ("Civil engineering", "Civil engineering"),
        ("civil engineering.", "Civil engineering"),
        ("Bridges!", ""),
        ("none", ""),
    ],
)
def test_a_model_may_choose_only_one_of_the_portals_categories(model, bare, says, category):
    model.model_says = says
    enrichment.enrich(bare.ocid)
    found = Tender.objects.get()
    assert (found.detailed_category, found.filled_by.get("detailed_category", "")) == (
        category,
        "model" if category else "",
    )
    assert len(model.prompts) == 1


@pytest.mark.django_db
def test_a_model_is_not_asked_where_the_category_is_known_or_it_is_switched_off(model, bare, tender, settings):
    enrichment.enrich(tender(standin.za_release(2)).ocid)
    settings.TENDERS_LLM = False
    enrichment.enrich(bare.ocid)
    assert model.prompts == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "error"), [("429", jobs.RetryAfterError), ("500", PortalUnavailable), ("401", jobs.NonRetriableError)]
)
def test_a_model_that_fails_is_asked_once_and_fills_nothing(model, bare, status, error):
    model.model_says = status
    with pytest.raises(error):
        enrichment.enrich(bare.ocid)
    assert len(model.prompts) == 1
    assert Tender.objects.get().enriched_at is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "temperature"),
    [("llama3.2", {0}), ("gpt-4.1-mini", {0}), ("gpt-5.5", set()), ("o4-mini", set()), ("openai/gpt-5.5", set())],
)
def test_a_model_that_thinks_gets_no_temperature(model, bare, settings, name, temperature):
    settings.OPENAI_MODEL = name
    enrichment.enrich(bare.ocid)
    assert {value for key, value in model.prompts[0].items() if key == "temperature"} == temperature


@pytest.mark.slow
def test_look_ups_of_two_workers_together_keep_to_the_rate(database_url, tmp_path, monkeypatch):
    from tests.tenders.conftest import PACKAGE

    interval, count = 0.25, 24
    package = tmp_path / "p.json"
    package.write_text(json.dumps({**PACKAGE, "releases": [standin.za_release(n) for n in range(1, count + 1)]}))
    importing.import_path(package)
    with Portals().running() as server:
        server.rows = [standin.row(f"BID {n}/2026") for n in range(1, count + 1)]
        monkeypatch.setenv("TENDERS_ZA_PORTAL_URL", server.url)
        monkeypatch.setenv("TENDERS_LOOKUP_INTERVAL", str(interval))
        with running(Bench(database_url, tmp_path)) as cluster:
            assert len(cluster.workers()) == 2
            half = [t.ocid for t in Tender.objects.order_by("pk")[: count // 2]]
            # Two kinds of jobs at once: runs of their own, which the engine throttles, and enrich-today in its steps.
            jobs.send_sync([jobs.Event(name=events.ENRICH, data={"ocid": ocid}) for ocid in half])
            for _ in range(2):
                jobs.send_sync(
                    jobs.Event(
                        name=events.BACKFILL,
                        data={"fromDate": DAY, "toDate": DAY, "maxEnrichment": count, "fetch": False},
                    )
                )
            wait_until(lambda: not Tender.objects.filter(enriched_at=None).exists(), 60, "all are looked up")
        arrivals = sorted(each.at for each in server.asked)
    assert len(arrivals) >= count
    # They are let go at the rate and arrive when the machine has time for them: a late first one, of a worker that has
    # just begun, makes a span shorter. Two workers at their own pace would take half.
    spans = [last - first for first, last in zip(arrivals, arrivals[8:], strict=False)]
    assert min(spans) >= 8 * interval * 0.65
    assert arrivals[-1] - arrivals[0] >= (len(arrivals) - 1) * interval * 0.8
