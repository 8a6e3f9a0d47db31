"""Every snippet for authors does what its page says: each is executed, and so are the tests among them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

import jobs
from jobs import testing
from jobs.types import Status
from tests.docs.snippets import SNIPPETS, TEXTS, drained, event, execute


@dataclass(frozen=True)
class Case:
    """An event for the function of a section, what comes after its first pause, and how its run ends."""

    event: str
    output: Any
    data: dict[str, Any] = field(default_factory=dict)
    later: timedelta = timedelta(0)
    status: Status = Status.COMPLETED
    then: tuple[jobs.Event, ...] = ()


ORDER = {"order": 7, "customer": "Northwind"}
WEEKS = timedelta(days=14)
CASES = {
    "functions: A function": Case("user/signed.up", "Hello, Ada!", {"name": "Ada"}),
    "functions: Triggers": Case("order/placed", "order/placed", {"total": 101}),
    "functions: Logging and progress": Case("album/uploaded", 2, {"pictures": ["a", "b"]}),
    "steps: Steps": Case("order/delivered", {"total": 16.2}, {"currency": "USD", "lines": [5, 10]}),
    "steps: What is journaled": Case("quote/asked", {"with_tax": "15.00", "until": "2026-12-31"}),
    "steps: Sleeping": Case("trial/started", "Ada, three days are left.", {"name": "Ada"}, timedelta(days=11)),
    "steps: Step timeouts and retries": Case("question/asked", "WHY?", {"prompt": "why?"}),
    "errors: Retries and backoff": Case("invoice/written", "filed", {"number": "R-1"}, timedelta(seconds=90)),
    "errors: When a step has failed for good": Case("article/written", "Hello", {"text": "Hello"}),
    "errors: When a run has failed": Case("prices/arrived", None, status=Status.FAILED),
    "waits: Waiting for an event": Case(
        "order/placed", "shipped, paid by card", {"order": 7}, then=(event("order/paid", order=7, by="card"),)
    ),
    "waits: Waiting for one of several": Case(
        "parcel/sent", "parcel/lost", {"parcel": 1}, then=(event("parcel/lost", parcel=1),)
    ),
    "invoke: By its function": Case("table/left", 970, {"articles": ["tea", "cake"]}),
    "invoke: By id, and when it fails": Case(
        "offer/wanted", "without the partner: ConnectionError, The partner is closed."
    ),
    "parallel: All of them": Case(
        "article/written", {"words": 1, "links": 0, "translations": ["Hi (de)", "Hi (fr)"]}, {"text": "Hi"}
    ),
    "parallel: The first of them": Case("invoice/sent", "thanks, Ada", then=(event("invoice/paid", by="Ada"),)),
    "async: An async function": Case(
        "sites/compare",
        {"first": 1, "second": 2, "accounts": 0},
        {"first": "a", "second": "bc"},
        timedelta(seconds=1),
    ),
    "flow: One at a time": Case("shop/changed", "synced 1", {"shop": 1}, timedelta(minutes=5)),
    "flow: Slots and turns": Case("call/recorded", "text of 1", {"call": 1, "customer": 2, "plan": "free"}),
    "cancelling: By an event": Case(
        "invoice/sent", None, {"invoice": 7}, WEEKS, Status.CANCELLED, (event("invoice/paid", invoice=7),)
    ),
    "cancelling: By time": Case("quote/wanted", None, {"minutes": 180}, timedelta(hours=2), Status.CANCELLED),
    "middleware: Serializers": Case("offers/asked", {"article": "tea", "cents": 430}),
    "from-inngest: A function from there": Case(
        "shop/order.placed", ["reserved-7", "insured"], ORDER, timedelta(hours=1)
    ),
    "from-celery: A chain becomes a function": Case(
        "picture/added",
        ["/files/a.png@100", "/files/a.png@400", "/files/a.png@800"],
        {"url": "https://example.org/a.png"},
        timedelta(days=1),
    ),
}
WITH_TESTS_OF_THEIR_OWN = {
    "changing-code: An example",
    "events: From your code",
    "flow: At most so often",
    "flow: Many events, one run",
    "middleware: Middleware",
    "steps: At least once, or exactly once",
    "waits: Waiting for a person",
}
TESTS = {section for section, code in SNIPPETS.items() if "\ndef test_" in code}

pytestmark = pytest.mark.django_db


def test_every_snippet_is_tried() -> None:
    assert set(SNIPPETS) == set(CASES) | WITH_TESTS_OF_THEIR_OWN | TESTS


def test_every_page_but_the_index_of_words_has_a_snippet() -> None:
    assert {section.partition(":")[0] for section in SNIPPETS} == set(TEXTS)


@pytest.mark.parametrize("section", CASES)
def test_the_function_of_a_section_ends_as_its_page_says(section: str) -> None:
    case = CASES[section]
    with testing.registry():
        execute(section)
        run = drained(case.event, case.data, timedelta(0) if case.then else case.later)
        for one in case.then:
            assert run.status in (Status.WAITING, Status.SLEEPING)
            jobs.send_sync(one)
            testing.drain()
        run.refresh_from_db()
    assert (run.status, run.output) == (case.status, case.output)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("section", sorted(TESTS))
def test_the_tests_among_the_snippets_pass(section: str) -> None:
    """Each in a transaction of its own, unless it asks for none."""
    with testing.registry():
        for name, test in execute(section).items():
            if not name.startswith("test_"):
                continue
            if any(mark.kwargs.get("transaction") for mark in test.pytestmark):
                test()
                continue
            with transaction.atomic():
                test()
                transaction.set_rollback(True)
