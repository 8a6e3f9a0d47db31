"""wait_for_event: the first matching event that comes after the wait began, or None once the time is up."""

from datetime import timedelta
from typing import Any

import jobs
from jobs import testing
from jobs.models import Delivery, Event, Run, Wait
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Body, Engine

HOUR = timedelta(hours=1)


def waiting(name: str = "test/answer", **options: Any) -> Body:
    """A body that waits for one event and returns its data."""

    def body(ctx: jobs.ContextSync) -> Any:
        event = ctx.step.wait_for_event("wait", event=name, **{"timeout": HOUR, **options})
        return None if event is None else dict(event.data)

    return body


def outputs() -> list[Any]:
    """What the runs returned, in the order they were opened; None for those that still wait."""
    return list(Run.objects.order_by("id").values_list("output", flat=True))


def test_an_event_that_comes_later_lets_the_run_go_on_with_it(engine: Engine) -> None:
    run = engine.execute(waiting())
    assert run.status == Status.WAITING
    sent = engine.send("test/answer", {"n": 7})
    run = engine.drained(run)
    assert (run.status, run.output) == (Status.COMPLETED, {"n": 7})
    assert engine.step("wait").output["id"] == sent


def test_the_event_has_its_name_data_id_and_time(engine: Engine) -> None:
    seen: list[Any] = []
    run = engine.execute(lambda ctx: seen.append(ctx.step.wait_for_event("wait", event="test/answer", timeout=HOUR)))
    engine.send("test/answer", {"n": [1, {"é": None}]}, id="mine", ts=1_700_000_000_000)
    engine.drained(run)
    [event] = seen
    assert isinstance(event, jobs.Event)
    assert (event.name, event.data, event.id, event.ts) == (
        "test/answer",
        {"n": [1, {"é": None}]},
        "mine",
        1_700_000_000_000,
    )


def test_nothing_in_time_is_none_and_the_run_wakes_by_itself(engine: Engine) -> None:
    run = engine.execute(waiting())
    assert engine.after(run, minutes=59).status == Status.WAITING
    run = engine.after(run, minutes=2)
    assert (run.status, run.output) == (Status.COMPLETED, None)
    assert engine.step("wait").status == StepStatus.COMPLETED


def test_an_event_after_the_timeout_changes_nothing(engine: Engine) -> None:
    run = engine.execute(waiting())
    engine.pass_time(hours=2)
    engine.send("test/answer", {"n": 7})
    assert engine.drained(run).output is None
    assert not Delivery.objects.exists()


def test_an_event_that_was_there_before_is_not_it(engine: Engine) -> None:
    engine.send("test/answer", {"n": 1})
    run = engine.execute(waiting())
    assert run.status == Status.WAITING
    engine.pass_time(seconds=1)
    engine.send("test/answer", {"n": 2})
    assert engine.drained(run).output == {"n": 2}


def test_an_event_between_the_start_and_the_wait_is_not_it(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        ctx.step.run("send", engine.send, "test/answer", {"n": 1})
        return waiting()(ctx)

    assert engine.execute(body).status == Status.WAITING


def test_the_event_that_started_the_run_never_meets_its_own_wait(engine: Engine) -> None:
    run = engine.execute(waiting("test/event"))
    assert run.status == Status.WAITING
    engine.send("test/event", {"again": True})
    assert engine.drained(run).output == {"again": True}


def test_the_trigger_is_not_found_by_looking_back_either(engine: Engine) -> None:
    assert engine.execute(waiting("test/event", lookback=HOUR)).status == Status.WAITING


def test_lookback_also_takes_an_event_received_up_to_that_long_before(engine: Engine) -> None:
    engine.send("test/answer", {"n": "too old"})
    engine.pass_time(minutes=20)
    engine.send("test/answer", {"n": 1})
    engine.pass_time(minutes=5)
    engine.send("test/answer", {"n": 2})
    engine.pass_time(minutes=4)
    assert engine.execute(waiting(lookback=timedelta(minutes=10))).output == {"n": 1}
    assert not Wait.objects.exists()


def test_lookback_does_not_find_an_event_whose_id_was_seen_before(engine: Engine) -> None:
    engine.send("test/answer", {"n": 1}, id="once")
    engine.pass_time(hours=3)
    engine.send("test/answer", {"n": 1}, id="once")
    assert engine.execute(waiting(lookback=HOUR)).status == Status.WAITING


def test_a_duplicate_event_meets_nothing(engine: Engine) -> None:
    engine.send("test/answer", {"n": 1}, id="once")
    run = engine.execute(waiting())
    engine.send("test/answer", {"n": 1}, id="once")
    assert engine.drained(run).status == Status.WAITING
    assert Event.objects.filter(duplicate=True).count() == 1
    engine.send("test/answer", {"n": 2}, id="twice")
    assert engine.drained(run).output == {"n": 2}


def test_the_first_of_several_is_the_one(engine: Engine) -> None:
    run = engine.execute(waiting())
    for number in range(3):
        engine.send("test/answer", {"n": number})
    assert engine.drained(run).output == {"n": 0}
    assert not Delivery.objects.exists()


def test_what_was_received_stays_the_result_however_often_the_run_goes_on(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        first = waiting()(ctx)
        ctx.step.sleep("pause", HOUR)
        return first

    run = engine.execute(body)
    engine.send("test/answer", {"n": 1})
    run = engine.drained(run)
    engine.send("test/answer", {"n": 2})
    assert engine.to_its_end(run).output == {"n": 1}


def test_one_event_wakes_everybody_who_waits_for_it(engine: Engine) -> None:
    engine.define(waiting())
    for _ in range(5):
        engine.send()
    testing.drain()
    engine.send("test/answer", {"n": 1})
    testing.drain()
    assert outputs() == [{"n": 1}] * 5


def test_the_end_of_another_run_can_be_waited_for(engine: Engine) -> None:
    condition = "async.data.function_id == 'stepwell-other' && async.data.event.data.id == event.data.id"
    engine.define(waiting("jobs/function.finished", if_exp=condition))
    engine.define(lambda ctx: ctx.event.data["id"] * 2, fn_id="other", on="test/other")
    engine.send(data={"id": 4})
    testing.drain()
    for number in (3, 4):
        engine.send("test/other", {"id": number})
    testing.drain()
    run = Run.objects.get(function="stepwell-work")
    assert run.status == Status.COMPLETED
    assert (run.output["result"], run.output["event"]["data"]) == (8, {"id": 4})


def test_the_end_of_a_run_is_not_stored_where_nobody_waits_for_it(engine: Engine) -> None:
    engine.execute(lambda ctx: None)
    assert not Event.objects.filter(name="jobs/function.finished").exists()


def test_the_failure_of_another_run_can_be_waited_for(engine: Engine) -> None:
    engine.define(waiting("jobs/function.failed", if_exp="async.data.function_id == 'stepwell-other'"))
    engine.define(lambda ctx: 1 / 0, fn_id="other", on="test/other", retries=0)
    engine.send()
    testing.drain()
    engine.send("test/other")
    testing.drain()
    assert Run.objects.get(function="stepwell-work").output["error"]["name"] == "ZeroDivisionError"


def test_an_ended_run_waits_for_nothing(engine: Engine) -> None:
    run = engine.execute(waiting())
    engine.send("test/answer")
    engine.drained(run)
    assert not Wait.objects.exists()


def test_the_same_wait_again_waits_for_the_next_event(engine: Engine) -> None:
    run = engine.execute(lambda ctx: [waiting()(ctx) for _ in range(3)])
    for number in range(3):
        engine.send("test/answer", {"n": number})
        run = engine.drained(run)
    assert run.output == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_what_is_sent_in_a_transaction_that_is_rolled_back_never_came(engine: Engine) -> None:
    from django.db import transaction

    run = engine.execute(waiting())
    with transaction.atomic():
        engine.send("test/answer", {"n": 1})
        transaction.set_rollback(True)
    assert engine.drained(run).status == Status.WAITING


def test_an_event_in_the_future_is_seen_by_waits_now(engine: Engine) -> None:
    run = engine.execute(waiting())
    engine.send("test/answer", {"n": 1}, ts=4_000_000_000_000)
    assert engine.drained(run).output == {"n": 1}
