"""Insights forgive what models get wrong, and say what they dropped."""

import json

import pytest
from pydantic import ValidationError

from transcripts.insights import ClassifiedRole, Insights, Person

AREAS = [
    "pain_points", "goals", "people", "next_steps", "why_and_why_now", "quantifiable_metrics", "key_quotes",
    "objections", "competition_mentions", "decision_process", "call_sentiment",
]  # fmt: skip


def test_missing_areas_are_empty_and_the_keys_are_always_the_same():
    insights = Insights.model_validate({})
    assert list(insights.to_json()) == AREAS
    assert insights.to_json()["decision_process"] == {
        "timeline": "",
        "stakeholders": [],
        "budget_context": "",
        "approval_steps": [],
    }
    assert insights.call_sentiment.overall == "unknown"
    assert set(insights.counts().values()) == {0}


@pytest.mark.parametrize("empty", [None, "", "N/A", [], [None, "", "none"], {}])
def test_what_says_nothing_is_an_empty_area(empty):
    insights = Insights.model_validate(dict.fromkeys(AREAS, empty))
    assert insights.to_json() == Insights().to_json()


def test_people_without_a_name_are_dropped_and_counted():
    people = [{"name": "Ann"}, {"name": " "}, {"role": "CFO"}, {"name": None}, {"name": "Unknown"}, "Bo", 7]
    insights = Insights.model_validate({"people": people})
    assert [person.name for person in insights.people] == ["Ann", "Bo"]
    assert insights.dropped_people == 5
    assert Insights.model_validate(insights.to_json()).dropped_people == 0


@pytest.mark.parametrize("unclear", [None, "", "n/a", "not specified", "unknown", []])
def test_an_unclear_organization_or_role_is_unknown(unclear):
    person = Person(name="Ann", organization=unclear, role=unclear)
    assert (person.organization, person.role) == ("Unknown", "Unknown")


@pytest.mark.parametrize(
    ("worded", "role"),
    [
        ("Decision-Maker", "decision_maker"),
        ("Economic Buyer", "decision_maker"),
        ("technical buyer", "influencer"),
        ("internal champion", "champion"),
        ("BLOCKER", "blocker"),
        ("End User", "end_user"),
        ("power users", "end_user"),
        ("wizard", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_classified_role_is_one_of_the_five_or_unknown(worded, role):
    assert Person(name="Ann", classified_role=worded).classified_role == role


def test_one_value_where_a_list_belongs_becomes_a_list_of_one():
    insights = Insights.model_validate(
        {
            "goals": "Save time",
            "next_steps": [{"who": "Ann", "when": "Friday"}, 5],
            "people": {"name": "Ann"},
            "competition_mentions": "Brightcall",
            "decision_process": [{"stakeholders": "CFO", "timeline": ["May", "June"]}],
            "call_sentiment": "Positive",
        }
    )
    assert insights.goals == ["Save time"]
    assert insights.next_steps == ["Ann; Friday", "5"]
    assert insights.people[0].name == "Ann"
    assert insights.competition_mentions[0].competitor == "Brightcall"
    assert insights.decision_process.stakeholders == ["CFO"]
    assert insights.decision_process.timeline == "May; June"
    assert insights.call_sentiment.overall == "positive"


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        (
            {"overall": "Very positive", "momentum": "slowing down", "enthusiasm": "very low"},
            ("positive", "stalled", "low"),
        ),
        (
            {"overall": "mixed, positive", "momentum": "Accelerating", "enthusiasm": "HIGH"},
            ("mixed", "forward", "high"),
        ),
        ({"overall": "purple", "momentum": None, "enthusiasm": 3}, ("unknown", "unknown", "unknown")),
    ],
)
def test_moods_are_stored_in_our_words(said, stored):
    mood = Insights.model_validate({"call_sentiment": said}).call_sentiment
    assert (mood.overall, mood.momentum, mood.enthusiasm) == stored


def test_unknown_keys_are_ignored_and_controls_and_lone_surrogates_cleaned():
    insights = Insights.model_validate(
        {"vibe": 1, "goals": ["a\u0000b \ud800"], "people": [{"name": "A\u0000nn", "x": 1}]}
    )
    assert insights.goals == ["ab \ufffd"]
    assert insights.people[0].name == "Ann"
    json.dumps(insights.to_json()).encode()


def test_counts_tell_how_much_each_area_holds():
    insights = Insights.model_validate(
        {
            "goals": ["a", "b"],
            "decision_process": {"timeline": "May", "stakeholders": ["x", "y"]},
            "call_sentiment": "mixed",
        }
    )
    counts = insights.counts()
    assert (counts["goals"], counts["people"], counts["decision_process"], counts["call_sentiment"]) == (2, 0, 3, 1)
    assert list(counts) == AREAS


def test_classified_roles_replace_all_but_by_unknown():
    insights = Insights.model_validate({"people": [{"name": "Ann", "classified_role": "champion"}, {"name": "Bo"}]})
    changed = insights.classified([ClassifiedRole.UNKNOWN, ClassifiedRole.BLOCKER])
    assert [person.classified_role for person in changed.people] == ["champion", "blocker"]
    with pytest.raises(ValueError, match="shorter"):
        insights.classified([])


def test_a_person_cannot_be_made_without_a_name():
    with pytest.raises(ValidationError):
        Person(name="")
