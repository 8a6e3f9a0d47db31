"""The rules at the door hold for every way a run begins: ticks, invocations, a person's press, retry and rerun."""

from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import actions, schedule, starting, testing
from jobs.errors import RefusedByRule
from jobs.function import Function
from jobs.models import Run, Schedule
from jobs.types import Status
from tests.jobs.conftest import Engine

HOUR = timedelta(hours=1)
TRIGGERS = [jobs.TriggerCron(cron="* * * * *"), jobs.TriggerEvent(event="test/event")]


def napping(engine: Engine, **rules: Any) -> Function:
    """Define a function with a schedule and an event that sleeps an hour, with these rules."""
    return engine.define(lambda ctx: ctx.step.sleep("nap", HOUR), on=TRIGGERS, **rules)


def tick(engine: Engine) -> None:
    """Let the schedule come due, and execute what that starts."""
    schedule.follow_code()
    Schedule.objects.update(next_at=actions.clock.now() - timedelta(seconds=1))
    schedule.tick()
    testing.drain()


def found() -> list[str]:
    return list(Run.objects.order_by("queued_at", "id").values_list("status", flat=True))


def test_a_tick_beside_a_live_singleton_is_a_skipped_run_with_its_reason(engine: Engine) -> None:
    napping(engine, singleton=jobs.Singleton(mode="skip"))
    for _ in range(3):
        tick(engine)
    engine.send()
    testing.drain()
    assert found() == [Status.SLEEPING, *[Status.SKIPPED] * 3]
    assert "lives already" in Run.objects.filter(status=Status.SKIPPED)[0].error["message"]


def test_a_tick_takes_the_place_of_a_live_singleton(engine: Engine) -> None:
    napping(engine, singleton=jobs.Singleton(mode="cancel"))
    engine.send()
    testing.drain()
    tick(engine)
    assert found() == [Status.CANCELLED, Status.SLEEPING]


def test_ticks_and_events_share_one_rate_limit(engine: Engine) -> None:
    napping(engine, rate_limit=jobs.RateLimit(limit=1, period=HOUR))
    tick(engine)
    tick(engine)
    engine.send()
    assert found() == [Status.SLEEPING, Status.SKIPPED]
    assert Run.objects.get(status=Status.SKIPPED).error["code"] == "rate_limit"


def test_a_tick_whose_value_has_started_is_skipped(engine: Engine) -> None:
    napping(engine, idempotency="'the one'")
    tick(engine)
    tick(engine)
    assert found() == [Status.SLEEPING, Status.SKIPPED]
    assert Run.objects.get(status=Status.SKIPPED).error["code"] == "idempotency"


def test_events_and_a_press_join_one_batch(engine: Engine) -> None:
    function = napping(engine, batch_events=jobs.Batch(max_size=3))
    engine.send()
    joined = starting.start(function, by="ada")
    assert Run.objects.get() == joined
    assert joined.events.count() == 2


def test_a_press_beside_a_live_singleton_shows_the_skipped_run(engine: Engine) -> None:
    function = napping(engine, singleton=jobs.Singleton(mode="skip"))
    engine.send()
    testing.drain()
    assert starting.start(function, by="ada").status == Status.SKIPPED


def test_an_invocation_that_a_rule_refuses_is_an_error_in_the_body(engine: Engine) -> None:
    child = napping(engine, singleton=jobs.Singleton(mode="skip"))
    engine.send()
    testing.drain()
    engine.define(lambda ctx: ctx.step.invoke("call", function=child), on="test/parent", fn_id="parent")
    engine.send("test/parent")
    testing.drain()
    parent = Run.objects.get(function="stepwell-parent")
    assert parent.status == Status.FAILED
    assert "lives already" in parent.error["message"]
    assert Run.objects.get(parent_run=parent.pk).status == Status.SKIPPED


def test_an_invocation_joins_no_batch(engine: Engine) -> None:
    child = engine.define(lambda ctx: len(ctx.events), on="test/child", batch_events=jobs.Batch(max_size=9))
    engine.define(lambda ctx: ctx.step.invoke("call", function=child), on="test/parent", fn_id="parent")
    engine.send("test/parent")
    testing.drain()
    assert Run.objects.get(function="stepwell-parent").output == 1


@pytest.mark.parametrize(
    "rules", [{"singleton": jobs.Singleton(mode="skip", key="event.data.n")}, {"idempotency": "event.data.n"}]
)
def test_a_failed_run_is_not_revived_beside_a_live_one_of_its_key(engine: Engine, rules: dict[str, Any]) -> None:
    failing = [True]

    def body(ctx: jobs.ContextSync) -> None:
        if failing[0]:
            raise jobs.NonRetriableError("no")
        ctx.step.sleep("nap", HOUR)

    run = engine.execute(body, {"n": "7"}, **rules)
    assert run.status == Status.FAILED
    failing[0] = False
    live = engine.drained(actions.rerun(run, by="ada"))
    assert live.status == Status.SLEEPING
    for act in (actions.retry, actions.rerun):
        with pytest.raises(RefusedByRule, match=str(live.pk)):
            act(run, by="ada")
    assert Run.objects.live().count() == 1
    assert engine.after(live, hours=1).status == Status.COMPLETED
    assert actions.retry(run, by="ada")
