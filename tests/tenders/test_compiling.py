"""Several releases of one process: what they say together, whatever the order they come in."""

import itertools
import json

import pytest

from tenders.models import Tender
from tenders.ocds.compiling import compiled

OCID = "ocds-zzzzzz-40"
BASE = {
    "ocid": OCID,
    "id": "tender-1",
    "date": "2026-08-01T00:00:00Z",
    "tag": ["tender"],
    "buyer": {"id": "b1", "name": "Town of Somewhere"},
    "tender": {
        "id": "T-1",
        "title": "Supply of road salt",
        "status": "active",
        "value": {"amount": 120000, "currency": "EUR"},
        "tenderPeriod": {"endDate": "2026-09-01T10:00:00Z"},
        "documents": [{"id": "d1", "title": "Call", "url": "https://example.org/d1"}],
    },
}
LONGER = {
    "ocid": OCID,
    "id": "tender-2",
    "date": "2026-08-20T00:00:00Z",
    "tag": ["tenderAmendment"],
    "tender": {
        "tenderPeriod": {"endDate": "2026-09-15T10:00:00Z"},
        "documents": [{"id": "d2", "title": "Answers", "url": "https://example.org/d2"}],
    },
}
SUPPLIERS = [{"id": "s1", "name": "Salt & Co"}, {"id": "s2", "name": "Brine Brothers"}]
AWARD = {"id": "1", "title": "Salt", "value": {"amount": 118000, "currency": "EUR"}, "suppliers": SUPPLIERS}
AWARDED = {
    "ocid": OCID,
    "id": "award-1",
    "date": "2026-10-01T00:00:00Z",
    "tag": ["award"],
    "tender": {"status": "complete"},
    "awards": [AWARD],
}


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("together", [True, False])
def test_a_partial_release_takes_nothing_away_in_any_order(imported, order, together):
    releases = [[BASE, LONGER, AWARDED][index] for index in order]
    for some in [releases] if together else [[release] for release in releases]:
        imported(*some)
    tender = Tender.objects.get()
    assert (tender.title, tender.buyer, tender.status) == ("Supply of road salt", "Town of Somewhere", "complete")
    assert (tender.value, tender.currency, tender.closes_at.day) == (120000, "EUR", 15)
    assert [document["title"] for document in tender.documents] == ["Call", "Answers"]
    assert (tender.release_id, tender.tag) == ("award-1", "award")
    assert tender.suppliers == "Salt & Co, Brine Brothers"
    assert Tender.objects.search("road salt").count() == Tender.objects.search("brine").count() == 1


@pytest.mark.django_db
def test_null_deletes_what_an_older_release_said(imported):
    imported(BASE)
    imported({**LONGER, "buyer": None, "tender": {"value": None, "tenderPeriod": {"endDate": None}}})
    tender = Tender.objects.get()
    assert (tender.buyer, tender.value, tender.closes_at, tender.title) == ("", None, None, "Supply of road salt")


@pytest.mark.django_db
def test_a_compiled_release_is_the_whole(imported):
    imported(BASE, {**LONGER, "tag": ["compiled"], "tender": {"title": "Grit"}})
    tender = Tender.objects.get()
    assert (tender.title, tender.buyer, tender.value) == ("Grit", "", None)


@pytest.mark.django_db
def test_a_release_that_is_corrected_under_its_id_is_merged_anew(imported):
    imported(BASE, LONGER, AWARDED)
    imported({**BASE, "tender": {**BASE["tender"], "title": "Supply of sand"}})
    assert Tender.objects.get().title == "Supply of sand"


@pytest.mark.django_db
def test_the_awards_are_shown_on_the_page_of_the_tender(imported, client):
    imported(BASE, AWARDED)
    page = client.get(Tender.objects.get().get_absolute_url()).content.decode()
    assert "Awards" in page
    assert "Salt &amp; Co, Brine Brothers" in page
    assert "118,000" in page


@pytest.mark.parametrize(
    ("older", "newer", "together"),
    [
        ({"tender": {"value": 5}}, {"tender": {"value": {"amount": 7}}}, {"value": {"amount": 7}}),
        ({"tender": {"value": {"amount": 7}}}, {"tender": {"value": 5}}, {"value": 5}),
        ({"tender": {"items": {"id": "1"}}}, {"tender": {"items": [{"id": "1"}]}}, {"items": [{"id": "1"}]}),
        ({"tender": {"items": [{"id": "1"}]}}, {"tender": {"items": {"id": "1"}}}, {"items": {"id": "1"}}),
        ({"tender": {"items": [{"id": []}]}}, {"tender": {"items": [{"id": {}}]}}, {"items": [{"id": {}}]}),
        ({"tender": {"items": [{"a": 1}]}}, {"tender": {"items": [{"b": 1}]}}, {"items": [{"b": 1}]}),
        (
            {"tender": {"items": [{"id": "1", "a": 1}]}},
            {"tender": {"items": [{"id": "1", "a": None}]}},
            {"items": [{"id": "1"}]},
        ),
        (
            {"tender": {"items": [{"id": "1", "a": 1}, {"id": "2"}]}},
            {"tender": {"items": [{"id": "2", "a": 3}]}},
            {"items": [{"id": "1", "a": 1}, {"id": "2", "a": 3}]},
        ),
        (
            {"tender": {"items": [{"id": "1", "a": 1}, {"id": "1"}]}},
            {"tender": {}},
            {"items": [{"id": "1", "a": 1}, {"id": "1"}]},
        ),
        ({"tender": {"items": [{"id": True}]}}, {"tender": {"items": [None, 5]}}, {"items": [None, 5]}),
        ({"tender": {"title": "x"}}, {"tender": None}, None),
    ],
)
def test_odd_parts_are_merged_as_well(older, newer, together):
    about = {"ocid": OCID, "id": "1", "date": "2026-08-01"}
    assert compiled([{**about, **older}, {**about, **newer, "id": "2"}]).get("tender") == together


def test_nothing_that_json_can_hold_breaks_a_merge():
    hypothesis = pytest.importorskip("hypothesis")
    strategies = hypothesis.strategies
    keys = strategies.sampled_from(["id", "tender", "items", "value", "tag"])
    leaves = strategies.none() | strategies.booleans() | strategies.integers(0, 3) | strategies.sampled_from(["a", "b"])
    values = strategies.recursive(
        leaves, lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(keys, inner, max_size=3)
    )

    @hypothesis.settings(max_examples=300, deadline=None)
    @hypothesis.given(strategies.lists(strategies.dictionaries(keys, values, max_size=4), min_size=1, max_size=4))
    def merges(releases):
        json.dumps(compiled(releases))

    merges()
