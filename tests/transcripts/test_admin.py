"""Transcripts in the admin: Retry Parsing as action and button, Retry all stuck, contacts, and who may press."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from jobs import testing
from jobs.models import Run
from tests.transcripts.conftest import person, signed_in
from transcripts.models import Contact, Opportunity, Status, Transcript

pytestmark = pytest.mark.django_db
LIST = "/admin/transcripts/transcript/"


def verb(name, call=None):
    return reverse(f"admin:transcripts_transcript_{name}", args=[call.pk] if call else [])


@pytest.fixture
def failed(stored, parser):
    """A call that was too short."""
    call = stored("Anna: Hi.")
    testing.drain()
    call.refresh_from_db()
    return call


def act(client, *calls):
    chosen = {"action": "retry_parsing", "_selected_action": [call.pk for call in calls]}
    return client.post(LIST, chosen, follow=True).content.decode()


def test_the_list_shows_badges_and_is_searchable(failed, stored, operator):
    stored(name="zebra.txt")
    page = operator.get(LIST).content.decode()
    assert "is-failed" in page
    assert "is-queued" in page
    assert "too short to analyze" in page
    assert "zebra" not in operator.get(f"{LIST}?q=call").content.decode().lower().split("<table")[-1]


def test_the_action_retries_and_refuses_in_words_while_a_run_is_active(failed, operator):
    assert "1 call is parsed again." in act(operator, failed)
    failed.refresh_from_db()
    assert (failed.status, failed.error) == (Status.PENDING, "")
    assert "is being parsed right now" in act(operator, failed)
    assert Run.objects.filter(status="QUEUED").count() == 1
    assert LogEntry.objects.get(object_id=str(failed.pk)).change_message == "Retry Parsing"


def test_the_button_retries_once_however_often_it_is_pressed(failed, operator):
    page = operator.get(f"{LIST}{failed.pk}/change/").content.decode()
    assert "Retry Parsing" in page
    for _ in range(3):
        operator.post(verb("retry", failed), {"seen": str(failed.run)})
        testing.drain()
    assert Run.objects.filter(function__endswith="-parse-transcript").count() == 2


def test_retry_all_stuck_is_offered_where_there_are_any(stored, parser, operator):
    assert "Retry all stuck" not in operator.get(LIST).content.decode()
    call = stored()
    Run.objects.all().delete()
    assert "Retry all stuck (1)" in operator.get(LIST).content.decode()
    assert "1 stuck call is parsed again." in operator.post(verb("retry_stuck"), follow=True).content.decode()
    testing.drain()
    call.refresh_from_db()
    assert call.status == Status.COMPLETED
    assert "No call is stuck." in operator.post(verb("retry_stuck"), follow=True).content.decode()


def test_the_page_shows_insights_people_and_runs(stored, parser, operator):
    call = stored()
    testing.drain()
    page = operator.get(f"{LIST}{call.pk}/change/").content.decode()
    for words in ("Reports are built by hand", "Anna Berg", "Import as contacts", "save-parsed-results"):
        assert words in page
    operator.post(verb("contacts", call), {"person": ["0"]})
    assert Contact.objects.get().name == "Anna Berg"


@pytest.mark.parametrize("name", ["retry", "contacts", "retry_stuck"])
def test_verbs_are_post_only_and_not_for_strangers(name, failed, operator, stranger):
    path = verb(name, None if name == "retry_stuck" else failed)
    assert operator.get(path).status_code == 405
    staff = signed_in(person("staffan", "transcripts.view_transcript", is_staff=True))
    assert staff.post(path).status_code == 403
    assert stranger.post(path).status_code == 403
    assert Run.objects.filter(function__endswith="-parse-transcript").count() == 1


def test_people_who_may_only_look_are_offered_no_verb(failed):
    staff = signed_in(person("staffan", "transcripts.view_transcript", is_staff=True))
    page = staff.get(LIST).content.decode()
    assert "retry_parsing" not in page
    assert "Retry Parsing" not in staff.get(f"{LIST}{failed.pk}/change/").content.decode()


def test_a_call_moved_to_an_opportunity_brings_its_entry_along(stored, parser, operator, opportunity):
    call = stored()
    testing.drain()
    form = {"title": "Renamed", "opportunity": opportunity.pk, "note_type": "internal", "call_date": "2026-11-18"}
    answer = operator.post(f"{LIST}{call.pk}/change/", {**form, "source_url": ""})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    history = Opportunity.objects.get().internal_history
    assert f"[2026-11-18 · call {call.pk}] Renamed" in history
    call.refresh_from_db()
    assert (call.status, call.title) == (Status.COMPLETED, "Renamed")


def test_deleting_a_call_deletes_its_file(stored, operator, media_folder, django_capture_on_commit_callbacks):
    call = stored()
    with django_capture_on_commit_callbacks(execute=True):
        operator.post(f"{LIST}{call.pk}/delete/", {"post": "yes"})
    assert not Transcript.objects.exists()
    assert [path for path in media_folder.rglob("*") if path.is_file()] == []
