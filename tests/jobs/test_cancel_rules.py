"""cancel=[Cancel(...)]: a later event that matches ends the run, and no other does."""

from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import actions, testing
from jobs.errors import InvalidDefinition
from jobs.models import Event, Run, Wait
from jobs.types import Status
from tests.jobs.conftest import Counter, Engine, Flaky

HOUR = timedelta(hours=1)
SAME = jobs.Cancel(event="test/stop", if_exp="async.data.id == event.data.id")
ALL = jobs.Cancel(event="test/stop", match_all=True)


def sleeper(ctx: jobs.ContextSync) -> str:
    ctx.step.sleep("nap", timedelta(days=7))
    return "rested"


def test_a_matching_event_cancels_the_run(engine: Engine) -> None:
    run = engine.execute(sleeper, {"id": 7}, cancel=[SAME])
    sent = engine.send("test/stop", {"id": 7})
    run = engine.drained(run)
    assert run.status == Status.CANCELLED
    assert (run.error["name"], run.error["code"]) == ("Cancelled", "cancelled")
    assert sent[-8:] in run.error["message"]
    assert not Wait.objects.exists()


def test_another_event_does_not(engine: Engine) -> None:
    run = engine.execute(sleeper, {"id": 7}, cancel=[SAME])
    engine.send("test/stop", {"id": 8})
    engine.send("test/other", {"id": 7})
    assert engine.drained(run).status == Status.SLEEPING
    assert engine.to_its_end(run).output == "rested"
    assert not Wait.objects.exists()


def test_a_run_that_has_not_started_is_cancelled_as_well(engine: Engine) -> None:
    counter = Counter()
    run = engine.start(lambda ctx: counter(), {"id": 7}, cancel=[SAME])
    engine.send("test/stop", {"id": 7})
    assert engine.drained(run).status == Status.CANCELLED
    assert counter.calls == 0


def test_match_all_cancels_every_live_run(engine: Engine) -> None:
    engine.define(sleeper, cancel=[ALL])
    for number in range(4):
        engine.send(data={"id": number})
    testing.drain()
    engine.send("test/stop")
    testing.drain()
    assert Run.objects.filter(status=Status.CANCELLED).count() == 4


def test_a_rule_without_a_condition_must_say_so() -> None:
    with testing.registry(), pytest.raises(InvalidDefinition, match="match_all=True"):
        jobs.create_function(
            fn_id="work", trigger=jobs.TriggerEvent(event="test/event"), cancel=[jobs.Cancel(event="test/stop")]
        )(sleeper)


def test_the_event_that_started_the_run_never_cancels_it(engine: Engine) -> None:
    rule = jobs.Cancel(event="test/event", if_exp="async.data.id == event.data.id")
    run = engine.execute(sleeper, {"id": 7}, cancel=[rule])
    assert run.status == Status.SLEEPING
    # The next one cancels the first run, and starts another.
    engine.send(data={"id": 7})
    assert engine.drained(run).status == Status.CANCELLED
    assert Run.objects.filter(status=Status.SLEEPING).count() == 1


def test_of_one_send_only_what_comes_after_the_trigger_could_cancel_and_no_event_cancels_its_own_run(
    engine: Engine,
) -> None:
    rule = jobs.Cancel(event="test/event", match_all=True)
    engine.define(sleeper, cancel=[rule])
    jobs.send_sync([jobs.Event(name="test/event"), jobs.Event(name="test/event")])
    testing.drain()
    assert Run.objects.filter(status=Status.SLEEPING).count() <= 1


def test_after_its_timeout_a_rule_cancels_no_more(engine: Engine) -> None:
    rule = jobs.Cancel(event="test/stop", match_all=True, timeout=HOUR)
    run = engine.execute(sleeper, cancel=[rule])
    engine.pass_time(hours=2)
    engine.send("test/stop")
    assert engine.drained(run).status == Status.SLEEPING


def test_any_of_several_rules_cancels(engine: Engine) -> None:
    rules = [SAME, jobs.Cancel(event="test/halt", match_all=True)]
    run = engine.execute(sleeper, {"id": 7}, cancel=rules)
    engine.send("test/halt")
    assert engine.drained(run).status == Status.CANCELLED


def test_a_retried_run_is_still_cancelled(engine: Engine) -> None:
    flaky = Flaky(1)

    def body(ctx: jobs.ContextSync) -> str:
        ctx.step.run("flaky", flaky)
        return sleeper(ctx)

    run = engine.execute(body, {"id": 7}, cancel=[SAME], retries=0)
    assert (run.status, Wait.objects.count()) == (Status.FAILED, 0)
    assert actions.retry(run, by="ada")
    assert engine.drained(run).status == Status.SLEEPING
    engine.send("test/stop", {"id": 7})
    assert engine.drained(run).status == Status.CANCELLED


def test_a_run_that_is_run_again_is_still_cancelled(engine: Engine) -> None:
    run = engine.execute(sleeper, {"id": 7}, cancel=[SAME])
    assert actions.cancel(run, by="ada")
    again = engine.drained(actions.rerun(run, by="ada"))
    engine.send("test/stop", {"id": 7})
    assert engine.drained(again).status == Status.CANCELLED


def test_what_a_cancelled_run_waits_for_is_forgotten(engine: Engine) -> None:
    run = engine.execute(
        lambda ctx: ctx.step.wait_for_event("wait", event="test/answer", timeout=HOUR), {"id": 7}, cancel=[SAME]
    )
    engine.send("test/stop", {"id": 7})
    engine.send("test/answer")
    assert engine.drained(run).status == Status.CANCELLED
    assert not Wait.objects.exists()


def test_an_event_that_is_waited_for_and_cancels_cancels(engine: Engine) -> None:
    run = engine.execute(
        lambda ctx: ctx.step.wait_for_event("wait", event="test/stop", timeout=HOUR), {"id": 7}, cancel=[SAME]
    )
    engine.send("test/stop", {"id": 7})
    assert engine.drained(run).status == Status.CANCELLED


def test_a_cancelled_run_stays_so_and_is_told_of_once(engine: Engine) -> None:
    run = engine.execute(sleeper, {"id": 7}, cancel=[SAME], on_failure=lambda ctx: None)
    for _ in range(3):
        engine.send("test/stop", {"id": 7})
    run = engine.drained(run)
    assert not actions.cancel(run, by="ada")
    assert engine.after(run, days=30).status == Status.CANCELLED
    [event] = Event.objects.filter(name__startswith="jobs/function.")
    assert event.name == "jobs/function.cancelled"
    assert event.data["run_id"] == str(run.pk)
    assert event.data["error"]["name"] == "Cancelled"


def test_a_cancel_in_the_middle_of_a_pass_lets_nothing_further_run(engine: Engine) -> None:
    counter = Counter()

    def body(ctx: jobs.ContextSync) -> None:
        def handler() -> str:
            actions.cancel(Run.objects.get(), by="ada")
            return "too late"

        ctx.step.run("first", handler)
        ctx.step.run("second", counter)

    run = engine.execute(body)
    assert (run.status, counter.calls) == (Status.CANCELLED, 0)
    assert list(run.journal.all()) == []


@pytest.mark.parametrize("condition", ["async.data.n + 1 > 2", "async.data.n.startsWith('a')"])
def test_an_event_that_a_rule_cannot_be_evaluated_for_cancels_nothing(engine: Engine, condition: str) -> None:
    rule = jobs.Cancel(event="test/stop", if_exp=condition)
    run = engine.execute(sleeper, cancel=[rule])
    engine.send("test/stop", {"n": [1]})
    assert engine.drained(run).status == Status.SLEEPING


def test_a_cancelled_run_frees_its_slot(engine: Engine) -> None:
    counts: list[Any] = []

    def body(ctx: jobs.ContextSync) -> None:
        counts.append(ctx.event.data["id"])
        if ctx.event.data["id"] == 0:
            actions.cancel(Run.objects.get(pk=ctx.run_id), by="ada")

    engine.define(body, concurrency=[jobs.Concurrency(limit=1)])
    for number in range(3):
        engine.send(data={"id": number})
    testing.drain()
    assert counts == [0, 1, 2]
