"""The page about imports: its processors work, its buttons and events are those of the site."""

import re

import pytest

from imports import events, functions, processors
from imports.reading import MAX_BYTES, MAX_ROWS
from jobs import testing
from jobs.registry import registry
from jobs.types import TriggerEvent
from tests.docs import pages
from tests.imports.conftest import started
from transcripts.models import Account

TEXT = (pages.DOCS / "imports.md").read_text()
FILE = "Company,Country\nNorthwind,NO\n?,DE\nContoso,US\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def snippets():
    with processors.isolated():
        for code in pages.blocks(TEXT, "python"):
            exec(compile(code, "imports.md", "exec"), {})
        yield


def test_the_processors_of_the_page_import_a_file(snippets) -> None:
    batch = started(FILE, "transcripts.accounts")
    testing.drain()
    assert batch.rows.get(number=2).result["created"] is True
    assert Account.objects.count() == 3
    batch = started(FILE.replace("Company", "Name"), "transcripts.research")
    testing.drain()
    assert batch.rows.get(number=4).result == {"industry": "industry of Contoso"}
    batch = started(FILE.replace("Company", "NAME"), "transcripts.bulk")
    testing.drain()
    rows = list(batch.rows.order_by("number").values_list("status", "error"))
    assert rows == [("COMPLETED", ""), ("FAILED", "“?” is no name; write one."), ("COMPLETED", "")]


def test_the_events_of_the_page_are_those_of_the_product() -> None:
    named = {pages.unquoted(row[0]) for row in pages.table(pages.sections(TEXT)["By event"])}
    heard = {
        trigger.event
        for function in registry.all()
        if function.handler.__module__ == functions.__name__
        for trigger in function.triggers
        if isinstance(trigger, TriggerEvent) and not trigger.event.startswith("jobs/")
    }
    assert named == heard | {events.CANCEL}


def test_the_numbers_of_the_page_are_those_of_the_code(settings) -> None:
    assert f"up to {MAX_BYTES // 1024**2} MB and\n   {MAX_ROWS:,} rows" in TEXT
    pace = re.search(r"taken (\d+) at a time with (\d+) seconds between, and one that takes longer than (\d+)", TEXT)
    wanted = (settings.IMPORTS_BATCH_SIZE, settings.IMPORTS_DELAY, settings.IMPORTS_ROW_TIMEOUT)
    assert tuple(map(float, pace.groups())) == wanted
    assert f"takes {functions.MOST_BATCHES} batches" in TEXT
