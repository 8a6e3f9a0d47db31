"""Starting, refusing, cancelling, pausing and cleaning up jobs; backfills and their progress; files."""

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

import jobs
from jobs import actions, testing
from jobs.models import Run
from tenders import events, functions, joblogs, syncing
from tenders.models import JobLog, Release, SavedPage, SourceState, Tender
from tests.standins import tender_portals as standin
from tests.standins.tender_portals import PACKAGE, ZA
from tests.tenders.conftest import drain_hours, newest, signed_in

pytestmark = pytest.mark.django_db
DAY = "2026-08-14"


def press(client, button, /, *args, **data):
    return client.post(reverse(f"admin:tenders_joblog_{button}", args=args), data, follow=True).content.decode()


def test_a_second_sync_by_button_is_refused_in_words_and_by_event_waits(portals, operator):
    assert "is started as job" in press(operator, "sync", source="za-etenders")
    words = press(operator, "sync", source="za-etenders")
    assert "A sync of South Africa eTenders is about to start" in words
    assert "wait until it has ended, or cancel it." in words
    jobs.send_sync(jobs.Event(name=events.SYNC, data={"source": "za-etenders"}))
    assert JobLog.objects.count() == 1
    testing.drain()
    assert [log.status for log in JobLog.objects.all()] == ["SUCCESS", "SUCCESS"]
    first, second = Run.objects.filter(function__endswith="-tender-sync").order_by("pk")
    assert first.ended_at <= second.started_at


def test_sync_today_reads_the_day_and_leaves_the_cursor(portals, operator):
    cursor = timezone.now() - timedelta(days=3)
    SourceState.objects.create(source="za-etenders", cursor=cursor)
    press(operator, "sync", source="za-etenders", span="today")
    testing.drain()
    assert {params["dateFrom"] for params in portals.requests(ZA)} == {syncing.today("za-etenders").date().isoformat()}
    assert SourceState.objects.get().cursor == cursor


def test_cancel_stops_the_running_job_within_one_page(portals, operator, monkeypatch, settings):
    settings.TENDERS_ZA_PAGE_SIZE = 8
    portals.za = [standin.za_release(number, DAY) for number in range(100, 200)]
    real, seen = syncing._fetch, []

    def cancelling(source, place):
        seen.append(place.offset)
        page = real(source, place)
        if len(seen) == 3:
            assert "is cancelled" in press(operator, "cancel", newest().pk)
        return page

    monkeypatch.setattr(syncing, "_fetch", cancelling)
    jobs.send_sync(jobs.Event(name=events.SYNC, data={"source": "za-etenders", "fromDate": DAY, "toDate": DAY}))
    drain_hours(1)
    log = newest()
    assert (log.status, log.pages, len(seen)) == ("FAILED", 2, 3)
    assert log.error == "Cancelled by opal after 2 pages; what was read until then is kept."
    assert Release.objects.count() == 16
    assert Run.objects.get(pk=log.run).status == Run.Status.CANCELLED
    assert SourceState.objects.get().cursor is None
    assert "has ended already" in press(operator, "cancel", log.pk)


def test_a_run_cancelled_on_the_engines_own_page_ends_its_job(portals):
    jobs.send_sync(jobs.Event(name=events.SYNC, data={"source": "za-etenders"}))
    portals.faults(ZA, standin.Fault(503, "wait", {"Retry-After": "60"}))
    testing.drain()
    log = newest()
    assert log.status == "RUNNING"
    actions.cancel(Run.objects.get(pk=log.run), by="opal")
    testing.drain()
    log.refresh_from_db()
    assert (log.status, log.error[:9]) == ("FAILED", "Cancelled")


def test_a_backfill_of_a_year_shows_done_total_rate_and_time_left(portals, operator, settings):
    settings.TENDERS_ZA_PAGE_SIZE = 8
    portals.za = [standin.za_release(number, f"2025-{1 + number % 12:02d}-15") for number in range(60)]
    said = press(
        operator,
        "backfill",
        source="za-etenders",
        max_enrichment=0,
        from_date="2025-01-01",
        to_date="2025-12-31",
        fetch="on",
    )
    assert "Backfill of South Africa eTenders is started" in said
    shown = []
    real = syncing._fetch

    def watching(source, place):
        if place.start.month == 7 and not shown:
            JobLog.objects.update(started_at=timezone.now() - timedelta(minutes=10))
            shown.append(operator.get(reverse("admin:tenders_joblog_changelist")).content.decode())
        return real(source, place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(syncing, "_fetch", watching)
        drain_hours(1)
    page = " ".join(shown[0].split())
    assert " of 365 done; " in page
    assert "records/s, about 10 min" in page or "records/s, about 9 min" in page
    log = newest()
    assert (log.status, log.added, log.done, log.total) == ("SUCCESS", 60, 365, 365)
    assert SourceState.objects.get().cursor is None
    assert SavedPage.objects.count() == 0


def test_a_long_span_is_handed_over_from_run_to_run_without_a_gap(portals, monkeypatch):
    from tenders import reading

    monkeypatch.setattr(reading, "PAGES_PER_RUN", 10)
    portals.za = [standin.za_release(number, f"2026-03-{1 + number:02d}") for number in range(31)]
    asked = {"fromDate": "2026-03-01", "toDate": "2026-03-31", "maxEnrichment": 0}
    jobs.send_sync(jobs.Event(name=events.BACKFILL, data=asked))
    drain_hours(1)
    log = JobLog.objects.get()
    assert (log.status, log.added, log.pages) == ("SUCCESS", 31, 31)
    runs = Run.objects.filter(subject=log.subject, function__endswith="-enrich-backfill")
    assert runs.count() == 4
    assert len(portals.requests(ZA)) == 31


def test_a_backfill_that_is_started_while_backfills_are_paused_waits_until_they_go_on(portals, operator):
    portals.za = [standin.za_release(number, f"2026-03-{1 + number:02d}") for number in range(10)]
    assert "Backfills pause after the page under way." in press(operator, "pause", verb="pause")
    press(operator, "backfill", source="za-etenders", from_date="2026-03-01", to_date="2026-03-10", fetch="on")
    drain_hours(1)
    assert (newest().status, portals.asked) == ("PENDING", [])
    page = operator.get(reverse("admin:tenders_joblog_changelist")).content.decode()
    assert "Backfills are paused." in page
    assert "Waits for its turn." in page
    assert "Backfills go on." in press(operator, "pause", verb="resume")
    drain_hours(1)
    assert (newest().status, newest().added) == ("SUCCESS", 10)


def test_a_backfill_without_fetching_looks_up_what_is_stored(portals, imported):
    imported(*(standin.za_release(number, DAY) for number in range(1, 15)))
    portals.rows = [standin.row(f"BID {number}/2026") for number in range(1, 15)]
    asked = {"fromDate": DAY, "toDate": DAY, "maxEnrichment": 12, "fetch": False}
    jobs.send_sync(jobs.Event(name=events.BACKFILL, data=asked))
    drain_hours(1)
    assert newest().note == "Processed 0 records (0 added, 0 updated), enriched 12/12"
    assert Tender.objects.filter(enriched_at=None).count() == 2
    assert portals.requests(ZA) == []


def test_jobs_without_a_live_run_are_ended_by_the_clean_up(portals):
    stuck = JobLog.objects.create(type="SYNC", source="za-etenders", status="RUNNING")
    JobLog.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    fresh = JobLog.objects.create(type="SYNC", source="za-etenders", status="RUNNING")
    jobs.send_sync(jobs.Event(name=events.CLEANUP, data={"timeoutMinutes": 60}))
    testing.drain()
    stuck.refresh_from_db()
    fresh.refresh_from_db()
    assert (stuck.status, stuck.error) == ("FAILED", joblogs.LOST)
    assert fresh.status == "RUNNING"
    [event] = jobs.send_sync(jobs.Event(name=events.CLEANUP, data={"timeoutMinutes": "soon"}))
    testing.drain()
    assert "timeoutMinutes is “soon”" in Run.objects.get(events=event).error["message"]


def upload(client, content, name="package.json"):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return press(client, "import", file=SimpleUploadedFile(name, body))


def test_an_uploaded_package_is_imported_by_a_run(operator, media_folder):
    said = upload(operator, {**PACKAGE, "releases": [standin.za_release(1), {"id": "x"}]})
    assert "package.json is imported as job" in said
    testing.drain()
    log = newest()
    assert (log.type, log.status, log.added, log.skipped) == ("IMPORT", "SUCCESS", 1, 1)
    assert log.problems == ["releases[1] has no ocid."]
    assert (
        "releases[1] has no ocid."
        in operator.get(reverse("admin:tenders_joblog_change", args=[log.pk])).content.decode()
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "This is no OCDS package: a JSON object is expected, but the file is HTML."),
        ({"records": 5}, "“records” must be a list, but it is a number."),
        ({**PACKAGE}, "This is no OCDS package: it has neither “releases” nor “records”."),
    ],
)
def test_an_uploaded_file_that_is_no_package_fails_its_job_in_words(operator, content, words):
    upload(operator, content)
    testing.drain()
    assert (newest().status, newest().error) == ("FAILED", words)
    assert Tender.objects.count() == 0


def test_wrong_dates_in_the_form_are_told_and_start_nothing(operator):
    said = press(operator, "backfill", source="za-etenders", from_date="2026-05-05", to_date="2026-01-01")
    assert "From: From 2026-05-05 is after to 2026-01-01." in said
    assert "Enter a valid date" in press(operator, "backfill", source="za-etenders", from_date="soon", to_date="")
    assert "Select a valid choice. mars" in press(operator, "sync", source="mars")
    assert JobLog.objects.count() == 0


@pytest.mark.parametrize("verb", ["sync", "enrich_today", "backfill", "pause", "import"])
def test_buttons_are_for_post_and_for_those_who_may(looker, operator, client, verb):
    address = reverse(f"admin:tenders_joblog_{verb}")
    assert operator.get(address).status_code == 405
    assert looker.post(address).status_code == 403
    assert client.post(address).status_code == 302
    assert JobLog.objects.count() == 0


def test_who_may_look_sees_history_and_no_buttons(looker):
    JobLog.objects.create(type="SYNC", source="za-etenders", status="RUNNING", started_at=timezone.now())
    page = looker.get(reverse("admin:tenders_joblog_changelist")).content.decode()
    assert "South Africa eTenders" in page
    assert "Sync now" not in page
    assert "Cancel" not in page
    assert signed_in("stan", is_staff=True).get(reverse("admin:tenders_joblog_changelist")).status_code == 403


def test_a_source_is_put_on_schedule_and_a_stale_one_is_red(operator):
    assert "UK Find a Tender is on schedule." in press(operator, "switch", "uk-find-a-tender", scheduled="on")
    assert SourceState.objects.get().scheduled
    assert 'class="late"' in operator.get(reverse("admin:tenders_joblog_changelist")).content.decode()
    SourceState.objects.update(last_success_at=timezone.now())
    assert 'class="late"' not in operator.get(reverse("admin:tenders_joblog_changelist")).content.decode()


def test_a_poll_that_finds_nothing_new_gets_an_empty_answer(operator):
    address, headers = reverse("admin:tenders_joblog_changelist"), {"HX-Request": "true"}
    page = operator.get(address, headers=headers).content.decode()
    version = page.split("v=")[1].split('"')[0]
    assert operator.get(f"{address}?page=1&v={version}", headers=headers).status_code == 204
    JobLog.objects.create(type="SYNC", source="za-etenders")
    assert operator.get(f"{address}?page=1&v={version}", headers=headers).status_code == 200


def test_the_functions_are_limited_as_the_page_says():
    assert [limit.limit for limit in functions.tender_sync.concurrency] == [1]
