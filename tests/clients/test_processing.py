"""Sorting an answer out: what models get slightly wrong is forgiven, what cannot be used is told."""

import json

from hypothesis import given
from hypothesis import strategies as st

from clients import enriching
from clients.answers import Enrichment
from clients.domains import normalised
from clients.models.fields import ENRICHED, LISTS
from tests.standins import openai as standin


def processed(name="Acme", domain="acme.example", **changes):
    raw = json.dumps({k: v for k, v in standin.enrichment(**changes).items() if v != "absent"})
    return enriching.process({"raw": raw}, name, domain)


def rivals(*domains):
    return [{"name": f"Company {number}", "domain": domain} for number, domain in enumerate(domains)]


def test_lists_are_cut_to_three_and_competitors_to_five():
    found = processed(key_products=list("abcdef"), competitors=rivals(*(f"{n}.example" for n in range(9))))
    assert found["fields"]["key_products"] == ["a", "b", "c"]
    assert [rival["domain"] for rival in found["competitors"]] == [f"{n}.example" for n in range(5)]


def test_one_value_is_a_list_of_one_and_what_is_missing_is_empty():
    found = processed(brand_voice="Plain", use_cases=None, key_products="absent", sub_industry=None)["fields"]
    assert (found["brand_voice"], found["use_cases"], found["key_products"]) == (["Plain"], [], [])
    assert found["sub_industry"] == ""


def test_lines_are_one_line_each_and_no_entry_comes_twice():
    found = processed(brand_voice=["  Plain\n and  simple", "", None, "Plain and simple", 7])["fields"]
    assert found["brand_voice"] == ["Plain and simple", "7"]


def test_a_focus_is_one_of_three_words_or_none():
    assert processed(geographic_focus="Global")["fields"]["geographic_focus"] == "global"
    assert processed(geographic_focus="the moon")["fields"]["geographic_focus"] == ""


def test_the_client_itself_and_duplicates_are_dropped():
    given = [
        *rivals("https://www.acme.example/shop", "http://one.example", "www.ONE.example", "two.example:443"),
        {"name": "ACME", "domain": "acme.com"},
    ]
    found = processed(competitors=given)
    assert [rival["domain"] for rival in found["competitors"]] == ["one.example", "two.example"]
    assert found["rejected"] == []


def test_a_competitor_without_a_usable_domain_is_told():
    found = processed(
        competitors=["Just a name", {"name": "Address", "domain": "10.0.0.1"}, {"name": "N", "domain": None}]
    )
    assert found["competitors"] == []
    assert [one["name"] for one in found["rejected"]] == ["Just a name", "Address", "N"]
    assert found["rejected"][0]["error"] == "Just a name came without a domain."


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(ENRICHED, values)).filter(bool))
def test_whatever_stands_in_the_fields_ends_as_short_texts_and_lists(answer):
    raw = json.dumps(answer)
    Enrichment.model_validate_json(raw)
    fields = enriching.process({"raw": raw}, "", "")["fields"]
    assert set(fields) == set(ENRICHED)
    for name, value in fields.items():
        entries = value if name in LISTS else [value]
        assert len(entries) <= 3
        assert all(isinstance(entry, str) and len(entry) <= 200 for entry in entries)


def test_what_is_stored_is_normalised_already():
    found = processed(competitors=rivals("https://www.Straße.de/"))
    assert found["competitors"][0]["domain"] == normalised("straße.de")
