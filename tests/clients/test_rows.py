"""Rows of files: clients created and updated as a set, and enhanced with an answer that is paid for once."""

import itertools

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from clients import rows
from clients.models import AIStatus, By, Client
from clients.models.fields import ENRICHED
from imports import processors, uploads, verbs
from imports.models import CsvBatch
from imports.processors import Row, RowError
from jobs import testing
from jobs.models import Run
from tests.standins import openai as standin

pytestmark = pytest.mark.django_db

numbers = itertools.count(2)


def row(**data):
    known = {column.name: "" for column in processors.get("clients.import").columns}
    number = next(numbers)
    return Row(pk=number, batch=1, number=number, data={**known, **data})


def imported(content, processor="clients.import"):
    """Import a file as a person would, and execute its run."""
    batch = uploads.receive(SimpleUploadedFile("clients.csv", content.encode()), processor=processor)
    CsvBatch.objects.filter(pk=batch.pk).update(delay=0)
    verbs.start(batch.pk, by="opal")
    testing.drain()
    return batch.rows.order_by("number")


def test_a_file_makes_clients_and_says_what_became_of_each_row():
    content = (
        "Company,Website,Tags,Industry,Brand voice,Reach\n"
        'Acme,https://www.ACME.example/,"pallets, crates",Wood,Plain; Short,Global\n'
        "Bad,nowhere,,,,\n"
        ",x.example,,,,\n"
        "Far,,,,,the moon\n"
        f"Long,,,{'x' * 201},,\n"
    )
    found = imported(content)
    client = Client.objects.get()
    assert (client.name, client.domain, client.keywords) == ("Acme", "acme.example", ["pallets", "crates"])
    assert (client.industry_primary, client.brand_voice, client.geographic_focus) == (
        "Wood",
        ["Plain", "Short"],
        "global",
    )
    assert set(client.filled_by.values()) == {By.PERSON}
    assert found[0].result == {"client": client.pk, "outcome": "created"}
    errors = list(found.values_list("error", flat=True))
    for words, error in zip(
        ("", "no domain", "nothing under “Name”", "“the moon” is none of", "201 characters"), errors, strict=True
    ):
        assert words in error


def test_a_second_import_updates_by_website_or_name_and_leaves_the_rest():
    first = Client.objects.create(
        name="Acme", domain="acme.example", sub_industry="Pallets", filled_by={"sub_industry": "model"}
    )
    second = Client.objects.create(name="Berg", keywords=["boats"])
    given = [row(name="Acme Ltd", domain="www.acme.example"), row(name="Berg", domain="berg.example"), row(name="Berg")]
    results = rows.import_clients(given)
    assert [one["outcome"] for one in results] == ["updated", "updated", "unchanged"]
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.name, first.sub_industry, first.filled_by) == ("Acme Ltd", "Pallets", {"sub_industry": "model"})
    assert (second.domain, second.keywords) == ("berg.example", ["boats"])


def test_rows_about_the_same_client_in_one_file_are_one_client():
    given = [row(name="Acme", domain="acme.example"), row(name="Acme", industry_primary="Wood"), row(name="Acme")]
    results = rows.import_clients(given)
    assert [one["outcome"] for one in results] == ["created", "updated", "unchanged"]
    assert len({one["client"] for one in results}) == 1
    assert Client.objects.get().industry_primary == "Wood"


def test_a_row_that_is_about_two_clients_is_refused_and_its_neighbours_are_stored():
    Client.objects.create(name="Acme", domain="acme.example")
    Client.objects.create(name="Berg", domain="berg.example")
    results = rows.import_clients([row(name="Acme", domain="berg.example"), row(name="Carl")])
    assert isinstance(results[0], RowError)
    assert "“Acme” is another client than the one with the website berg.example" in str(results[0])
    assert results[1]["outcome"] == "created"


def test_what_a_model_filled_becomes_the_files():
    Client.objects.create(name="Acme", industry_primary="Steel", filled_by={"industry_primary": "model"})
    rows.import_clients([row(name="Acme", industry_primary="Wood")])
    client = Client.objects.get()
    assert (client.industry_primary, client.filled_by) == ("Wood", {"industry_primary": "person"})


def test_two_clients_that_change_places_are_taken_row_by_row():
    Client.objects.create(name="Acme", domain="old.example")
    found = imported("name,website\nNew,old.example\nAcme,new.example\n")
    assert list(found.values_list("error", flat=True)) == ["", ""]
    assert dict(Client.objects.values_list("domain", "name")) == {"old.example": "New", "new.example": "Acme"}


def test_a_row_is_enhanced_with_the_code_of_the_steps(provider):
    found = imported("name,website,industry\nAcme,acme.example,Wood\n", "clients.enhance")
    client = Client.objects.get()
    assert found[0].result == {
        "client": client.pk,
        "outcome": "created",
        "enhanced": True,
        "competitorsAdded": 2,
        "competitorsFailed": 0,
    }
    assert (client.industry_primary, client.sub_industry) == ("Wood", "Pallets")
    assert (client.ai_status, client.ai_enhancement_count, client.ai_input_tokens) == (AIStatus.COMPLETED, 1, 300)
    assert set(client.filled_by) == set(ENRICHED)


def test_a_row_that_fails_behind_its_answer_is_not_paid_again(provider, monkeypatch):
    real = rows.enriching.add_competitors

    def broken(*args):
        raise ConnectionError("away")

    monkeypatch.setattr(rows.enriching, "add_competitors", broken)
    found = imported("name\nAcme\n", "clients.enhance")
    assert "away" in found[0].error
    # Its transaction is undone as a whole; the client itself was made before the answer was paid for.
    assert Client.objects.get().ai_enhancement_count == 0
    monkeypatch.setattr(rows.enriching, "add_competitors", real)
    verbs.retry(CsvBatch.objects.get().pk, by="opal")
    testing.drain()
    assert CsvBatch.objects.get().rows.get().error == ""
    assert (Client.objects.get().ai_enhancement_count, len(provider.asked)) == (1, 1)


def test_a_row_without_an_answer_says_why_and_so_does_its_client(provider):
    provider.script(standin.said(None, refusal="No."), standin.said(standin.enrichment()))
    found = imported("name\nAcme\nBerg\n", "clients.enhance")
    assert sorted(found.values_list("error", flat=True)) == ["", "The model declined to answer: No."]
    assert sorted(Client.objects.values_list("ai_status", flat=True)) == [AIStatus.COMPLETED, AIStatus.FAILED]


def test_a_row_that_cannot_be_stored_is_not_paid_for(provider):
    found = imported("name,website\nAcme,nowhere\n", "clients.enhance")
    assert "is no domain" in found[0].error
    assert provider.asked == []


def test_without_a_key_rows_are_not_enhanced_and_the_reason_is_known(settings):
    assert "set OPENAI_API_KEY" in processors.get("clients.enhance").unavailable()
    settings.OPENAI_API_KEY = "key"
    assert processors.get("clients.enhance").unavailable() == ""
    assert processors.get("clients.import").unavailable() == ""


def test_an_enhanced_row_is_copied_to_supabase_by_a_run_of_its_own(provider, settings):
    settings.SUPABASE_URL, settings.SUPABASE_KEY = "http://127.0.0.1:9", "key"
    imported("name\nAcme\n", "clients.enhance")
    assert Run.objects.get(function="stepwell-mirror-client").subject == Client.objects.get().subject


def test_a_thousand_rows_take_a_handful_of_statements(django_assert_max_num_queries):
    given = [row(name=f"Client {n}", domain=f"c{n}.example", keywords="a,b", brand_voice="Plain") for n in range(1000)]
    with django_assert_max_num_queries(8):
        assert {one["outcome"] for one in rows.import_clients(given)} == {"created"}
    changed = [row(name=f"Client {n}", industry_primary=f"Industry {n}") for n in range(1000)]
    with django_assert_max_num_queries(8):
        assert {one["outcome"] for one in rows.import_clients(changed)} == {"updated"}
    assert Client.objects.get(name="Client 7").industry_primary == "Industry 7"
    assert Client.objects.filter(filled_by__industry_primary="person").count() == 1000
