"""A sync from its event to its note, against portals that stand in: pages, faults, cursors, and who may start one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

import jobs
from jobs import actions, schedule, testing
from jobs.models import EventKey, Run
from tenders import events, functions
from tenders.models import JobLog, Release, SourceState, Tender
from tests.standins import tender_portals as standin
from tests.standins.tender_portals import CF, FTS, ZA, Fault
from tests.tenders.conftest import drain_hours, newest

pytestmark = pytest.mark.django_db
DAY = "2026-08-14"


def sync(source="za-etenders", **data):
    asked = {"source": source, "triggeredBy": "test", "maxEnrichment": 0, **data}
    jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
    drain_hours()
    return newest()


def za(portals, count, day=DAY):
    portals.za = [standin.za_release(number, day) for number in range(1000, 1000 + count)]


def uk(count, hours=6, prefix="ocds-h6vhtk"):
    start = datetime(2026, 8, 14, tzinfo=UTC)
    step = timedelta(hours=hours) / max(count, 1)
    return [standin.uk_release(number, start + number * step, prefix=prefix) for number in range(count)]


def test_a_sync_stores_all_pages_and_says_so(portals, settings):
    settings.TENDERS_ZA_PAGE_SIZE = 32
    za(portals, 70)
    log = sync(fromDate=DAY, toDate=DAY)
    assert (log.status, log.note) == ("SUCCESS", "Processed 70 records (70 added, 0 updated)")
    assert [params["PageNumber"] for params in portals.requests(ZA)] == ["1", "2", "3"]
    assert Tender.objects.count() == Release.objects.count() == 70
    run = Run.objects.get(pk=log.run)
    assert run.subject == log.subject
    names = [step.name for step in run.journal.all()]
    assert names == [
        *("create-job-log", "determine-date-range", "check-api-health", "fetch-page-1", "fetch-page-2"),
        *("fetch-page-3", "configure-enrichment", "update-sync-state", "update-job-log", "tell-alerts"),
    ]


def test_the_first_sync_reads_the_last_day_and_the_next_one_from_its_cursor_less_the_overlap(portals):
    began = timezone.now()
    assert sync("uk-find-a-tender").status == "SUCCESS"
    state = SourceState.objects.get(source="uk-find-a-tender")
    assert began < state.cursor <= timezone.now()
    first = portals.requests(FTS)[0]["updatedFrom"]
    assert abs(datetime.fromisoformat(first + "+00:00") - (began - timedelta(hours=24))) < timedelta(seconds=30)
    portals.asked.clear()
    sync("uk-find-a-tender")
    again = datetime.fromisoformat(portals.requests(FTS)[0]["updatedFrom"] + "+00:00")
    assert abs(again - (state.cursor - timedelta(hours=2))) < timedelta(seconds=2)


def test_the_cursor_stays_where_it_is_when_a_page_cannot_be_had(portals, settings):
    settings.TENDERS_ZA_PAGE_SIZE = 8
    cursor = timezone.now() - timedelta(hours=1)
    SourceState.objects.create(source="za-etenders", cursor=cursor)
    today = timezone.now().date().isoformat()
    za(portals, 20, today)
    portals.faults(ZA, *([Fault(200, json.dumps({**standin.PACKAGE, "releases": portals.za[:8]}))]))
    portals.faults(ZA, *([Fault(500, "Execution Timeout")] * 40))
    log = sync()
    assert (log.status, log.error_category) == ("FAILED", "EXTERNAL_API_FAILURE")
    assert log.error == "South Africa eTenders failed (500): Execution Timeout"
    assert SourceState.objects.get().cursor == cursor
    assert SourceState.objects.get().last_success_at is None


def test_a_failed_run_that_is_retried_goes_on_at_its_page_and_ends_its_job_well(portals, settings):
    settings.TENDERS_ZA_PAGE_SIZE = 8
    za(portals, 20)
    portals.faults(ZA, Fault(200, json.dumps({**standin.PACKAGE, "releases": portals.za[:8]})))
    portals.faults(ZA, *([Fault(400, "no")]))
    log = sync(fromDate=DAY, toDate=DAY)
    assert (log.status, log.error, log.pages) == ("FAILED", "South Africa eTenders refuses the request (400): no", 1)
    portals.asked.clear()
    assert actions.retry(Run.objects.get(pk=log.run), by="opal")
    drain_hours(1)
    log.refresh_from_db()
    assert (log.status, log.error, log.added) == ("SUCCESS", "", 20)
    assert [params["PageNumber"] for params in portals.requests(ZA)] == ["2", "3"]


def test_a_second_sync_of_the_same_releases_changes_nothing(portals):
    za(portals, 30)
    sync(fromDate=DAY, toDate=DAY)
    before = list(Tender.objects.order_by("pk").values())
    log = sync(fromDate=DAY, toDate=DAY)
    assert (log.added, log.updated, log.unchanged) == (0, 0, 30)
    assert list(Tender.objects.order_by("pk").values()) == before


def test_south_africa_500s_that_vanish_with_smaller_pages_lose_nothing(portals, settings):
    settings.TENDERS_ZA_PAGE_SIZE = 64
    portals.za_fails_above = 16
    za(portals, 100)
    log = sync(fromDate=DAY, toDate=DAY)
    assert (log.status, log.added) == ("SUCCESS", 100)
    assert Release.objects.count() == 100


def test_the_page_size_grows_back_once_the_portal_copes(portals, settings):
    settings.TENDERS_ZA_PAGE_SIZE = 64
    portals.faults(ZA, Fault(500, "x"), Fault(500, "x"))
    za(portals, 200)
    assert sync(fromDate=DAY, toDate=DAY).added == 200
    sizes = [int(params["PageSize"]) for params in portals.requests(ZA)]
    assert sizes[:3] == [64, 32, 16]
    assert sizes[-1] == 64


def test_a_portal_with_a_limit_of_its_own_is_read_to_its_end_by_its_links(portals):
    portals.za_gives_at_most, portals.za_links = 20, True
    za(portals, 50)
    assert sync(fromDate=DAY, toDate=DAY).added == 50


def test_each_day_of_a_span_is_asked_for_by_itself(portals):
    sync(fromDate="2026-08-12", toDate="2026-08-14")
    assert [(p["dateFrom"], p["dateTo"]) for p in portals.requests(ZA)] == [
        ("2026-08-12", "2026-08-12"),
        ("2026-08-13", "2026-08-13"),
        ("2026-08-14", "2026-08-14"),
    ]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, "Too many requests", {"Retry-After": "30", "Content-Type": "text/plain"}),
        Fault(503, "Service unavailable", {"Retry-After": "60", "Content-Type": "text/plain"}),
        Fault(503, "<html>busy</html>"),
        Fault(200, '{"releases": ['),
        Fault(200, "<html>Maintenance</html>"),
        Fault(200, '{"message": "try later"}'),
        Fault(200, json.dumps({"releases": [1, 2, 3] * 500}), drop_after=900),
    ],
    ids=["429", "503 with Retry-After", "503", "cut JSON", "HTML", "no releases", "dropped connection"],
)
def test_after_a_bad_answer_the_same_page_is_asked_for_again(portals, fault):
    portals.fts = uk(150)
    portals.faults(FTS, fault)
    log = sync("uk-find-a-tender", fromDate="2026-08-14T00:00:00", toDate="2026-08-14T06:00:00")
    assert (log.status, log.added) == ("SUCCESS", 150)
    asked = portals.requests(FTS)
    assert asked[0] == asked[1]
    assert "stages" not in asked[0]
    assert len(asked) == 3


def test_retry_after_is_waited_for_to_the_second(portals):
    portals.faults(FTS, Fault(429, "slow down", {"Retry-After": "90"}))
    asked = {"source": "uk-find-a-tender", "fromDate": "2026-08-14", "toDate": "2026-08-14", "maxEnrichment": 0}
    jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
    testing.drain()
    run = Run.objects.get(pk=newest().run)
    assert run.status == Run.Status.SLEEPING
    assert 85 < (run.run_at - timezone.now()).total_seconds() <= 90


def test_broken_numbers_are_put_right_and_the_rest_of_the_page_is_kept(portals):
    releases = uk(3)
    text = json.dumps({**standin.PACKAGE, "releases": releases})
    text = text.replace('"amount": 1000,', '"amount": 1e9999,').replace('"amount": 1001,', '"amount": 000,')
    portals.faults(FTS, Fault(200, text.replace('"amount": 1002,', '"amount": 12 000,')))
    sync("uk-find-a-tender", fromDate="2026-08-14T00:00:00", toDate="2026-08-14T06:00:00")
    found = Tender.objects.order_by("ocid").values_list("value", flat=True)
    assert [value and int(value) for value in found] == [None, None, 12_000]


def test_a_cut_answer_of_exactly_100_is_read_by_halves(portals):
    portals.cf, portals.cf_links = uk(350, hours=24, prefix="ocds-b5fd17"), False
    log = sync("uk-contracts-finder", fromDate="2026-08-14T00:00:00", toDate="2026-08-15T00:00:00")
    assert log.status == "SUCCESS"
    assert Release.objects.count() == 350
    spans = [(p["publishedFrom"], p["publishedTo"]) for p in portals.requests(CF)]
    assert spans[:2] == [("2026-08-14T00:00:00", "2026-08-15T00:00:00"), ("2026-08-14T00:00:00", "2026-08-14T12:00:00")]


def test_a_block_of_contracts_finder_is_waited_out_for_300_seconds(portals):
    portals.cf = uk(5, prefix="ocds-b5fd17")
    portals.faults(CF, Fault(403, "Forbidden"))
    asked = {"source": "uk-contracts-finder", "fromDate": "2026-08-14", "toDate": "2026-08-14"}
    jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
    testing.drain()
    run = Run.objects.get(pk=newest().run)
    assert 290 < (run.run_at - timezone.now()).total_seconds() <= 300
    drain_hours(1)
    assert newest().added == 5


def test_bytes_that_are_no_utf8_are_read_as_windows_meant_them(portals):
    release = uk(1, prefix="ocds-b5fd17")[0]
    release["tender"]["title"] = "Café – repair"
    text = json.dumps({**standin.PACKAGE, "releases": [release]}, ensure_ascii=False)
    portals.faults(CF, Fault(200, text, {"X-Latin": "1"}))
    sync("uk-contracts-finder", fromDate="2026-08-14", toDate="2026-08-14")
    assert Tender.objects.get().title == "Café – repair"


def test_a_link_to_another_host_is_not_followed(portals):
    page = {**standin.PACKAGE, "releases": uk(1), "links": {"next": "http://169.254.169.254/latest"}}
    portals.faults(FTS, *[Fault(200, json.dumps(page))] * 4)
    log = sync("uk-find-a-tender", fromDate="2026-08-14", toDate="2026-08-14")
    assert log.error == "The next page is said to be at another host: http://169.254.169.254/latest"


def test_a_bad_release_of_a_page_is_left_out_and_named(portals):
    za(portals, 3)
    portals.za[1] = {"id": "no-ocid", "date": f"{DAY}T00:00:00Z"}
    log = sync(fromDate=DAY, toDate=DAY)
    assert (log.status, log.added, log.skipped) == ("SUCCESS", 2, 1)
    assert log.problems == ["Page 1: releases[1] has no ocid."]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"source": "mars"}, "source: There is no source “mars”; there are za-etenders, uk-find-a-tender,"),
        ({"fromDate": "14/08/2026"}, "fromDate is “14/08/2026”, which is no date; write it as 2026-08-14."),
        ({"fromDate": "2026-08-14", "toDate": "2026-08-01"}, "fromDate 2026-08-14 is not before toDate 2026-08-01."),
        ({"toDate": "2026-08-14"}, "toDate needs a fromDate."),
        ({"fromDate": "0001-01-01"}, "fromDate is “0001-01-01”, which is no date; write it as 2026-08-14."),
        ({"fromDate": "1999-01-01"}, "Ten years at once are the most."),
        ({"maxEnrichment": "many"}, "maxEnrichment: "),
        ({"maxEnrichment": -1}, "maxEnrichment: Input should be greater than or equal to 0."),
    ],
)
def test_a_wrong_event_fails_in_words_that_name_the_field(portals, data, words):
    log = sync(**data)
    assert log.status == "FAILED"
    assert log.error.startswith(words)
    assert log.error_category == "APPLICATION_ERROR"
    assert portals.asked == []


def test_the_schedule_an_event_with_a_key_and_the_button_do_the_same(portals, operator, client):
    SourceState.objects.create(source="uk-find-a-tender", scheduled=True)
    portals.fts = []
    schedule.start(functions.tender_sync, "*/30 * * * *", "UTC")
    testing.drain()
    _, secret = EventKey.make("github")
    body = {"name": events.SYNC, "data": {"maxEnrichment": 300, "triggeredBy": "github-actions"}}
    assert client.post(f"/e/{secret}", body, content_type="application/json").status_code == 200
    testing.drain()
    operator.post(reverse("admin:tenders_joblog_sync"), {"source": "uk-find-a-tender", "max_enrichment": 0})
    testing.drain()
    logs = JobLog.objects.order_by("pk")
    assert [(log.type, log.status, log.source) for log in logs] == [("SYNC", "SUCCESS", "uk-find-a-tender")] * 3
    assert [log.triggered_by for log in logs] == ["schedule", "github-actions", "opal"]
    steps = [[step.name for step in Run.objects.get(pk=log.run).journal.all()] for log in logs]
    assert [names[:4] for names in steps] == [steps[0][:4]] * 3


def test_an_event_without_a_source_fails_in_words_when_none_is_on_schedule(portals):
    [event] = jobs.send_sync(jobs.Event(name=events.SYNC, data={"triggeredBy": "x"}))
    testing.drain()
    run = Run.objects.get(events=event)
    assert run.status == Run.Status.FAILED
    assert "none is on schedule" in run.error["message"]
