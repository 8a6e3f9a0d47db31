"""The product's pages: who may open them, what they show, and what their buttons do."""

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from jobs import testing
from jobs.models import Run
from tests.transcripts.conftest import CALL
from transcripts.models import Contact, Status, Transcript

pytestmark = pytest.mark.django_db
READING = ("list", "upload", "upload_rows")
OF_A_CALL = ("detail", "state", "file")
VERBS = ("retry", "contacts")


@pytest.fixture
def call(stored, parser):
    """A call that has been parsed."""
    transcript = stored(name="acme call.txt")
    testing.drain()
    transcript.refresh_from_db()
    return transcript


def address(name, call=None):
    return reverse(f"transcripts:{name}", args=[call.pk] if call else [])


def upload(client, *files, **fields):
    named = [SimpleUploadedFile(name, content) for name, content in files]
    return client.post(address("upload"), {"files": named, **fields})


@pytest.mark.parametrize("name", [*READING, *OF_A_CALL, *VERBS])
def test_nobody_gets_in_without_a_login(name, call):
    path = address(name, None if name in READING else call)
    client = Client()
    answer = client.post(path) if name in VERBS else client.get(path)
    assert (answer.status_code, answer.url) == (302, f"/login/?next={path}")


@pytest.mark.parametrize("name", [*READING, *OF_A_CALL, *VERBS])
def test_a_stranger_gets_403(name, call, stranger):
    path = address(name, None if name in READING else call)
    assert (stranger.post(path) if name in VERBS else stranger.get(path)).status_code == 403


@pytest.mark.parametrize("name", VERBS)
def test_verbs_are_post_only(name, call, seller):
    assert seller.get(address(name, call)).status_code == 405


@pytest.mark.parametrize("name", ["list", *OF_A_CALL])
def test_reading_pages_take_no_post(name, call, seller):
    assert seller.post(address(name, None if name == "list" else call)).status_code == 405


def test_a_reader_may_look_but_not_upload_retry_or_import(call, reader):
    page = reader.get(address("detail", call)).content.decode()
    assert "Parse again" not in page
    assert "Import as contacts" not in page
    assert reader.get(address("upload")).status_code == 403
    assert reader.post(address("retry", call)).status_code == 403
    assert reader.post(address("contacts", call)).status_code == 403


def test_a_press_without_the_forms_token_is_refused(call):
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("boss"))
    assert client.post(address("retry", call)).status_code == 403


def test_an_upload_leads_to_the_page_of_the_call(seller):
    answer = upload(seller, ("call.txt", CALL.encode()), title="Intro", note_type="prospect")
    call = Transcript.objects.get()
    assert (answer.status_code, answer.url) == (302, call.get_absolute_url())
    assert (call.title, call.note_type, call.uploaded_by.username) == ("Intro", "prospect", "sella")
    assert Run.objects.get().events.get().sender == "sella"


def test_several_files_without_a_script_are_taken_or_refused_one_by_one(seller):
    png = b"\x89PNG\r\n\x1a\n" + bytes(200)
    answer = upload(seller, ("a.txt", CALL.encode()), ("holiday.txt", png), ("b.txt", CALL.encode()))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "holiday.txt" in page
    assert "Already uploaded on" in page
    assert Transcript.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "status"), [(b"", 400), (b"\x89PNG\r\n\x1a\n" + bytes(99), 415), (b"word " * 5_500_000, 413)]
)
def test_a_refused_upload_has_its_status_and_words(content, status, seller):
    answer = upload(seller, ("holiday.txt", content))
    assert answer.status_code == status
    assert "holiday.txt" in answer.content.decode()
    assert not Transcript.objects.exists()


def test_the_script_gets_its_answers_as_json(seller):
    def post(name, content):
        file = SimpleUploadedFile(name, content)
        return seller.post(address("upload"), {"files": file}, headers={"accept": "application/json"})

    first, again, bad = post("a.txt", CALL.encode()), post("b.txt", CALL.encode()), post("c.txt", b"")
    call = Transcript.objects.get()
    assert (first.status_code, first.json()) == (201, {"words": "", "id": call.pk, "url": call.get_absolute_url()})
    assert (again.status_code, again.json()["url"]) == (409, call.get_absolute_url())
    assert again.json()["words"].startswith("Already uploaded on")
    assert (bad.status_code, bad.json()) == (400, {"words": "c.txt is empty; there are no words in it."})


def test_no_file_and_wrong_fields_are_answered_in_words(seller):
    assert "Choose at least one file." in upload(seller).content.decode()
    wrong = upload(seller, ("a.txt", CALL.encode()), call_date="soon")
    assert wrong.status_code == 400
    assert "Enter a valid date." in wrong.content.decode()
    assert not Transcript.objects.exists()


def test_the_upload_rows_show_steps_and_then_the_way_to_the_page(stored, parser, seller):
    call = stored()
    rows = f"{address('upload_rows')}?ids={call.pk},999,x"
    assert 'data-state="parsing"' in seller.get(rows).content.decode()
    testing.drain()
    done = seller.get(rows).content.decode()
    assert 'data-state="done"' in done
    assert call.get_absolute_url() in done


def test_the_list_finds_by_words_status_and_kind(call, stored, seller):
    stored("Tom: " + "zebra " * 40, "zebra.txt", title="Zebra", note_type="internal")
    for query, found in (("q=acme", 1), ("q=acme+zebra", 0), ("status=working", 1), ("kind=internal", 1), ("by=me", 0)):
        page = seller.get(f"{address('list')}?{query}").content.decode()
        assert page.count('<th scope="row">') == found, query
    assert "No call matches." in seller.get(f"{address('list')}?q=nothing").content.decode()


def test_the_list_asks_a_constant_number_of_queries(stored, parser, seller, django_assert_max_num_queries):
    for number in range(12):
        stored(f"Anna: {number} " + "word " * 30, f"{number}.txt")
    with django_assert_max_num_queries(12):
        assert seller.get(address("list")).content.count(b'<th scope="row">') == 12


def test_an_unchanged_list_answers_a_poll_with_nothing(call, seller):
    poll = {"HX-Request": "true"}
    first = seller.get(address("list"), headers=poll).content.decode()
    version = first.split("v=")[1].split('"')[0]
    assert "<html" not in first
    assert seller.get(f"{address('list')}?v={version}", headers=poll).status_code == 204
    Transcript.objects.update(title="Renamed")
    assert "Renamed" in seller.get(f"{address('list')}?v={version}", headers=poll).content.decode()


def test_the_page_of_a_call_shows_every_area(call, seller):
    page = seller.get(address("detail", call)).content.decode()
    for words in ("Reports are built by hand", "Automatic reports", "Anna Berg", "Head of Finance", "Champion"):
        assert words in page
    assert "contract list by Friday, 4 December" in page
    assert "Positive" in page
    assert "save-parsed-results" in page


def test_what_was_found_without_a_model_says_so(call, seller):
    Transcript.objects.update(parsed_by="local", model="")
    assert "parsed locally" in seller.get(address("detail", call)).content.decode()
    assert "parsed locally" in seller.get(address("list")).content.decode()


def test_words_of_a_stranger_are_shown_as_text(stored, seller):
    stored(CALL + "Eve: <script>alert(1)</script>", "<img src=x>.txt", title="<b>bold</b>")
    page = seller.get(address("list")).content.decode()
    assert "<b>bold" not in page
    assert "<img src=x" not in page


def test_a_call_under_way_polls_and_loads_anew_at_its_end(stored, parser, seller):
    call = stored()
    assert address("state", call) in seller.get(address("detail", call)).content.decode()
    assert seller.get(address("state", call)).status_code == 200
    testing.drain()
    ended = seller.get(address("state", call))
    assert (ended.status_code, ended.headers["HX-Refresh"]) == (286, "true")


def test_a_failed_call_may_be_tried_again_once_per_look(stored, parser, seller):
    call = stored("Anna: Hi.")
    testing.drain()
    call.refresh_from_db()
    page = seller.get(address("detail", call)).content.decode()
    assert "too short to analyze" in page
    assert "Try again" in page
    for _ in range(2):
        seller.post(address("retry", call), {"seen": str(call.run)})
        testing.drain()
    assert Run.objects.about(call.subject).filter(function__endswith="-parse-transcript").count() == 2


def test_a_lost_call_is_never_shown_as_parsing(stored, seller):
    call = stored()
    Run.objects.all().delete()
    page = seller.get(address("detail", call)).content.decode()
    assert "Parsing stopped without a result" in page
    assert Transcript.objects.get().status == Status.FAILED


def test_a_file_is_only_ever_a_download(stored, seller):
    page = CALL.encode() + b"<html><script>alert(1)</script>"
    call = stored(page, "evil.html")
    answer = seller.get(address("file", call))
    assert b"".join(answer.streaming_content) == page
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="evil.html"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_people_become_contacts_once(call, seller):
    for _ in range(2):
        answer = seller.post(address("contacts", call), {"person": ["0", "1", "7", "x"]}, follow=True)
    assert Contact.objects.count() == 2
    assert "2 were known already" in answer.content.decode()
    anna = Contact.objects.get(name="Anna Berg")
    assert (anna.organization, anna.role, anna.classified_role) == ("Northwind", "Head of Finance", "champion")
    assert "tick the people first" in seller.post(address("contacts", call), follow=True).content.decode()
