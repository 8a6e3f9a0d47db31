"""Suspension: a body leaves by BaseException, and one that will not be left is found out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs.models import Step
from jobs.types import Status
from tests.jobs.conftest import Engine


@pytest.mark.parametrize("outer", ["outer", ""])
def test_nested_steps_fail_the_run_with_words(engine: Engine, outer: str) -> None:
    def body(ctx: jobs.ContextSync) -> str:
        try:
            ctx.step.run(outer, lambda: ctx.step.run("inner", lambda: 1))
        except Exception:
            return "caught"
        return "passed"

    run = engine.execute(body)
    assert (run.status, run.error["code"], run.error["step"]) == (Status.FAILED, "step_nested", "inner")
    assert run.error["message"] == "Nested steps are not supported."


def test_product_code_that_catches_exceptions_does_not_catch_a_suspension(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> str:
        try:
            ctx.step.sleep("pause", timedelta(minutes=1))
        except Exception:
            return "caught"
        return "slept"

    run = engine.execute(body)
    assert run.status == Status.SLEEPING
    assert engine.after(run, minutes=1).output == "slept"


def _returns(ctx: jobs.ContextSync) -> str:
    return "on"


def _raises(ctx: jobs.ContextSync) -> str:
    raise RuntimeError("on")


def _goes_on(ctx: jobs.ContextSync) -> int:
    return ctx.step.run("more", lambda: 1)


@pytest.mark.parametrize("then", [_returns, _raises])
def test_a_body_that_swallows_base_exceptions_is_found_out(engine: Engine, then: Callable[..., Any]) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        try:
            ctx.step.sleep("pause", timedelta(minutes=1))
        except BaseException:
            return then(ctx)

    run = engine.execute(body)
    assert (run.status, run.error["code"]) == (Status.FAILED, "suspension_swallowed")
    assert "stepwell-work" in run.error["message"]


def test_a_step_after_a_swallowed_suspension_suspends_again(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        try:
            ctx.step.sleep("pause", timedelta(minutes=1))
        except BaseException:
            return _goes_on(ctx)

    run = engine.execute(body)
    assert (run.status, Step.objects.filter(name="more").exists()) == (Status.SLEEPING, False)


@pytest.mark.parametrize("then", [_returns, _raises])
def test_swallowing_the_end_of_a_run_does_not_undo_it(engine: Engine, then: Callable[..., Any]) -> None:
    def refuse() -> None:
        raise jobs.NonRetriableError("never")

    def body(ctx: jobs.ContextSync) -> Any:
        try:
            ctx.step.run("refuse", refuse)
        except BaseException:
            return then(ctx)

    run = engine.execute(body)
    assert (run.status, run.error["message"], run.error["step"]) == (Status.FAILED, "never", "refuse")
