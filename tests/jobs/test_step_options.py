"""retries= and timeout= of a step: its own number of attempts, and a time after which a result counts no more."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs.models import Run
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Engine, Flaky
from tests.jobs.working import engine_at


def test_a_step_has_its_own_number_of_attempts(engine: Engine) -> None:
    flaky = Flaky(3)
    run = engine.to_its_end(engine.execute(lambda ctx: ctx.step.run("s", flaky, retries=3), retries=0))
    assert (run.output, flaky.calls) == (4, 4)


def test_a_step_may_have_fewer_attempts_than_the_function(engine: Engine) -> None:
    flaky = Flaky(9)

    def body(ctx: jobs.ContextSync) -> Any:
        try:
            return ctx.step.run("s", flaky, retries=0)
        except jobs.StepError as error:
            return error.message

    assert engine.execute(body, retries=4).output == "not yet"
    assert flaky.calls == 1


def test_only_the_step_that_names_it_has_another_number(engine: Engine) -> None:
    flaky = Flaky(9)

    def body(ctx: jobs.ContextSync) -> Any:
        ctx.step.run("patient", lambda: True, retries=9)
        return ctx.step.run("s", flaky)

    run = engine.to_its_end(engine.execute(body, retries=1))
    assert (run.status, flaky.calls) == (Status.FAILED, 2)


def test_a_step_in_time_is_like_any_other(engine: Engine) -> None:
    assert engine.execute(lambda ctx: ctx.step.run("s", lambda: [1], timeout=timedelta(seconds=30))).output == [1]


def test_a_step_that_takes_too_long_fails_its_attempt_and_may_succeed_later(engine: Engine) -> None:
    waits = [0.05, 0.0]
    run = engine.execute(lambda ctx: ctx.step.run("s", lambda: time.sleep(waits.pop(0)), timeout=20))
    step = engine.step("s")
    assert (run.status, step.status) == (Status.SLEEPING, StepStatus.RETRYING)
    assert step.error["name"] == "StepTimeout"
    assert step.error["message"] == "The step took longer than 0.02 s."
    assert engine.to_its_end(run).status == Status.COMPLETED


def test_spent_timeouts_are_a_step_error_of_that_name(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        try:
            ctx.step.run("s", time.sleep, 0.05, timeout=20, retries=0)
        except jobs.StepError as error:
            return error.name

    assert engine.execute(body).output == "StepTimeout"


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_worker_does_not_wait_for_a_late_handler_and_drops_its_result(transactional_db: None, kind: str) -> None:
    go_on, ended = threading.Event(), threading.Event()

    def handler() -> str:
        go_on.wait(20)
        ended.set()
        return "late"

    def plain(ctx: jobs.ContextSync) -> Any:
        try:
            return ctx.step.run("s", handler, timeout=100, retries=0)
        except jobs.StepError as error:
            return error.name

    async def asynchronous(ctx: jobs.Context) -> Any:
        try:
            return await ctx.step.run("s", handler, timeout=100, retries=0)
        except jobs.StepError as error:
            return error.name

    with engine_at("worker") as engine:
        try:
            run = engine.execute(plain if kind == "plain" else asynchronous)
        finally:
            go_on.set()
        assert (run.status, run.output) == (Status.COMPLETED, "StepTimeout")
        assert ended.wait(10)
        time.sleep(0.2)
        assert engine.step("s").status == StepStatus.FAILED
        assert Run.objects.get().output == "StepTimeout"


def test_an_error_within_the_time_is_the_handlers_own(transactional_db: None) -> None:
    with engine_at("worker") as engine:
        run = engine.execute(lambda ctx: ctx.step.run("s", lambda: 1 / 0, timeout=20_000, retries=0))
    assert (run.status, run.error["name"]) == (Status.FAILED, "ZeroDivisionError")


def test_a_step_within_a_timed_step_is_refused(transactional_db: None) -> None:
    with engine_at("worker") as engine:
        run = engine.execute(
            lambda ctx: ctx.step.run("outer", lambda: ctx.step.run("inner", lambda: 1), timeout=20_000)
        )
    assert (run.status, run.error["code"]) == (Status.FAILED, "step_nested")


def test_steps_of_a_group_have_their_own_time(transactional_db: None) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        def slow() -> Any:
            try:
                return ctx.step.run("slow", time.sleep, 3, timeout=200, retries=0)
            except jobs.StepError as error:
                return error.name

        return ctx.group.parallel((slow, lambda: ctx.step.run("fast", lambda: "in time", timeout=20_000)))

    with engine_at("worker") as engine:
        assert engine.execute(body).output == ["StepTimeout", "in time"]
