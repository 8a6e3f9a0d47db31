"""The pages of imports: what a person sees, chooses and presses, and who may."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from imports import processors, uploads, verbs
from imports.models import CsvBatch, CsvRow, counts_of
from imports.processors import Column
from jobs import testing
from jobs.models import Run
from tests.imports.conftest import csv_of, signed_in, started, uploaded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

JSON = {"Accept": "application/json"}
POSTS = ("setup", "pause", "resume", "cancel", "retry", "again")
GETS = ("", "state/", "rows/", "results.csv", "errors.csv", "file/")


def put(client, content, name="articles.csv", **more):
    raw = content.encode() if isinstance(content, str) else content
    return client.post("/imports/upload/", {"file": SimpleUploadedFile(name, raw)}, **more)


def text(response):
    return b"".join(response.streaming_content).decode() if response.streaming else response.content.decode()


def setup(client, batch, **values):
    given = {"processor": batch.processor, "header_line": batch.header_line, "encoding": "utf-8", "delimiter": ","}
    given |= {f"column-{column}": header for column, header in batch.mapping.items()}
    return client.post(f"/imports/{batch.pk}/setup/", given | values, follow=True)


def test_an_upload_leads_to_the_preview_with_a_proposal(operator):
    response = put(operator, "Article,Name,Cost,Note\nA,x,1,\n\n,y,2,z\n", "Prices März.csv")
    batch = CsvBatch.objects.get()
    assert response.url == f"/imports/{batch.pk}/"
    page = text(operator.get(response.url))
    assert "Prices März.csv" in page
    assert "Import 1 of 2 rows" in page
    assert "Line 4 has nothing under “Sku”, which every row needs." in page
    assert batch.mapping == {"sku": "Article", "name": "Name", "price": "Cost"}
    assert (batch.original_filename, batch.status, batch.sent_by) == ("Prices März.csv", "UPLOADED", "opal")


def test_the_preview_has_twenty_rows(operator):
    put(operator, csv_of(50))
    page = text(operator.get(f"/imports/{CsvBatch.objects.get().pk}/"))
    assert "A-20" in page
    assert "A-21" not in page
    assert "Import 50 rows" in page


def test_the_start_button_starts_what_it_promised(operator):
    batch = uploaded(csv_of(3))
    page = setup(operator, batch, verb="start", promised="3")
    assert "3 rows of “articles.csv” are imported now." in text(page)
    testing.drain()
    batch.refresh_from_db()
    assert batch.status == "PROCESSING" or batch.status == "COMPLETED"
    assert counts_of([batch.pk])[batch.pk].completed == 3


def test_a_start_that_would_import_something_else_than_was_promised_asks_once_more(operator):
    batch = uploaded("sku,name\nA,x\nB,\n")
    assert batch.checked["good"] == 2
    page = text(setup(operator, batch, verb="start", promised="2", **{"column-sku": "name", "column-name": ""}))
    assert "Read like that, 1 of 2 rows can be imported; press Import to do so." in page
    batch.refresh_from_db()
    assert (batch.status, batch.mapping) == ("UPLOADED", {"sku": "name"})


def test_how_the_file_is_read_can_be_chosen(operator):
    batch = uploaded("title\nsku;name\nA;Zoë\n".encode("cp1252"))
    setup(operator, batch, delimiter=";", encoding="cp1252", header_line="2")
    batch.refresh_from_db()
    assert (batch.headers, batch.checked["rows"]) == (["sku", "name"], 1)
    assert batch.mapping == {"sku": "sku", "name": "name"}
    assert batch.checked["preview"][0]["cells"] == ["A", "Zoë"]


def test_a_choice_that_does_not_fit_is_refused_and_changes_nothing(operator):
    batch = uploaded("sku,name\nA,Zoë\n")
    page = text(setup(operator, batch, header_line="9"))
    assert "There is nothing in line 9 to name the columns" in page
    batch.refresh_from_db()
    assert batch.header_line == 1


def test_another_processor_brings_its_own_columns_and_pace(operator):
    processors.many_rows("shop.bulk", title="Bulk", required=[Column("title", aliases=("name",))])(list)
    batch = uploaded(csv_of(3), processor="shop.store")
    page = text(setup(operator, batch, processor="shop.bulk"))
    assert 'name="column-title"' in page
    assert 'placeholder="1000"' in page
    batch.refresh_from_db()
    assert batch.mapping == {"title": "Name"}


def test_a_processor_that_cannot_be_used_now_says_why(operator):
    needs = lambda: "Set OPENAI_API_KEY to use this."  # noqa: E731
    processors.each_row("shop.ai", title="AI", required=[Column("sku")], unavailable=needs)(lambda row, answer: None)
    batch = uploaded(csv_of(1), processor="shop.ai")
    page = text(operator.get(batch.get_absolute_url()))
    assert "Set OPENAI_API_KEY to use this." in page
    assert "Import 1 row" not in page
    with pytest.raises(verbs.NotPossible, match="OPENAI_API_KEY"):
        verbs.start(batch.pk, by="opal")


def test_the_same_file_is_caught_and_can_be_imported_again_deliberately(operator):
    put(operator, csv_of(3))
    first = CsvBatch.objects.get()
    response = put(operator, csv_of(3), "renamed.csv")
    assert response.status_code == 409
    assert "Already uploaded on" in text(response)
    assert CsvBatch.objects.count() == 1
    script = put(operator, csv_of(3), headers=JSON)
    assert (script.status_code, script.json()["again"]) == (409, f"/imports/{first.pk}/again/")
    again = operator.post(f"/imports/{first.pk}/again/")
    repeat = CsvBatch.objects.latest("pk")
    assert again.url == repeat.get_absolute_url()
    assert (repeat.again_of, repeat.sha256, repeat.mapping) == (first, first.sha256, first.mapping)
    assert repeat.file.name != first.file.name
    assert text(operator.get(f"/imports/{repeat.pk}/file/")) == csv_of(3)


def test_two_uploads_of_one_file_at_the_same_time_make_one_import(operator, monkeypatch):
    uploaded(csv_of(3))
    real = CsvBatch.objects.filter

    class Blind:
        def order_by(self, *names):
            return CsvBatch.objects.none()

    monkeypatch.setattr(uploads.CsvBatch.objects, "filter", lambda **w: Blind() if set(w) == {"sha256"} else real(**w))
    with pytest.raises(uploads.AlreadyUploaded):
        uploaded(csv_of(3))
    assert CsvBatch.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [(b"", 415, "is empty; there are no rows"), (b"%PDF-1.7", 415, "is a PDF"), (b"\n\n,,\n", 415, "nothing in it")],
)
def test_what_cannot_be_imported_is_refused_in_words_and_not_kept(operator, content, status, words, settings):
    response = put(operator, content, headers=JSON)
    assert response.status_code == status
    assert words in response.json()["words"]
    assert not CsvBatch.objects.exists()
    assert not any(path.is_file() for path in settings.MEDIA_ROOT.rglob("*")) if settings.MEDIA_ROOT.exists() else True


def test_a_file_that_is_too_large_is_refused(operator, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    response = put(operator, csv_of(3))
    assert response.status_code == 413
    assert "larger than" in text(response)


def test_a_file_that_django_keeps_on_disk_is_taken_like_any_other(operator):
    rows = 60_000
    content = "sku,name\n" + "".join(f"{n},{'x' * 40}\n" for n in range(rows))
    assert put(operator, content).status_code == 302
    batch = CsvBatch.objects.get()
    assert (batch.size, batch.checked["good"]) == (len(content), rows)


def test_a_file_that_was_gone_when_it_should_begin_can_be_tried_again(operator):
    batch = started(csv_of(3))
    content = batch.file.read()
    batch.file.storage.delete(batch.file.name)
    testing.drain()
    assert "no longer in storage" in text(operator.get(batch.get_absolute_url()))
    batch.file.storage.save(batch.file.name, ContentFile(content))
    assert "3 rows are tried again." in text(operator.post(f"/imports/{batch.pk}/retry/", follow=True))
    testing.drain()
    batch.refresh_from_db()
    assert (batch.status, counts_of([batch.pk])[batch.pk].completed) == ("COMPLETED", 3)


def test_an_import_under_way_shows_its_progress_and_a_poll_changes_only_with_it(operator):
    batch = started(csv_of(12, bad=(2,)), delay=2)
    assert "Waits for a worker." in text(operator.get(batch.get_absolute_url()))
    testing.drain()
    page = text(operator.get(batch.get_absolute_url()))
    assert "5 of 12 rows, batch 2 of 3" in page
    poll = f"/imports/{batch.pk}/state/"
    assert operator.get(poll).status_code == 200
    verbs.cancel(batch.pk, by="opal")
    assert operator.get(poll).status_code == 286
    page = text(operator.get(batch.get_absolute_url()))
    assert "Cancelled by opal." in page
    assert "Retry 1 failed row<" in page


def test_a_poll_takes_few_questions(operator, django_assert_max_num_queries):
    batch = started(csv_of(12), delay=2)
    testing.drain()
    with django_assert_max_num_queries(6):
        operator.get(f"/imports/{batch.pk}/state/")


def test_the_rows_are_listed_by_status_with_their_cells_and_errors(operator):
    batch = started(csv_of(60, bad=(2, 7)), delay=0)
    testing.drain()
    every = text(operator.get(f"/imports/{batch.pk}/rows/"))
    assert "1–50 of 60" in every
    failed = text(operator.get(f"/imports/{batch.pk}/rows/?status=FAILED"))
    assert "“A-7” has no price; write one." in failed
    assert "A-3" not in failed
    assert text(operator.get(f"/imports/{batch.pk}/rows/?status=nonsense"))


def test_downloads_hold_every_row_and_no_formula(operator):
    content = 'sku,name,price\n"=HYPERLINK(""http://x"",""y"")",+1,1\n@x,-2,none\nok,"\tz",3\nshort\n'
    batch = started(content, delay=0)
    testing.drain()
    response = operator.get(f"/imports/{batch.pk}/results.csv")
    assert 'filename="articles-results.csv"' in response["Content-Disposition"]
    lines = text(response).removeprefix("\ufeff").split("\r\n")
    assert lines[0] == "line,sku,name,price,status,attempts,result,error"
    assert lines[1].startswith('2,"\'=HYPERLINK(""http://x"",""y"")",\'+1,1,Imported,1,')
    assert lines[2].startswith("3,'@x,'-2,none,Failed,1,,")
    assert lines[3].startswith("4,ok,'\tz,3,Imported,1,")
    assert lines[4].startswith("5,short,,,Left out,0,,")
    errors = text(operator.get(f"/imports/{batch.pk}/errors.csv")).split("\r\n")
    assert [line.split(",")[0] for line in errors[1:3]] == ["3", "5"]
    original = operator.get(f"/imports/{batch.pk}/file/")
    assert 'filename="articles.csv"' in original["Content-Disposition"]
    assert text(original) == content


def test_the_buttons_do_what_they_say(operator):
    batch = started(csv_of(12, bad=(2,)), delay=2)
    testing.drain()
    press = lambda verb: text(operator.post(f"/imports/{batch.pk}/{verb}/", follow=True))  # noqa: E731
    assert "pauses after the batch under way" in press("pause")
    assert "nothing to pause" in press("pause")
    assert "goes on" in press("resume")
    assert "is being imported; wait" in press("retry")
    assert "what had been imported stays" in press("cancel")
    assert "1 row is tried again." in press("retry")
    assert Run.objects.about(batch.subject).count() == 2


def test_a_stranger_is_led_to_the_login_and_a_looker_presses_nothing(looker):
    batch = uploaded(csv_of(3))
    for path in GETS:
        assert Client().get(f"/imports/{batch.pk}/{path}").status_code == 302
        assert looker.get(f"/imports/{batch.pk}/{path}").status_code in (200, 286)
    for verb in POSTS:
        assert looker.post(f"/imports/{batch.pk}/{verb}/").status_code == 403
        assert looker.get(f"/imports/{batch.pk}/{verb}/").status_code == 405
    assert looker.get("/imports/upload/").status_code == 403
    nobody = signed_in("nan")
    assert nobody.get("/imports/").status_code == 403
    assert nobody.get(f"/imports/{batch.pk}/").status_code == 403
    assert "Import 3 rows" not in text(looker.get(f"/imports/{batch.pk}/"))


def test_the_list_shows_imports_and_asks_little(operator, django_assert_max_num_queries):
    assert "No file has been imported yet." in text(operator.get("/imports/"))
    for number in range(3):
        started(csv_of(number + 1))
    testing.drain()
    with django_assert_max_num_queries(9):
        page = text(operator.get("/imports/"))
    assert "3 of 3 imported" in page
    assert "No import matches." in text(operator.get("/imports/?q=zzz"))
    assert "articles.csv" in text(operator.get("/imports/?status=COMPLETED"))


def test_the_admin_lists_imports_and_rows_and_has_the_verbs(operator):
    batch = started(csv_of(3, bad=(1,)))
    testing.drain()
    assert "articles.csv" in text(operator.get("/admin/imports/csvbatch/"))
    assert operator.get(f"/admin/imports/csvbatch/{batch.pk}/change/").url == batch.get_absolute_url()
    assert "Line 2" in text(operator.get("/admin/imports/csvrow/?status__exact=FAILED"))
    chosen = {"action": "retry", "_selected_action": [batch.pk]}
    assert "Retry: 1 import." in text(operator.post("/admin/imports/csvbatch/", chosen, follow=True))
    chosen["action"] = "pause"
    assert "Pause: 1 import." in text(operator.post("/admin/imports/csvbatch/", chosen, follow=True))
    row = CsvRow.objects.first()
    assert "Article 1" in text(operator.get(f"/admin/imports/csvrow/{row.pk}/change/"))


def test_a_deleted_import_leaves_neither_rows_nor_file(operator, django_capture_on_commit_callbacks):
    batch = started(csv_of(3))
    testing.drain()
    chosen = {"action": "delete_selected", "_selected_action": [batch.pk], "post": "yes"}
    with django_capture_on_commit_callbacks(execute=True):
        operator.post("/admin/imports/csvbatch/", chosen)
    assert not CsvBatch.objects.exists()
    assert not CsvRow.objects.exists()
    assert not batch.file.storage.exists(batch.file.name)
