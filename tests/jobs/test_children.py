"""Children of a parent: their own limits, their cancel, their retry, and children of theirs."""

from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import actions, testing
from jobs.models import Event, Run
from jobs.types import Status
from tests.jobs.conftest import Engine, Flaky
from tests.jobs.families import child, invoking, parent, started

HOUR = timedelta(hours=1)


def test_a_cancelled_child_is_a_step_error(engine: Engine) -> None:
    invoke = invoking(engine, lambda ctx: ctx.step.sleep("long", HOUR))

    def body(ctx: jobs.ContextSync) -> Any:
        try:
            return invoke(ctx)
        except jobs.StepError as error:
            return [error.name, error.message]

    run = started(engine, body)
    assert actions.cancel(child(), by="ada")
    assert engine.drained(run).output == ["Cancelled", "Cancelled by ada"]


def test_the_childs_own_limits_hold(engine: Engine) -> None:
    at_work: list[int] = []
    invoke = invoking(
        engine,
        lambda ctx: at_work.append(Run.objects.filter(function="stepwell-child", status=Status.RUNNING).count()),
        child={"concurrency": [jobs.Concurrency(limit=1)]},
    )
    engine.define(invoke)
    for _ in range(4):
        engine.send()
    testing.drain()
    assert at_work == [1, 1, 1, 1]
    assert Run.objects.filter(status=Status.COMPLETED).count() == 8


def test_a_childs_deadline_ends_it_and_its_parent_hears_of_it(engine: Engine) -> None:
    invoke = invoking(
        engine, lambda ctx: ctx.step.sleep("long", timedelta(days=1)), child={"timeouts": jobs.Timeouts(finish=HOUR)}
    )
    run = engine.after(started(engine, invoke), hours=2)
    assert (run.status, run.error["name"]) == (Status.FAILED, "Cancelled")
    assert "not ended in time" in run.error["message"]


def test_children_invoke_children(engine: Engine) -> None:
    leaf = engine.define(lambda ctx: ctx.event.data["n"] + 1, fn_id="leaf", on="test/leaf")
    middle = engine.define(
        lambda ctx: ctx.step.invoke("leaf", function=leaf, data={"n": ctx.event.data["n"] + 1}),
        fn_id="middle",
        on="test/middle",
    )
    run = started(engine, lambda ctx: ctx.step.invoke("middle", function=middle, data={"n": 1}))
    assert run.output == 3
    assert Run.objects.filter(parent_run__isnull=False).count() == 2


def test_a_parent_that_is_retried_invokes_its_failed_child_anew(engine: Engine) -> None:
    flaky = Flaky(1)
    run = started(engine, invoking(engine, lambda ctx: flaky(), child={"retries": 0}))
    assert run.status == Status.FAILED
    assert actions.retry(run, by="ada")
    run = engine.drained(run)
    assert (run.status, run.output) == (Status.COMPLETED, 2)
    last = Run.objects.filter(function="stepwell-child").latest("id")
    assert engine.step("call").child == last.pk


def test_a_child_that_is_retried_after_its_parent_has_heard_of_its_failure_changes_nothing_there(
    engine: Engine,
) -> None:
    flaky = Flaky(1)
    invoke = invoking(engine, lambda ctx: flaky(), child={"retries": 0})

    def body(ctx: jobs.ContextSync) -> str:
        try:
            invoke(ctx)
        except jobs.StepError:
            ctx.step.sleep("pause", HOUR)
            return "without it"
        return "with it"

    run = started(engine, body)
    assert actions.retry(child(), by="ada")
    run = engine.to_its_end(run)
    assert child().status == Status.COMPLETED
    assert run.output == "without it"


def test_the_end_of_an_invoked_run_is_still_an_event_for_others(engine: Engine) -> None:
    heard: list[Any] = []
    condition = "event.data.function_id == 'stepwell-child'"
    trigger = [jobs.TriggerEvent(event="jobs/function.finished", expression=condition)]
    engine.define(lambda ctx: heard.append(ctx.event.data["result"]), fn_id="listener", on=trigger)
    started(engine, invoking(engine, lambda ctx: 7))
    assert heard == [7]
    assert Event.objects.filter(name="jobs/function.finished").count() == 2


def test_a_parent_that_ended_meanwhile_is_left_alone(engine: Engine) -> None:
    run = started(engine, invoking(engine, lambda ctx: ctx.step.sleep("long", HOUR)))
    assert actions.cancel(run, by="ada")
    engine.after(run, hours=2)
    assert child().status == Status.COMPLETED
    assert parent().status == Status.CANCELLED


@pytest.mark.parametrize("seconds", [1, 3600])
def test_a_sleeping_child_holds_its_parent_waiting(engine: Engine, seconds: int) -> None:
    run = started(engine, invoking(engine, lambda ctx: ctx.step.sleep("nap", timedelta(seconds=seconds))))
    assert (run.status, run.run_at) == (Status.WAITING, None)
    assert engine.after(run, seconds=seconds + 1).status == Status.COMPLETED
