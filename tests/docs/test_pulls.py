"""The page about pull requests: its snippets run, its events start the functions it names, its commands exist."""

import re

import pytest

from jobs import testing
from jobs.models import Run
from jobs.registry import registry
from jobs.types import TriggerEvent
from pulls import events
from pulls.management.commands.pulls import Command
from tests.docs import pages

TEXT = (pages.DOCS / "pulls.md").read_text()


@pytest.mark.django_db
def test_the_snippets_run_and_do_what_the_page_says() -> None:
    send, listen = pages.blocks(TEXT, "python")
    exec(compile(send, "pulls.md", "exec"), {})
    assert Run.objects.get().function == "stepwell-capture-repository-sync"
    with testing.registry():
        names: dict[str, object] = {}
        exec(compile(listen, "pulls.md", "exec"), names)
        told = events.completed(1, "reviews", 9, 1, 10, 5)
        result = testing.run(names["tell_reviewers"], event=told)
    assert result.output == "9 of 10 reviews of 1"


def test_each_event_of_the_table_starts_the_function_beside_it() -> None:
    rows = [row for row in pages.table(pages.sections(TEXT)["What happens"]) if len(row) == 3]
    named = {pages.unquoted(row[0]): pages.unquoted(row[2]) for row in rows}
    triggers = {
        trigger.event: function.fn_id
        for function in registry.all()
        for trigger in function.triggers
        if isinstance(trigger, TriggerEvent) and function.handler.__module__ == "pulls.functions"
    }
    assert named == {event: fn_id for event, fn_id in triggers.items() if not event.startswith("jobs/")}


def test_each_verb_of_the_command_is_named_and_no_other() -> None:
    parser = Command().create_parser("manage.py", "pulls")
    [given] = [action for action in parser._actions if action.dest == "verb"]
    assert set(re.findall(r"`manage.py pulls ([\w-]+)", TEXT)) == set(given.choices)
