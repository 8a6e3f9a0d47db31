"""invoke: a run of its own whose result comes back, once, and whose failure is a StepError."""

import dataclasses
from datetime import timedelta
from typing import Any

import jobs
from jobs.models import Run
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Counter, Engine, Flaky
from tests.jobs.families import child, invoking, parent, started

HOUR = timedelta(hours=1)


@dataclasses.dataclass
class Point:
    x: int
    y: int


def test_the_result_of_the_child_comes_back(engine: Engine) -> None:
    run = started(engine, invoking(engine, lambda ctx: ctx.event.data["n"] + 1), {"n": 1})
    assert (run.status, run.output) == (Status.COMPLETED, 2)


def test_parent_and_child_are_linked(engine: Engine) -> None:
    started(engine, invoking(engine, lambda ctx: None), subject="shop.order/7")
    step = engine.step("call")
    assert step.child == child().pk
    assert (child().parent_run, child().parent_step) == (parent().pk, step.key)
    assert child().subject == "shop.order/7"
    assert child().trigger == "jobs/function.invoked"


def test_the_child_sees_its_data_in_an_event_of_its_own(engine: Engine) -> None:
    seen: list[jobs.Event] = []
    started(engine, invoking(engine, lambda ctx: seen.append(ctx.event)), {"n": 1})
    [event] = seen
    assert (event.name, event.data) == ("jobs/function.invoked", {"n": 1})


def test_a_child_without_a_result_gives_none(engine: Engine) -> None:
    run = started(engine, invoking(engine, lambda ctx: None))
    assert (run.status, run.output) == (Status.COMPLETED, None)
    assert engine.step("call").status == StepStatus.COMPLETED


def test_output_type_of_the_child_is_restored(engine: Engine) -> None:
    invoke = invoking(engine, lambda ctx: Point(1, 2), child={"output_type": Point})
    run = started(engine, lambda ctx: [(point := invoke(ctx)).x + point.y, type(point).__name__])
    assert run.output == [3, "Point"]


def test_the_child_runs_once_however_often_its_parent_goes_on(engine: Engine) -> None:
    calls = Counter()
    invoke = invoking(engine, lambda ctx: calls())

    def body(ctx: jobs.ContextSync) -> Any:
        result = invoke(ctx)
        ctx.step.sleep("pause", HOUR)
        return result

    assert engine.to_its_end(started(engine, body)).output == 1
    assert calls.calls == 1


def test_a_failed_child_is_a_step_error_that_can_be_caught(engine: Engine) -> None:
    invoke = invoking(engine, lambda ctx: {}["missing"], child={"retries": 0})

    def body(ctx: jobs.ContextSync) -> Any:
        try:
            return invoke(ctx)
        except jobs.StepError as error:
            return [error.name, error.message, error.step]

    assert started(engine, body).output == ["KeyError", "'missing'", "call"]


def test_a_failed_child_fails_its_parent_at_once(engine: Engine) -> None:
    passes = Counter()
    invoke = invoking(engine, lambda ctx: 1 / 0, child={"retries": 0})
    run = started(engine, lambda ctx: [passes(), invoke(ctx)])
    assert run.status == Status.FAILED
    assert (run.error["name"], run.error["step"], run.error["code"]) == ("ZeroDivisionError", "call", "step_failed")
    assert passes.calls == 2


def test_a_child_is_retried_by_its_own_count_before_the_parent_hears_of_it(engine: Engine) -> None:
    flaky = Flaky(2)
    run = started(engine, invoking(engine, lambda ctx: flaky(), child={"retries": 2}), retries=0)
    assert run.status == Status.WAITING
    assert engine.to_its_end(run).output == 3


def test_a_child_that_takes_too_long_is_an_invoke_timeout_error(engine: Engine) -> None:
    invoke = invoking(engine, lambda ctx: ctx.step.sleep("long", timedelta(days=1)), timeout=HOUR)

    def body(ctx: jobs.ContextSync) -> Any:
        try:
            return invoke(ctx)
        except jobs.StepError as error:
            return error.name

    run = engine.after(started(engine, body), hours=2)
    assert run.output == "InvokeTimeoutError"
    # The child goes on by itself, and its late end changes nothing.
    assert child().status == Status.SLEEPING
    engine.after(run, days=2)
    assert child().status == Status.COMPLETED
    assert parent().output == "InvokeTimeoutError"


def test_a_child_that_ends_in_time_is_not_timed_out(engine: Engine) -> None:
    invoke = invoking(engine, lambda ctx: ctx.step.sleep("short", HOUR), timeout=timedelta(hours=3))
    run = engine.after(started(engine, invoke), hours=2)
    assert run.status == Status.COMPLETED
    assert engine.after(run, hours=9).status == Status.COMPLETED


def test_a_function_is_invoked_by_its_id(engine: Engine) -> None:
    engine.define(lambda ctx: ctx.event.data["n"] * 2, fn_id="child", on="test/child")
    run = started(engine, lambda ctx: ctx.step.invoke_by_id("call", function_id="child", data={"n": 4}))
    assert run.output == 8


def test_a_function_of_another_app_is_invoked_by_both_ids(engine: Engine) -> None:
    other = jobs.Client(app_id="shop")
    other.create_function(fn_id="child", trigger=jobs.TriggerEvent(event="test/child"))(lambda ctx: "from the shop")
    run = started(engine, lambda ctx: ctx.step.invoke_by_id("call", app_id="shop", function_id="child"))
    assert run.output == "from the shop"


def test_an_unknown_function_fails_the_run_in_words(engine: Engine) -> None:
    run = started(engine, lambda ctx: ctx.step.invoke_by_id("call", function_id="nobody"))
    assert run.status == Status.FAILED
    assert "'stepwell-nobody' is not registered" in run.error["message"]


def test_a_child_that_has_ended_is_not_looked_up_again(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        result = ctx.step.invoke_by_id("call", function_id="child")
        ctx.step.sleep("pause", HOUR)
        return result

    engine.define(lambda ctx: 7, fn_id="child", on="test/child")
    run = started(engine, body)
    engine.deploy(body)  # without the child
    assert engine.to_its_end(run).output == 7


def test_data_that_json_cannot_carry_fails_the_run_in_words(engine: Engine) -> None:
    function = engine.define(lambda ctx: None, fn_id="child", on="test/child")
    run = started(engine, lambda ctx: ctx.step.invoke("call", function=function, data={"n": b"bytes"}))
    assert run.status == Status.FAILED
    assert '"call" cannot send its data: bytes is not JSON serialisable' in run.error["message"]
    assert Run.objects.count() == 1
