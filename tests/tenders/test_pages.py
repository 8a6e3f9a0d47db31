"""The public pages, exports and the JSON API: what strangers find, and what they are told about wrong filters."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tenders.models import SavedSearch, Tender
from tests.standins.tender_portals import za_release
from tests.tenders.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def stored(imported):
    soon = (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    imported(
        za_release(1, value={"amount": 5000, "currency": "ZAR"}),
        za_release(2, "2026-08-15", province="Limpopo", description="Meals for schools", category="Education"),
        za_release(3, "2026-08-13", tenderPeriod={"endDate": soon}, procurementMethodDetails="Request for Quotation"),
    )


def numbers(client, query=""):
    page = client.get(f"/tenders/{query}").content.decode()
    return [n for n in ("1", "2", "3") if f"/tenders/ocds-9t57fa-{n}/" in page]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["1", "2", "3"]),
        ("?q=meals", ["2"]),
        ("?q=school", ["2"]),
        ("?q=repairs+bridges", ["1", "3"]),
        ('?q="bridge+number"+-3', ["1"]),
        ("?q=BID+2/2026", ["2"]),
        ("?q=testville", ["1", "2", "3"]),
        ("?province=Limpopo", ["2"]),
        ("?category=Education", ["2"]),
        ("?buyer=testville+municipality", ["1", "2", "3"]),
        ("?buyer=nobody", []),
        ("?type_class=RFQ", ["3"]),
        ("?source=za-etenders", ["1", "2", "3"]),
        ("?source=file", []),
        ("?closing=3", ["3"]),
        ("?value_from=1000&value_to=6000", ["1"]),
        ("?value_from=6000", []),
        ("?q=bridge&province=Gauteng&type_class=Bid", ["1"]),
    ],
)
def test_words_and_filters_find_what_they_say(stored, client, query, found):
    assert numbers(client, query) == found


def test_the_list_is_newest_first_or_by_closing(stored, client):
    page = client.get("/tenders/").content.decode()
    places = [page.index(f"ocds-9t57fa-{n}/") for n in (2, 1, 3)]
    assert places == sorted(places)
    page = client.get("/tenders/?sort=closing").content.decode()
    assert page.index("ocds-9t57fa-3/") < page.index("ocds-9t57fa-1/")


@pytest.mark.parametrize("query", ["?value_from=much", "?closing=never", "?source=mars", "?value_from=-1"])
def test_a_filter_that_makes_no_sense_is_told_on_the_page_and_refused_by_api_and_export(stored, client, query):
    page = client.get(f"/tenders/{query}")
    assert (page.status_code, 'role="alert"' in page.content.decode()) == (200, True)
    assert client.get(f"/api/tenders/{query}").status_code == 400
    assert client.get(f"/tenders/export/csv{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["?q=%00", "?q=%27%22%3Cscript%3E", "?page=0", "?page=zz", "?province=%00", "?q=" + "a" * 500]
)
def test_odd_addresses_do_no_harm(stored, client, query):
    page = client.get(f"/tenders/{query}")
    assert page.status_code == 200
    assert "<script>" not in page.content.decode().replace("<script src", "")


def test_a_tenders_page_shows_local_time_licence_publisher_and_who_filled_what(stored, client):
    Tender.objects.filter(ocid="ocds-9t57fa-1").update(city="Polokwane", filled_by={"city": "portal"})
    page = " ".join(client.get("/tenders/ocds-9t57fa-1/").content.decode().split())
    assert "1 Dec 2099, 11:00" in page
    assert "<time>14 Aug 2026</time>" in page
    assert "ZAR 5,000" in page
    assert 'Polokwane <span class="pill">looked up</span>' in page
    assert "Published by The Treasury of the tests through South Africa eTenders." in page
    assert 'href="https://example.org/licence"' in page
    assert client.get("/tenders/nothing/").status_code == 404


def test_a_document_with_another_scheme_is_no_link(imported, client):
    imported(
        za_release(1, documents=[{"url": "javascript:alert(1)", "title": "x"}, {"url": "https://x/y", "title": "Ok"}])
    )
    page = client.get("/tenders/ocds-9t57fa-1/").content.decode()
    assert "javascript:" not in page
    assert 'href="https://x/y"' in page


def test_csv_and_json_exports_hold_what_the_filters_leave(stored, client):
    text = b"".join(client.get("/tenders/export/csv?province=Gauteng").streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["ocid"] for row in rows} == {"ocds-9t57fa-1", "ocds-9t57fa-3"}
    assert rows[0]["licence"] == "https://example.org/licence"
    found = json.loads(b"".join(client.get("/tenders/export/json?q=meals").streaming_content))
    assert [tender["ocid"] for tender in found["tenders"]] == ["ocds-9t57fa-2"]
    assert json.loads(b"".join(client.get("/tenders/export/json?q=zzz").streaming_content)) == {"tenders": []}
    assert client.get("/tenders/export/xml").status_code == 404


def test_a_cell_that_a_spreadsheet_would_execute_is_defused(imported, client):
    imported(za_release(1, title="=HYPERLINK(1)"))
    text = b"".join(client.get("/tenders/export/csv").streaming_content).decode()
    assert next(csv.DictReader(io.StringIO(text)))["title"] == "'=HYPERLINK(1)"


def test_the_api_lists_shows_and_gives_releases_word_for_word(stored, client):
    found = client.get("/api/tenders/?province=Limpopo").json()
    assert ([tender["number"] for tender in found["tenders"]], found["next"]) == (["BID 2/2026"], None)
    one = client.get("/api/tenders/ocds-9t57fa-1/").json()
    assert (one["value"], one["closes_at"], one["releases"]) == (
        "5000.00",
        "2099-12-01T09:00:00Z",
        ["ocds-9t57fa-1-2026-08-14"],
    )
    raw = client.get("/api/tenders/ocds-9t57fa-1/releases/ocds-9t57fa-1-2026-08-14").json()
    assert raw == za_release(1, value={"amount": 5000, "currency": "ZAR"})
    assert client.get("/api/tenders/x/").status_code == 404
    assert client.get("/api/tenders/?page=0").status_code == 400
    assert client.post("/api/tenders/").status_code == 405


def test_the_api_pages_by_a_hundred(imported, client):
    imported(*(za_release(number) for number in range(1, 131)))
    first = client.get("/api/tenders/").json()
    second = client.get(first["next"]).json()
    assert (len(first["tenders"]), len(second["tenders"]), second["next"]) == (100, 30, None)


def test_searches_are_saved_paused_and_deleted_by_their_owner_only():
    ann = signed_in("ann")
    said = ann.post("/tenders/searches/", {"name": "Bridges", "q": "bridge"}, follow=True)
    assert "“Bridges” is saved" in said.content.decode()
    search = SavedSearch.objects.get()
    address = f"/tenders/searches/{search.pk}/"
    assert signed_in("bob").post(address, {"verb": "delete"}).status_code == 404
    assert ann.get(address).status_code == 405
    ann.post(address, {"verb": "pause"})
    assert not SavedSearch.objects.get().active
    ann.post(address, {"verb": "delete"})
    assert not SavedSearch.objects.exists()
    assert Client().get("/tenders/searches/").status_code == 302


def test_a_search_for_everything_is_refused_in_words():
    answer = signed_in("ann").post("/tenders/searches/", {"name": "All"})
    assert answer.status_code == 400
    assert "Say what to look for: words, category, province, buyer or value." in answer.content.decode()


def test_the_admin_lists_tenders_and_starts_look_ups_again(stored):
    User.objects.create_superuser("root", password="secret")
    client = Client()
    client.force_login(User.objects.get())
    assert "Meals" in client.get("/admin/tenders/tender/?q=meals").content.decode()
    pk = Tender.objects.get(ocid="ocds-9t57fa-2").pk
    chosen = {"action": "enrich_again", "_selected_action": [pk]}
    assert "1 tender is looked up again." in client.post("/admin/tenders/tender/", chosen, follow=True).content.decode()
    for path in (f"tender/{pk}/change/", "release/", "savedsearch/", "joblog/"):
        assert client.get(f"/admin/tenders/{path}").status_code == 200


def test_the_public_list_takes_few_questions(stored, client, django_assert_max_num_queries):
    client.get("/tenders/")
    with django_assert_max_num_queries(4):
        client.get("/tenders/?q=bridge&province=Gauteng")
