"""A sync of 20,000 releases whose workers are killed: everything is stored once, and no saved page is fetched again."""

import json
import random
import time
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

import jobs
from jobs import actions
from tenders import events, functions
from tenders.models import JobLog, Release, SavedPage, SourceState, Tender
from tests.jobs.cluster import Bench, kill, running, wait_until
from tests.standins import tender_portals as standin
from tests.standins.tender_portals import ZA, Fault, Portals

RELEASES, PAGE = 20_000, 512

pytestmark = [pytest.mark.slow]


@pytest.fixture
def portals(monkeypatch):
    with Portals().running() as server:
        for name in ("ZA_URL", "ZA_PORTAL_URL", "FTS_URL", "CF_URL"):
            monkeypatch.setenv(f"TENDERS_{name}", server.url)
        monkeypatch.setenv("TENDERS_ZA_INTERVAL", "0.02")
        monkeypatch.setenv("TENDERS_ZA_PAGE_SIZE", str(PAGE))
        yield server


def saved_up_to():
    """How far into the day pages are saved, by the note that is written with them."""
    outcomes = [page.outcome["next"] for page in SavedPage.objects.all()]
    return max((place["offset"] for place in outcomes if place), default=0)


def test_a_sync_killed_three_times_stores_every_release_once(database_url, tmp_path, portals):
    today = datetime.now(ZoneInfo("Africa/Johannesburg")).date().isoformat()
    portals.za = [standin.za_release(100_000 + number, today) for number in range(RELEASES)]
    broken = json.dumps({**standin.PACKAGE, "releases": portals.za[:PAGE]})
    # Whichever pages they meet: two failures that a smaller page cures, a wish to wait, a connection cut in the middle.
    portals.faults(ZA, Fault(200, json.dumps({**standin.PACKAGE, "releases": []})), Fault(500, "x"), Fault(500, "x"))
    portals.faults(ZA, Fault(503, "busy", {"Retry-After": "1"}), Fault(200, broken, drop_after=30_000))
    began, chance, kept = timezone.now(), random.Random(), []
    with running(Bench(database_url, tmp_path)) as cluster:
        jobs.send_sync(jobs.Event(name=events.SYNC, data={"source": "za-etenders", "maxEnrichment": 0}))
        for nth in range(3):
            goal = (nth + 1) * RELEASES // 5
            wait_until(lambda goal=goal: saved_up_to() > goal, 60, f"page after {goal}")
            time.sleep(chance.uniform(0, 0.4))
            kept.append((len(portals.asked), saved_up_to()))
            for worker in cluster.workers():
                kill(worker)
        wait_until(lambda: JobLog.objects.get().status == "SUCCESS", 120, "the sync ended")
    log = JobLog.objects.get()
    assert (log.added, log.updated, log.unchanged, log.processed) == (RELEASES, 0, 0, RELEASES)
    assert Release.objects.count() == Tender.objects.count() == RELEASES
    assert SourceState.objects.get().cursor >= began
    for count, saved in kept:
        later = [each.params for each in portals.asked[count + 1 :] if each.params["dateFrom"] == today]
        starts = [(int(p["PageNumber"]) - 1) * int(p["PageSize"]) for p in later if p["PageSize"] != "1"]
        assert starts
        assert min(starts) >= saved
    assert log.pages >= 40


def test_a_backfill_of_a_year_is_paused_killed_and_ends_complete(database_url, tmp_path, portals):
    days = [date(2025, 1, 1) + timedelta(days=number) for number in range(365)]
    portals.za = [standin.za_release(1000 + number, day.isoformat()) for number, day in enumerate(days)]
    with running(Bench(database_url, tmp_path)) as cluster:
        asked = {"fromDate": "2025-01-01", "toDate": "2025-12-31", "maxEnrichment": 0}
        jobs.send_sync(jobs.Event(name=events.BACKFILL, data=asked))
        wait_until(lambda: JobLog.objects.filter(done__gt=40).exists(), 60, "forty days")
        actions.pause(functions.enrich_backfill.id, by="opal")
        wait_until(lambda: _stands_still(), 20, "it pauses")
        paused = JobLog.objects.get()
        assert paused.status == "RUNNING"
        assert 40 < paused.done < paused.total == 365
        actions.resume(functions.enrich_backfill.id, by="opal")
        wait_until(lambda: JobLog.objects.filter(done__gt=paused.done + 40).exists(), 60, "it goes on")
        for worker in cluster.workers():
            kill(worker)
        wait_until(lambda: JobLog.objects.get().status == "SUCCESS", 120, "the backfill ended")
    log = JobLog.objects.get()
    assert (log.added, log.unchanged, log.done, log.pages) == (365, 0, 365, 365)
    asked_for = [params["dateFrom"] for params in portals.requests(ZA)]
    # Only the page that was under way at the kill was asked for twice.
    assert len(asked_for) - len(set(asked_for)) <= 1


def _stands_still():
    before = JobLog.objects.get().pages
    time.sleep(1.5)
    return JobLog.objects.get().pages == before
