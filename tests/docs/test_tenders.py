"""The page about tenders: its snippets run, its events start the functions it names, its request is what it says."""

import json
import re

import pytest

from jobs.models import Run
from jobs.registry import registry
from jobs.types import TriggerEvent
from tests.docs import pages

TEXT = (pages.DOCS / "tenders.md").read_text()


@pytest.mark.django_db
def test_the_snippets_run_and_start_a_backfill() -> None:
    for code in pages.blocks(TEXT, "python"):
        exec(compile(code, "tenders.md", "exec"), {})
    assert Run.objects.get().function == "stepwell-enrich-backfill"


def test_each_event_of_the_table_starts_the_function_beside_it() -> None:
    section = pages.sections(TEXT)["Running the feeds"]
    rows = [row for row in pages.table(section) if len(row) == 3]
    named = {pages.unquoted(row[0]): pages.unquoted(row[2]) for row in rows}
    triggers = {
        trigger.event: function.fn_id
        for function in registry.all()
        for trigger in function.triggers
        if isinstance(trigger, TriggerEvent) and function.handler.__module__ == "tenders.functions"
    }
    known = {event: fn_id for event, fn_id in triggers.items() if not event.startswith("jobs/")}
    assert named == known


def test_the_request_carries_an_event_that_the_api_takes(client, db) -> None:
    from jobs.models import EventKey

    _, secret = EventKey.make("docs")
    body = re.search(r"-d '(\{.*\})'", TEXT)[1]
    assert json.loads(body)["name"] == "tender/sync.requested"
    assert client.post(f"/e/{secret}", body, content_type="application/json").status_code == 200
