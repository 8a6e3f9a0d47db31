"""The page about clients: its snippets run, its events start the functions it names, its settings are ours."""

import json
import re

import pytest

from clients.models import Client
from jobs.models import EventKey, Run
from jobs.registry import registry
from jobs.types import TriggerEvent
from tests.docs import pages

TEXT = (pages.DOCS / "clients.md").read_text()


@pytest.mark.django_db
def test_the_snippets_run_and_start_an_enhancement_and_queries() -> None:
    for code in pages.blocks(TEXT, "python"):
        exec(compile(code, "clients.md", "exec"), {})
    started = set(Run.objects.values_list("function", "subject"))
    subject = Client.objects.get().subject
    assert started == {("stepwell-enhance-client-with-ai", subject), ("stepwell-generate-queries", subject)}


def test_each_event_of_the_table_starts_the_function_beside_it() -> None:
    rows = [row for row in pages.table(pages.sections(TEXT)["Programs"]) if len(row) == 3]
    named = {pages.unquoted(row[0]): pages.unquoted(row[2]) for row in rows}
    triggers = {
        trigger.event: function.fn_id
        for function in registry.all()
        for trigger in function.triggers
        if isinstance(trigger, TriggerEvent) and function.handler.__module__ == "clients.functions"
    }
    assert named == {event: fn_id for event, fn_id in triggers.items() if not event.startswith("jobs/")}


@pytest.mark.django_db
def test_the_request_carries_an_event_that_the_api_takes(client) -> None:
    _, secret = EventKey.make("docs")
    body = re.search(r"-d '(\{.*\})'", TEXT)[1]
    assert json.loads(body)["name"] == "client/enhance.requested"
    assert client.post(f"/e/{secret}", body, content_type="application/json").status_code == 200


def test_every_setting_that_is_named_is_one_of_the_site() -> None:
    named = {line.partition("=")[0] for block in pages.blocks(TEXT, "ini") for line in block.splitlines()}
    assert named
    assert all(f"`{name}`" in (pages.DOCS / "operators.md").read_text() for name in named)
