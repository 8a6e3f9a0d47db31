"""The imports pages in a real browser: a file is uploaded, mapped, started, watched, paused, retried and caught."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User

from imports import processors, verbs
from imports.models import CsvBatch
from jobs import testing
from tests.imports.conftest import csv_of, known, shop, started, uploaded

__all__ = ["known", "shop"]
PASSWORD = "a long secret"

pytestmark = [pytest.mark.usefixtures("shop")]


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


def sign_in(page: Any, address: str, following: str) -> None:
    User.objects.create_superuser("opal", email="opal@example.org", password=PASSWORD)
    page.goto(f"{address}/login/?next={following}")
    page.fill("[name=username]", "opal")
    page.fill("[name=password]", PASSWORD)
    page.locator("form").get_by_role("button", name="Sign in").click()


def file(name: str, content: str) -> dict[str, Any]:
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode()}


def test_a_file_is_imported_by_clicking(transactional_db, page, live_server, complaints):
    sign_in(page, live_server.url, "/imports/")
    page.get_by_role("link", name="Upload a file").first.click()
    page.get_by_label("Drop a file here").set_input_files(file("Artikel.csv", csv_of(12, bad=(2,)) + "short\n"))
    page.get_by_role("heading", name="Artikel.csv").wait_for()
    assert page.get_by_label("Price").input_value() == "Cost"
    page.get_by_text("Line 14 has 1 cell, the header has 3.").wait_for()
    page.get_by_text("How the file is read").click()
    page.get_by_label("Seconds between batches").fill("60")
    page.get_by_role("button", name="Import 12 of 13 rows").click()
    page.get_by_text("12 rows of “Artikel.csv” are imported now.").wait_for()
    testing.drain()
    page.get_by_text("5 of 12 rows").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("pauses after the batch under way").wait_for()
    page.get_by_role("button", name="Resume").click()
    page.get_by_text("“Artikel.csv” goes on.").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("what had been imported stays").wait_for()
    page.get_by_text("“A-2” has no price; write one.").wait_for()
    page.get_by_role("button", name="Retry 1 failed row").click()
    page.get_by_text("1 row is tried again.").wait_for()
    testing.drain()
    # The page loads itself anew once the import has ended.
    page.get_by_text("1 row failed processing.").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download errors").click()
    assert download.value.suggested_filename == "Artikel-errors.csv"
    page.get_by_role("link", name="Show all rows").click()
    page.get_by_role("link", name="Failed").click()
    assert page.locator("tbody tr").count() == 1
    assert complaints == []


def test_a_file_chosen_before_the_script_has_come_is_uploaded_too(transactional_db, page, live_server):
    late = []
    page.route("**/imports/upload.js", lambda route: late.append(route))
    sign_in(page, live_server.url, "/imports/upload/")
    page.get_by_label("Drop a file here").set_input_files(file("early.csv", csv_of(2)))
    late[0].continue_()
    page.get_by_role("heading", name="early.csv").wait_for()


def test_a_wrong_file_and_a_known_one_are_told_apart_on_the_spot(transactional_db, page, live_server, complaints):
    uploaded(csv_of(3))
    sign_in(page, live_server.url, "/imports/upload/")
    field = page.get_by_label("Drop a file here")
    field.set_input_files(file("scan.pdf", "%PDF-1.7 nothing"))
    page.get_by_text("“scan.pdf” is a PDF. Only CSV, TSV, XLSX or XLS files can be imported.").wait_for()
    field.set_input_files(file("again.csv", csv_of(3)))
    page.get_by_text("Already uploaded on").wait_for()
    page.get_by_role("button", name="Import it again").click()
    page.get_by_text("is here again; nothing is imported until you start it.").wait_for()
    assert CsvBatch.objects.count() == 2
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_and_fits(transactional_db, browser, live_server, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    sign_in(page, live_server.url, "/imports/")
    check(page, "empty")
    wide = ",".join(f"A column with a long name {n}" for n in range(30))
    new = uploaded(f"sku,{wide}\n" + "".join(f"{n},{','.join('x' * 30)}\n" for n in range(25)) + "short\n", "wide.csv")
    live = started(csv_of(12, bad=(2,)), delay=60)
    testing.drain()
    paused = started(csv_of(13), delay=60)
    verbs.pause(paused.pk)
    ended = started(csv_of(40, bad=(2, 3, 30)) + f"{'x' * 300}\n", delay=0)
    testing.drain()
    processors.each_row("shop.ai", title="Ask a model", required=processors.get("shop.store").required)(print)
    addresses = (
        *("/imports/", "/imports/?q=zzz", "/imports/upload/", f"/imports/{new.pk}/", f"/imports/{live.pk}/"),
        *(f"/imports/{paused.pk}/", f"/imports/{ended.pk}/", f"/imports/{ended.pk}/rows/"),
        *(f"/imports/{ended.pk}/rows/?status=FAILED", "/admin/imports/csvbatch/", "/admin/imports/csvrow/"),
    )
    for path in addresses:
        page.goto(f"{live_server.url}{path}")
        check(page, path)
    context.close()


def check(page: Any, where: str) -> None:
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == [], where
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, where
