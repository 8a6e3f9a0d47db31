"""The real packages of the shared folder: every one imports, its fields are right, and again it changes nothing."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tenders import importing
from tenders.models import Release, Tender
from tests.tenders.conftest import REAL, ROOT

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not REAL.is_dir(), reason=f"no folder {REAL.relative_to(ROOT.parent)} beside the project"),
]
NOT_PACKAGES = ("za_etenders_detailed_categories", "za_etenders_provinces", "za_etenders_site")


def packages():
    files = sorted(REAL.rglob("*.json")) if REAL.is_dir() else []
    return [path for path in files if not path.stem.startswith(NOT_PACKAGES)]


def load(name):
    importing.import_path(REAL / name)


def values(ocid, *names):
    return Tender.objects.values(*names).get(ocid=ocid)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_every_release_of_every_package_is_stored_with_its_own_title_buyer_and_text():
    for path in packages():
        taken = importing.import_path(path)
        assert (taken.skipped, taken.problems) == (0, []), path.name
        package = json.loads(path.read_text())
        releases = package.get("releases") or [record["compiledRelease"] for record in package["records"]]
        assert taken.processed == len(releases)
        for release in releases:
            kept = Release.objects.get(ocid=release["ocid"], release_id=release["id"])
            assert json.loads(kept.raw) == release
            assert kept.publication.publisher == package["publisher"]["name"]
            tender = Tender.objects.get(ocid=release["ocid"])
            assert tender.buyer == release["buyer"]["name"].strip()
            if tender.release_id == release["id"] and release.get("tender", {}).get("title"):
                assert tender.number or tender.title


def test_importing_everything_twice_changes_nothing():
    for path in packages():
        importing.import_path(path)
    before = list(Tender.objects.order_by("ocid").values()), list(Release.objects.order_by("pk").values())
    for path in packages():
        taken = importing.import_path(path)
        assert (taken.added, taken.updated, taken.unchanged) == (0, 0, taken.processed)
    assert before == (list(Tender.objects.order_by("ocid").values()), list(Release.objects.order_by("pk").values()))


def test_a_south_african_release_has_its_fields_with_local_times_and_no_value():
    load("za_etenders_release_package_2026-08-14_a.json")
    found = Tender.objects.get(ocid="ocds-9t57fa-165050")
    assert (found.source, found.number, found.title) == ("za-etenders", "ZNTM01266W", "ZNTM01266W")
    assert found.display_title == "Department of Education: Sanitation Programme for schools: Ugu District…"
    assert (found.buyer, found.organ_type) == ("Kwazulu Natal - Public Works (Head Office)", "Provincial department")
    assert (found.province, found.city, found.detailed_category) == ("KwaZulu-Natal", "Margate", "Sewerage")
    assert found.delivery_location.startswith("Oatlands Farm / Nositha Location")
    # 11:00 in Johannesburg, though it is marked as UTC.
    assert found.closes_at == utc(2026, 9, 16, 9)
    assert found.released_at == utc(2026, 8, 13, 22)
    assert (found.value, found.value_low, found.currency) == (None, None, "ZAR")
    assert (found.has_briefing, found.briefing_compulsory) == (True, True)
    assert (found.briefing_at, found.briefing_venue) == (utc(2026, 8, 25, 9), "at Nositha Primary School")
    assert (found.contact_name, found.contact_email) == ("A. Official", "official@example.org")
    assert (found.tender_type, found.type_class) == ("Request for Bid(Open-Tender)", "Bid")
    assert [document["format"] for document in found.documents] == ["pdf"]
    assert found.special_conditions.startswith("The bid document can be downloaded")
    assert found.data_quality_score == 98


def test_the_south_african_sentinels_mean_that_there_is_none():
    load("za_etenders_release_package_2026-08-14_a.json")
    found = Tender.objects.get(ocid="ocds-9t57fa-165568")
    assert (found.has_briefing, found.briefing_compulsory) == (False, None)
    assert (found.briefing_at, found.briefing_venue) == (None, "")
    assert found.value is None
    assert found.display_title == "SUPPLY, DELIVERY AND OFFLOADING OF EMERGENCY HOUSING MATERIALS ON AN ADHOC…"
    assert found.organ_type == "Municipality"


def test_the_find_a_tender_sample_has_its_fields():
    load("uk_fts_api_doc_sample_release_package.json")
    assert values(
        "ocds-h6vhtk-0026ef-integration",
        "source",
        "title",
        "buyer",
        "status",
        "value",
        "currency",
        "province",
        "city",
        "detailed_category",
        "category",
        "e_submission",
        "contact_email",
        "released_at",
        "tag",
        "closes_at",
    ) == {
        "source": "uk-find-a-tender",
        "title": "Sample title",
        "buyer": "Buyer name",
        "status": "planned",
        "value": Decimal("123.00"),
        "currency": "GBP",
        "province": "UK",
        "city": "Buyer town",
        "detailed_category": "Agricultural, farming, fishing, forestry and related products",
        "category": "goods",
        "e_submission": True,
        "contact_email": "official@example.org",
        "released_at": utc(2020, 12, 8, 11, 7, 45),
        "tag": "planning",
        "closes_at": None,
    }


def test_contracts_finder_releases_have_their_fields():
    load("uk_contracts_finder_2025_releases_dev.json")
    assert Tender.objects.count() == 95  # of 97 releases: two tenders came twice
    found = Tender.objects.get(ocid="ocds-b5fd17-76485a2b-4074-427a-8782-2a6c3f9a2cb4")
    assert found.title == "UOW822 Flooring Term Contract 2021 - AWARD"
    assert (found.buyer, found.organ_type, found.city) == ("University Of Worcester", "Education", "Worcester")
    assert (found.detailed_category, found.category) == ("Floor coverings", "works")
    assert (found.province, found.delivery_location) == ("West Midlands", "WR2 6AJ, West Midlands, United Kingdom")
    assert found.closes_at == utc(2021, 7, 5, 11)
    assert (found.tender_type, found.type_class) == ("Open procedure", "Bid")
    twice = Tender.objects.get(ocid="ocds-b5fd17-55a5319a-5ceb-44da-8d2d-e5d9ef5a7b72")
    assert twice.release_id.endswith("-819889")


def test_an_older_contracts_finder_release_has_entities_resolved_and_its_range():
    load("uk_contracts_finder/ocds-b5fd17raw-0054a4e6-0715-42c6-9109-e219fe9d3289.json")
    found = Tender.objects.get()
    assert found.source == "uk-contracts-finder"
    assert "‘" not in found.description
    assert found.description.startswith("The UK Film Centre has an umbrella brand 'UK FILM' under")
    assert (found.value, found.value_low, found.value_high) == (Decimal(755000), Decimal(755000), Decimal(755000))
    assert found.publication.licence.endswith("open-government-licence/version/2/")


def test_the_newest_of_the_fictional_releases_makes_the_tender_in_any_order():
    names = ["03-tenderAmendment", "01-planning", "02-tender"]
    for name in names:
        load(f"ocp_fictional_release_package_{name}.json")
    found = Tender.objects.get(ocid="ocds-213czf-000-00001")
    assert found.release_id == "ocds-213czf-000-00001-03-tenderAmendment"
    assert (found.closes_at, found.value_low, found.value) == (utc(2010, 4, 8, 18), Decimal(600000), Decimal(1100000))
    assert Release.objects.count() == 3
    assert (found.source, found.publication.publisher) == ("file", "Open Data Services Co-operative Limited")


def test_a_record_package_gives_its_compiled_release():
    load("ocp_fictional_record_package.json")
    found = Tender.objects.get()
    assert found.release_id == "ocds-213czf-000-00001-2011-01-10T09:30:00Z"
    assert found.title == "Planned cycle lane improvements"
    assert found.buyer == "London Borough of Barnet"
