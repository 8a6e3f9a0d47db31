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

FOLDER = pages.DOCS / "authors"
TEXTS = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.md"))}
SNIPPETS = {
    f"{page}: {title}": "\n\n".join(found)
    for page, text in TEXTS.items()
    for title, section in pages.sections(text).items()
    if (found := pages.blocks(section, "python"))
}


@dataclass(frozen=True)
class Case:
    """An event for the function of a section, what comes after its first pause, and how its run ends."""

    event: str
    output: Any
    data: dict[str, Any] = field(default_factory=dict)
    later: timedelta = timedelta(0)
    status: Status = Status.COMPLETED
    then: tuple[jobs.Event, ...] = ()


def event(name: str, **data: Any) -> jobs.Event:
    return jobs.Event(name=name, data=data)


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


def execute(section: str) -> dict[str, Any]:
    """Execute the snippet of a section as a module and return its names."""
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(SNIPPETS[section], section, "exec"), names)
    return names


def drained(name: str, data: dict[str, Any], later: timedelta = timedelta(0)) -> Run:
    """Send an event, execute what is due at once and what is due later, and return the first run it started."""
    [event_id] = jobs.send_sync(jobs.Event(name=name, data=data))
    testing.drain()
    with testing.shift_clock(later):
        testing.drain()
    return Run.objects.filter(events=event_id).order_by("id")[0]


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
    from django.db import transaction

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


def test_the_busy_service_is_asked_again_after_the_time_it_named() -> None:
    with testing.registry():
        execute("errors: Retries and backoff")
        run = drained("invoice/written", {"number": "R-1"}, timedelta(seconds=85))
        assert run.status == Status.SLEEPING
        assert drained("invoice/written", {"number": ""}).error["code"] == "non_retriable"


def test_the_failure_handler_tells_what_went_wrong() -> None:
    with testing.registry():
        execute("errors: When a run has failed")
        drained("prices/arrived", {})
    handled = Run.objects.get(function="stepwell-import-prices-failure")
    assert handled.output == "stepwell-import-prices: The price list has no prices."


def test_a_step_that_failed_for_good_leaves_its_words_in_the_log() -> None:
    with testing.registry():
        execute("errors: When a step has failed for good")
        drained("article/written", {"text": "Hello"})
    assert LogLine.objects.get().message == "Published as it is: The translator is away."


def test_a_transaction_step_writes_its_row() -> None:
    with testing.registry():
        execute("steps: At least once, or exactly once")
        run = drained("deal/won", {"customer": "Northwind"})
    assert run.output == Account.objects.get(name="Northwind").pk


def test_an_event_is_sent_with_the_row_and_passed_on_once() -> None:
    with testing.registry():
        execute("events: From your code")["close_deal"]("Northwind")
        testing.drain()
    assert Account.objects.filter(name="Northwind").exists()
    assert list(Event.objects.order_by("id").values_list("name", flat=True)) == ["deal/closed", "news/posted"]


def test_a_person_approves() -> None:
    with testing.registry():
        names = execute("waits: Waiting for a person")
        run = drained("refund/asked", {"order": 7})
        assert run.status == Status.WAITING
        names["approve"](7, "Ada")
        testing.drain()
        run.refresh_from_db()
        assert run.output == "approved by Ada"
        assert testing.run(names["refund"], data={"order": 8}).output == "nobody looked at it"
        refused = {"approval": {"yes": False}}
        assert testing.run(names["refund"], data={"order": 8}, steps=refused).output == "refused"


def test_what_is_never_paid_is_never_shipped_and_an_earlier_payment_counts() -> None:
    with testing.registry():
        function = execute("waits: Waiting for an event")["ship"]
        assert testing.run(function, data={"order": 7}).output == "never paid"
        jobs.send_sync(event("order/paid", order=8, by="cash"))
        assert testing.run(function, data={"order": 8}).output == "shipped, paid by cash"


def test_the_reminder_wins_the_race_if_nobody_pays() -> None:
    with testing.registry():
        assert testing.run(execute("parallel: The first of them")["remind_or_thank"]).output == "please pay"


def test_a_user_is_welcomed_once_and_a_team_told_once_an_hour() -> None:
    with testing.registry():
        execute("flow: At most so often")
        jobs.send_sync([event("user/joined", user=user, team="blue") for user in ("Ada", "Ada", "Eve")])
        testing.drain()
    assert sorted(Run.objects.values_list("output", flat=True)) == ["blue grows", "welcome, Ada", "welcome, Eve"]
    assert "rate limited" in Event.objects.latest("id").note


def test_edits_are_debounced_and_clicks_stored_in_portions() -> None:
    with testing.registry():
        execute("flow: Many events, one run")
        jobs.send_sync([event("page/edited", page=1, version=version) for version in (1, 2, 3)])
        jobs.send_sync([event("link/clicked", campaign=1, link=link) for link in range(4)])
        testing.drain()
        assert [run.output for run in Run.objects.exclude(ended_at=None)] == [[0, 1, 2]]
        with testing.shift_clock(timedelta(minutes=1)):
            testing.drain()
    outputs = [run.output for run in Run.objects.order_by("ended_at")]
    assert len(outputs) == 3
    assert {"version": 3, "edits": 3} in outputs
    assert [3] in outputs


def test_a_second_sync_is_skipped() -> None:
    with testing.registry():
        execute("flow: One at a time")
        drained("shop/changed", {"shop": 1})
        assert drained("shop/changed", {"shop": 1}).status == Status.SKIPPED


def test_all_payment_reminders_can_be_stopped() -> None:
    with testing.registry():
        execute("cancelling: By an event")
        run = drained("invoice/sent", {"invoice": 7})
        jobs.send_sync(event("invoices/stopped"))
        testing.drain()
        run.refresh_from_db()
        assert run.status == Status.CANCELLED


def test_middleware_signs_events_and_measures() -> None:
    with testing.registry():
        names = execute("middleware: Middleware")
        names["client"].send_sync(event("stock/counted", tea=5))
        testing.drain()
    assert testing.sent("stock/counted")[0].data == {"tea": 5, "sender": "shop"}
    assert Run.objects.get().output == {"tea": 5}
    assert len(names["TOOK"]) == 1


def test_a_run_that_slept_over_a_deploy_keeps_what_it_had() -> None:
    names = execute("changing-code: An example")
    options = {"fn_id": "morning", "trigger": jobs.TriggerEvent(event="night/fell")}
    with testing.registry():
        jobs.create_function(**options)(names["before"])
        run = drained("night/fell", {})
    with testing.registry():
        jobs.create_function(**options)(names["after"])
        with testing.shift_clock(timedelta(hours=8)):
            testing.drain()
    run.refresh_from_db()
    assert run.output == ["sunny", "hello", "good morning"]
    assert f"returns `{str(run.output).replace(chr(39), chr(34))}`" in TEXTS["changing-code"]


def test_the_small_order_starts_nothing_and_the_morning_is_scheduled() -> None:
    with testing.registry() as registry:
        execute("functions: Triggers")
        jobs.send_sync(jobs.Event(name="order/placed", data={"total": 99}))
        assert not Run.objects.exists()
        [function] = registry.all()
        assert [trigger.cron for trigger in function.crons] == ["TZ=Europe/Paris 0 9 * * 1-5"]


def test_progress_and_lines_are_kept_with_the_run() -> None:
    with testing.registry():
        execute("functions: Logging and progress")
        run = drained("album/uploaded", {"pictures": ["a", "b"]})
    assert run.progress == {"done": 1, "total": 2, "message": "now b"}
    assert [line.message for line in run.log_lines.all()] == ["2 pictures are resized"]


def test_the_table_of_delays_is_that_of_the_engine() -> None:
    section = pages.sections(TEXTS["errors"])["Retries and backoff"]
    [row] = [line for line in section.splitlines() if line.startswith("| seconds")]
    assert tuple(int(cell) for cell in row.strip("| ").split("|")[1:]) == conf.JobsSettings().BACKOFF
    assert f"plus 0 to {conf.JobsSettings().JITTER_SECONDS:g} at random" in row
