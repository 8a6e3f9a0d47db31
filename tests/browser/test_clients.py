"""The clients pages in a real browser: adding one, watching a model fill it, taking a field over, asking for more."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.core import mail

from clients.models import Client, Competitor, ContentBrief, Query
from jobs import testing
from tests.browser.test_tenders import complaints, hashes
from tests.clients.conftest import provider
from tests.standins import openai as standin

__all__ = ["complaints", "hashes", "provider"]
PASSWORD = "a long secret"


def sign_in(page: Any, address: str, following: str = "/clients/") -> None:
    User.objects.create_superuser("opal", email="opal@example.org", password=PASSWORD)
    page.goto(f"{address}/login/?next={following}")
    page.fill("[name=username]", "opal")
    page.fill("[name=password]", PASSWORD)
    page.locator("form").get_by_role("button", name="Sign in").click()


def test_a_client_is_added_enhanced_watched_and_taken_over(transactional_db, provider, page, live_server, complaints):
    sign_in(page, live_server.url)
    page.get_by_role("link", name="Add a client").first.click()
    page.get_by_label("Name", exact=True).fill("Acme Pallets")
    page.get_by_label("Website").fill("https://www.ACME.example/shop")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("“Acme Pallets” is added.").wait_for()
    page.get_by_role("button", name="Enhance with AI").click()
    page.locator("#state").get_by_text("Enhancing").wait_for()
    assert page.get_by_role("button", name="Enhance with AI").is_disabled()
    testing.drain()
    # The page polls, sees that the run has ended, and loads itself anew.
    page.get_by_text("Manufacturing", exact=True).wait_for()
    assert page.locator(".profile .ai").count() == 14
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Key products").fill("Boxes")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("is saved.").wait_for()
    assert page.locator(".profile .ai").count() == 13
    page.get_by_label("Competitor", exact=True).fill("Ours")
    page.get_by_label("Its website").fill("www.ours.example")
    page.get_by_role("button", name="Add competitor").click()
    page.get_by_text("“Ours” is a competitor").wait_for()
    page.get_by_role("button", name="Clear AI data").click()
    page.get_by_role("dialog").get_by_role("button", name="Clear").click()
    page.get_by_text("what people entered is still there").wait_for()
    assert page.locator(".profile .ai").count() == 0
    assert Client.objects.get().key_products == ["Boxes"]
    assert Competitor.objects.get().name == "Ours"
    assert complaints == []


def writer(asked: Any) -> standin.Answer:
    """Answer whatever kind of question this is."""
    fields = asked.schema["schema"]["properties"]
    if "queries" in fields:
        return standin.said({"queries": [{"text": "Where to buy pallets?", "intent": "commercial"}]})
    if "sections" in fields:
        return standin.said({"sections": [{"heading": "Why pallets", "purpose": "Open"}]})
    return standin.said({"summary": "Because goods travel.", "points": ["Stacking"]})


def test_queries_a_brief_and_an_invitation_start_from_the_page(
    transactional_db, provider, page, live_server, complaints
):
    provider.script(writer)
    client = Client.objects.create(name="Acme Pallets", domain="acme.example", keywords=["pallets"])
    sign_in(page, live_server.url, client.get_absolute_url())
    page.locator("#queries").get_by_text("Generate queries").first.click()
    page.locator("#queries").get_by_label("Commercial").check()
    page.locator("#queries").get_by_role("button", name="Generate queries").click()
    page.get_by_text("Queries for 1 keyword are being written.").wait_for()
    testing.drain()
    page.reload()
    page.get_by_role("rowheader", name="Where to buy pallets?").wait_for()
    page.locator("#briefs").get_by_text("Write a brief").click()
    page.locator("#briefs").get_by_label("Title").fill("Pallets for beginners")
    page.get_by_role("button", name="Write the brief").click()
    page.get_by_text("The sections are being planned.").wait_for()
    testing.drain()
    page.get_by_text("Because goods travel.", exact=True).wait_for()
    page.get_by_role("link", name="Acme Pallets").click()
    page.get_by_text("Invite somebody").click()
    page.get_by_label("E-mail").fill("ann@acme.example")
    page.get_by_role("button", name="Invite", exact=True).click()
    page.get_by_text("ann@acme.example is being invited.").wait_for()
    testing.drain()
    page.context.clear_cookies()
    link = re.search(r"http://localhost:8000(\S+)", mail.outbox[0].body)
    page.goto(f"{live_server.url}{link[1]}")
    page.get_by_label("New password", exact=True).fill("another long secret")
    page.get_by_label("New password confirmation").fill("another long secret")
    page.get_by_role("button", name="Save and sign in").click()
    page.get_by_role("heading", name="Acme Pallets").wait_for()
    assert page.get_by_role("button", name="Enhance with AI").count() == 0
    assert complaints == []


@pytest.fixture
def several(transactional_db: None, provider: Any) -> Client:
    """A client with everything, one that failed, one at work, and a name that is long."""
    client = Client.objects.create(name="Acme Pallets", domain="acme.example", keywords=["pallets", "crates"])
    client.enter({"business_model": "Rental of pallets and everything that goes with them"})
    client.save()
    from clients import events

    events.request_enhancement(client.pk, by="opal")
    testing.drain()
    Query.objects.create(client=client, text="Where to buy pallets near me?", keyword="pallets", intent="local")
    sections = [{"heading": "Why pallets", "summary": "Because goods travel.", "points": ["Stacking", "Renting"]}]
    ContentBrief.objects.create(client=client, title="Written", status="COMPLETED", sections=sections, planned=1)
    ContentBrief.objects.create(client=client, title="Half", status="WRITING", sections=sections, planned=4)
    ContentBrief.objects.create(client=client, title="Broken", status="FAILED", error="The model declined.")
    Competitor.objects.create(client=client, name="Ours", domain="xn--mnchen-3ya.de")
    Client.objects.create(
        name="Berg", ai_status="FAILED", ai_error="OpenAI does not accept the key; check OPENAI_API_KEY."
    )
    Client.objects.create(name=f"Verylongname{'longer' * 20}", domain=f"{'a' * 60}.example")
    working = Client.objects.create(name="Carl", domain="carl.example")
    events.request_enhancement(working.pk, by="opal")
    testing.drain()
    Client.objects.filter(pk=working.pk).update(ai_status="PROCESSING")
    return client


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_and_fits(several, browser, live_server, settings, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    context.set_default_timeout(10_000)
    page = context.new_page()
    sign_in(page, live_server.url)
    each = {client.name[:4]: client.get_absolute_url() for client in Client.objects.all()}
    briefs = [brief.get_absolute_url() for brief in ContentBrief.objects.all()]
    admin = "/admin/clients/client/"
    paths = [
        *("/clients/", "/clients/?q=zzz", "/clients/add/", *each.values(), f"{each['Acme']}edit/", *briefs),
        *(admin, f"{admin}{several.pk}/change/", "/clients/invitation/x/y/"),
    ]
    for path in paths:
        page.goto(f"{live_server.url}{path}")
        for closed in page.locator("main details[id$=-form] > summary").all():
            closed.click()
        check(page, path)
    settings.OPENAI_API_KEY = ""
    page.goto(f"{live_server.url}{each['Berg']}")
    check(page, "without a key")
    context.close()


def check(page: Any, where: str) -> None:
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == [], where
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, where
