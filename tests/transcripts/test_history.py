"""An opportunity's history: one entry per call, newest first, under the mark; notes above it stay."""

from datetime import date

import pytest

from jobs import testing
from transcripts import history, removal, retries
from transcripts.models import NoteType

ENTRY = "[2026-11-{day} · call {call}] Call {call}\n  Pain: {pain}"


def entry(call, day=18, pain="slow"):
    return ENTRY.format(call=call, day=day, pain=pain)


def test_notes_above_the_mark_stay_as_they_are():
    text = history.replaced("Met at the fair.\n  Likes tea.", call=7, entry=entry(7))
    assert text == f"Met at the fair.\n  Likes tea.\n\n{history.MARK}\n\n{entry(7)}\n"


def test_an_entry_is_replaced_and_not_repeated():
    once = history.replaced("", call=7, entry=entry(7))
    twice = history.replaced(once, call=7, entry=entry(7, pain="costly"))
    assert twice.count("call 7]") == 1
    assert "costly" in twice
    assert "slow" not in twice


def test_two_calls_of_one_day_keep_an_entry_each():
    both = history.replaced(history.replaced("", call=7, entry=entry(7)), call=8, entry=entry(8))
    assert "call 7]" in both
    assert "call 8]" in both


def test_the_newest_call_comes_first_whatever_was_parsed_last():
    text = history.replaced("", call=9, entry=entry(9, day=20))
    text = history.replaced(text, call=7, entry=entry(7, day=18))
    text = history.replaced(text, call=8, entry=entry(8, day=19))
    assert [text.index(f"call {call}]") for call in (9, 8, 7)] == sorted(text.index(f"call {n}]") for n in (7, 8, 9))


def test_call_1_is_not_taken_for_call_11():
    text = history.replaced(history.replaced("", call=11, entry=entry(11)), call=1, entry=entry(1))
    assert "call 11]" in history.replaced(text, call=1, entry=None)


def test_what_a_person_typed_below_the_mark_is_kept_with_the_notes():
    text = history.replaced("Notes\n" + history.MARK + "\nremember the fair\n" + entry(7), call=8, entry=entry(8))
    assert text.index("remember the fair") < text.index(history.MARK)
    assert "call 7]" in text


def test_without_entries_only_the_notes_are_left():
    text = history.replaced("Notes", call=7, entry=entry(7))
    assert history.replaced(text, call=7, entry=None).strip() == "Notes"


@pytest.mark.django_db
def test_parsing_again_does_not_duplicate_the_history(stored, parser, opportunity):
    opportunity.customer_history = "Met at the fair."
    opportunity.save()
    call = stored(opportunity=opportunity, call_date=date(2026, 11, 18))
    testing.drain()
    retries.retry(call.pk, by="test", completed_too=True)
    testing.drain()
    opportunity.refresh_from_db()
    assert opportunity.customer_history.startswith(
        f"Met at the fair.\n\n{history.MARK}\n\n[2026-11-18 · call {call.pk}]"
    )
    assert opportunity.customer_history.count(f"call {call.pk}]") == 1
    assert "Next step: Anna sends the contract list" in opportunity.customer_history
    assert (opportunity.internal_history, opportunity.prospect_history) == ("", "")


@pytest.mark.django_db
def test_a_call_of_another_kind_moves_to_the_history_of_that_kind(stored, parser, opportunity):
    call = stored(opportunity=opportunity)
    testing.drain()
    call.refresh_from_db()
    call.note_type = NoteType.PROSPECT
    call.save()
    history.update(call.pk)
    opportunity.refresh_from_db()
    assert opportunity.customer_history == ""
    assert f"call {call.pk}]" in opportunity.prospect_history


@pytest.mark.django_db
def test_deleting_a_call_takes_its_entry_along(stored, parser, opportunity):
    call = stored(opportunity=opportunity)
    testing.drain()
    call.refresh_from_db()
    removal.remove(call)
    opportunity.refresh_from_db()
    assert opportunity.customer_history == ""
