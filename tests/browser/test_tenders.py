"""The tenders pages in a real browser: finding a tender, keeping a search, running the feeds."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User

from jobs import testing
from tenders.models import JobLog, SavedSearch, SourceState
from tests.standins.tender_portals import row, za_release
from tests.tenders.conftest import imported, portals

__all__ = ["imported", "portals"]
PASSWORD = "a long secret"
JOBS = "/admin/tenders/joblog/"


@pytest.fixture(autouse=True)
def hashes(settings: Any) -> None:
    """Hash passwords as the site does."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]


@pytest.fixture
def complaints(page: Any) -> list[str]:
    """What the browser had to complain about: violations of the policy and errors of scripts."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda said: found.append(said.text) if "Content Security Policy" in said.text else None)
    return found


@pytest.fixture
def stored(imported: Any) -> None:
    imported(
        za_release(1, value={"amount": 5000, "currency": "ZAR"}, documents=[{"url": "https://x/y", "title": "Bid"}]),
        za_release(
            2,
            "2026-08-15",
            province="Limpopo",
            description="Meals for schools",
            category=f"Education {'and services that go with it ' * 4}",
        ),
    )


def sign_in(page: Any, address: str, following: str) -> None:
    User.objects.create_superuser("opal", email="opal@example.org", password=PASSWORD)
    page.goto(f"{address}/login/?next={following}")
    page.fill("[name=username]", "opal")
    page.fill("[name=password]", PASSWORD)
    page.locator("form").get_by_role("button", name="Sign in").click()


def test_a_stranger_finds_a_tender_by_words_and_filters(transactional_db, stored, page, live_server, complaints):
    page.goto(f"{live_server.url}/tenders/")
    page.get_by_role("searchbox", name="Search").fill("meals")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=meals**")
    assert page.locator("tbody tr").count() == 1
    page.get_by_role("link", name="Meals for schools").click()
    page.get_by_role("heading", name="Meals for schools").wait_for()
    page.goto(f"{live_server.url}/tenders/")
    page.get_by_label("Province or region").select_option("Gauteng")
    page.wait_for_url("**province=Gauteng**")
    assert "Repair of bridge number 1" in page.inner_text("tbody")
    page.goto(f"{live_server.url}/tenders/?q=nothinglikeit")
    page.get_by_role("link", name="Show all tenders").click()
    assert page.locator("tbody tr").count() == 2
    assert complaints == []


def test_a_search_is_kept_from_the_list(transactional_db, stored, page, live_server, complaints):
    sign_in(page, live_server.url, "/tenders/?q=bridge")
    page.get_by_role("link", name="Save this search").click()
    page.get_by_label("Name").fill("Bridges")
    assert page.get_by_label("Words").input_value() == "bridge"
    page.get_by_role("button", name="Save the search").click()
    page.get_by_text("“Bridges” is saved").wait_for()
    assert (SavedSearch.objects.get().q, SavedSearch.objects.get().email) == ("bridge", "opal@example.org")
    page.get_by_role("button", name="Pause Bridges").click()
    page.get_by_text("“Bridges” is paused").wait_for()
    assert complaints == []


def test_an_operator_syncs_watches_and_cancels(transactional_db, portals, page, live_server, complaints):
    portals.rows = [row("BID 1/2026")]
    sign_in(page, live_server.url, JOBS)
    page.get_by_role("button", name="Sync now South Africa eTenders").click()
    page.get_by_text("is started as job").wait_for()
    page.get_by_role("button", name="Sync now South Africa eTenders").click()
    page.get_by_text("wait until it has ended, or cancel it.").wait_for()
    page.get_by_role("button", name="Cancel job").click()
    page.get_by_text("is cancelled.").wait_for()
    assert JobLog.objects.get().error.startswith("Cancelled by opal")
    page.get_by_role("button", name="Sync now South Africa eTenders").click()
    testing.drain()
    # The history polls by itself.
    page.get_by_text("Processed 0 records").first.wait_for()
    page.get_by_role("button", name="Off, switch on UK Find a Tender").click()
    page.get_by_text("UK Find a Tender is on schedule.").wait_for()
    page.get_by_role("link", name="Sync", exact=False).first.click()
    page.get_by_role("heading", name="Sync").wait_for()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_and_fits(transactional_db, stored, browser, live_server, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    sign_in(page, live_server.url, "/tenders/")
    SourceState.objects.create(source="za-etenders", scheduled=True)
    running = JobLog.objects.create(type="BACKFILL", source="za-etenders", status="RUNNING", total=365, done=20)
    JobLog.objects.update(started_at=running.created_at, processed=900, pages=20, triggered_by="opal")
    failed = JobLog.objects.create(
        type="SYNC", source="za-etenders", status="FAILED", error="It failed (500).", skipped=1, problems=["x"]
    )
    addresses = (
        *("/tenders/", "/tenders/?q=zzz", "/tenders/?value_from=much", "/tenders/ocds-9t57fa-1/", "/tenders/searches/"),
        *(JOBS, f"{JOBS}{running.pk}/change/", f"{JOBS}{failed.pk}/change/", "/admin/tenders/tender/"),
    )
    for path in addresses:
        page.goto(f"{live_server.url}{path}")
        check(page, path)
    context.close()


def check(page: Any, where: str) -> None:
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == [], where
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, where
