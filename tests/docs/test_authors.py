"""Every snippet for authors does what its page says: each is executed, and so are the tests among them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import conf, testing
from jobs.models import Event, LogLine, Run
from jobs.types import Status
from tests.docs import pages
from transcripts.models import Account

TEXT = (pages.DOCS / "authors.md").read_text()
SNIPPETS = {title: code for title, text in pages.sections(TEXT).items() for code in pages.blocks(text, "python")}


@dataclass(frozen=True)
class Case:
    """An event for the function of a section, and how its run ends."""

    event: str
    output: Any
    data: dict[str, Any] = field(default_factory=dict)
    later: timedelta = timedelta(0)
    status: Status = Status.COMPLETED


CASES = {
    "A function": Case("user/signed.up", "Hello, Ada!", {"name": "Ada"}),
    "Steps": Case("order/delivered", {"total": 16.2}, {"currency": "USD", "lines": [5, 10]}),
    "What is journaled": Case("quote/asked", {"with_tax": "15.00", "until": "2026-12-31"}),
    "Retries and backoff": Case("invoice/written", "filed", {"number": "R-1"}, timedelta(seconds=90)),
    "When a step has failed for good": Case("article/written", "Hello", {"text": "Hello"}),
    "When a run has failed": Case("prices/arrived", None, status=Status.FAILED),
    "Sleeping": Case("trial/started", "Ada, three days are left.", {"name": "Ada"}, timedelta(days=11)),
    "Triggers": Case("order/placed", "order/placed", {"total": 101}),
    "Logging and progress": Case("album/uploaded", 2, {"pictures": ["a", "b"]}),
}
WITH_TESTS_OF_THEIR_OWN = {"At least once, or exactly once", "Sending events", "Testing"}

pytestmark = pytest.mark.django_db


def execute(section: str) -> dict[str, Any]:
    """Execute the snippet of a section as a module and return its names."""
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(SNIPPETS[section], f"authors.md, {section}", "exec"), names)
    return names


def drained(event: str, data: dict[str, Any], later: timedelta = timedelta(0)) -> Run:
    """Send an event, execute what is due at once and what is due later, and return the run it started."""
    [event_id] = jobs.send_sync(jobs.Event(name=event, data=data))
    testing.drain()
    with testing.shift_clock(later):
        testing.drain()
    return Run.objects.get(events=event_id)


def test_every_snippet_is_tried() -> None:
    assert set(SNIPPETS) == set(CASES) | WITH_TESTS_OF_THEIR_OWN


@pytest.mark.parametrize("section", CASES)
def test_the_function_of_a_section_ends_as_its_page_says(section: str) -> None:
    case = CASES[section]
    with testing.registry():
        execute(section)
        run = drained(case.event, case.data, case.later)
    assert (run.status, run.output) == (case.status, case.output)


def test_the_busy_service_is_asked_again_after_the_time_it_named() -> None:
    with testing.registry():
        execute("Retries and backoff")
        run = drained("invoice/written", {"number": "R-1"}, timedelta(seconds=85))
        assert run.status == Status.SLEEPING
        assert drained("invoice/written", {"number": ""}).error["code"] == "non_retriable"


def test_the_failure_handler_tells_what_went_wrong() -> None:
    with testing.registry():
        execute("When a run has failed")
        drained("prices/arrived", {})
    handled = Run.objects.get(function="stepwell-import-prices-failure")
    assert handled.output == "stepwell-import-prices: The price list has no prices."


def test_a_step_that_failed_for_good_leaves_its_words_in_the_log() -> None:
    with testing.registry():
        execute("When a step has failed for good")
        drained("article/written", {"text": "Hello"})
    assert LogLine.objects.get().message == "Published as it is: The translator is away."


def test_a_transaction_step_writes_its_row() -> None:
    with testing.registry():
        execute("At least once, or exactly once")
        run = drained("deal/won", {"customer": "Northwind"})
    assert run.output == Account.objects.get(name="Northwind").pk


def test_an_event_is_sent_with_the_row_and_passed_on_once() -> None:
    with testing.registry():
        execute("Sending events")["close_deal"]("Northwind")
        testing.drain()
    assert Account.objects.filter(name="Northwind").exists()
    assert list(Event.objects.order_by("id").values_list("name", flat=True)) == ["deal/closed", "news/posted"]


def test_the_tests_among_the_snippets_pass() -> None:
    execute("Testing")["test_a_reminder_is_sent_eleven_days_later"]()


def test_the_small_order_starts_nothing_and_the_morning_is_scheduled() -> None:
    with testing.registry() as registry:
        execute("Triggers")
        jobs.send_sync(jobs.Event(name="order/placed", data={"total": 99}))
        assert not Run.objects.exists()
        [function] = registry.all()
        assert [trigger.cron for trigger in function.crons] == ["TZ=Europe/Paris 0 9 * * 1-5"]


def test_progress_and_lines_are_kept_with_the_run() -> None:
    with testing.registry():
        execute("Logging and progress")
        run = drained("album/uploaded", {"pictures": ["a", "b"]})
    assert run.progress == {"done": 1, "total": 2, "message": "now b"}
    assert [line.message for line in run.log_lines.all()] == ["2 pictures are resized"]


def test_the_table_of_delays_is_that_of_the_engine() -> None:
    section = pages.sections(TEXT)["Retries and backoff"]
    [row] = [line for line in section.splitlines() if line.startswith("| seconds")]
    assert tuple(int(cell) for cell in row.strip("| ").split("|")[1:]) == conf.JobsSettings().BACKOFF
    assert f"plus 0 to {conf.JobsSettings().JITTER_SECONDS:g} at random" in row
