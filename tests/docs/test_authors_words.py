"""What the pages for authors say around their snippets is true as well."""

from datetime import timedelta

import pytest

import jobs
from jobs import conf, testing
from jobs.models import Event, LogLine, Run
from jobs.types import Status
from tests.docs import pages
from tests.docs.snippets import TEXTS, drained, event, execute
from transcripts.models import Account

pytestmark = pytest.mark.django_db


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
