"""Errors: which end a run, which may be caught, and what is written down of them."""

import asyncio
import sys
from datetime import datetime
from typing import Any

import pytest

import jobs
from jobs.models import Run, Step
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Engine, Flaky


def test_a_spent_step_may_be_caught(engine: Engine) -> None:
    flaky, fallback = Flaky(99), Flaky(0)

    def body(ctx: jobs.ContextSync) -> dict[str, Any]:
        try:
            ctx.step.run("flaky", flaky)
        except jobs.StepError as error:
            got = {"name": error.name, "message": error.message, "step": error.step}
        ctx.step.sleep("pause", 1000)
        return {**got, "fallback": ctx.step.run("fallback", fallback)}

    run = engine.to_its_end(engine.execute(body, retries=1))
    assert run.output == {"name": "ValueError", "message": "not yet", "step": "flaky", "fallback": 1}
    assert (flaky.calls, fallback.calls, engine.step("flaky").status) == (2, 1, StepStatus.FAILED)


def test_a_spent_step_that_nobody_catches_fails_the_run_at_once(engine: Engine) -> None:
    flaky, entries = Flaky(99), Flaky(0)

    def body(ctx: jobs.ContextSync) -> None:
        entries()
        ctx.step.run("flaky", flaky)

    run = engine.to_its_end(engine.execute(body, retries=1))
    assert (run.status, flaky.calls, entries.calls) == (Status.FAILED, 2, 2)
    error = run.error
    assert (error["code"], error["name"], error["message"], error["step"]) == (
        "step_failed",
        "ValueError",
        "not yet",
        "flaky",
    )


@pytest.mark.parametrize("where", ["step", "body"])
def test_a_non_retriable_error_fails_the_run_now(engine: Engine, where: str) -> None:
    flaky = Flaky(99, lambda: jobs.NonRetriableError("never"))
    run = engine.execute(lambda ctx: ctx.step.run("s", flaky) if where == "step" else flaky())
    assert (run.status, run.error["code"], flaky.calls) == (Status.FAILED, "non_retriable", 1)
    assert (run.error["name"], run.error["message"]) == ("NonRetriableError", "never")


def test_a_non_retriable_error_of_a_step_cannot_be_caught(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> str:
        try:
            ctx.step.run("refuse", Flaky(1, lambda: jobs.NonRetriableError("never")))
        except Exception:
            return "caught"
        return "passed"

    assert engine.execute(body).error["message"] == "never"
    assert engine.step("refuse").status == StepStatus.FAILED


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), asyncio.CancelledError("gone")], ids=repr)
@pytest.mark.parametrize("where", ["step", "body"])
def test_what_is_no_exception_is_an_error_all_the_same(engine: Engine, error: BaseException, where: str) -> None:
    flaky = Flaky(1, lambda: error)
    run = engine.execute(lambda ctx: ctx.step.run("s", flaky) if where == "step" else flaky(), backoff=[1])
    assert (run.status, run.error["name"]) == (Status.SLEEPING, type(error).__name__)
    assert engine.after(run, seconds=2).output == 2


def test_leaving_by_sys_exit_ends_in_a_failed_run(engine: Engine) -> None:
    run = engine.execute(lambda ctx: sys.exit("leaving"), retries=0)
    assert (run.status, run.error["message"]) == (Status.FAILED, "leaving")


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_that_cannot_be_put_in_words_fails_the_run_like_any_other(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("fail", Flaky(9, Unspeakable)), retries=0)
    assert (run.status, run.error["name"]) == (Status.FAILED, "Unspeakable")


def test_an_error_that_causes_itself_is_described(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        error = ValueError("round")
        raise error from error

    assert engine.execute(body, retries=0).error["message"] == "round"


def test_an_error_without_words_is_called_by_its_name(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("fail", Flaky(9, KeyError)), retries=0)
    assert (run.error["message"], set(run.error)) == ("KeyError", {"code", "name", "message", "stack", "step"})


def test_the_stack_begins_in_product_code_and_marks_the_engine(engine: Engine) -> None:
    def outer(ctx: jobs.ContextSync) -> None:
        ctx.step.sleep(5, 1)  # type: ignore[arg-type]

    def body(ctx: jobs.ContextSync) -> None:
        outer(ctx)

    frames = engine.execute(body).error["stack"].splitlines()[::2]
    assert [frame.partition(":")[0] for frame in frames[:2]] == ["tests/jobs/test_errors.py"] * 2
    assert [frame.split(":")[0] for frame in frames[2:]] == [
        "[engine] jobs/step.py",
        "[engine] jobs/step.py",
        "[engine] jobs/attempt.py",
    ]


def test_the_stack_of_a_step_ends_where_it_was_raised(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("flaky", Flaky(9)), retries=0)
    last = run.error["stack"].splitlines()[-2]
    assert last.startswith("tests/jobs/conftest.py:")
    assert last.endswith("in __call__")


def test_the_journal_keeps_every_attempt(engine: Engine) -> None:
    messages = ["one", "two"]
    flaky = Flaky(2, lambda: ValueError(messages[flaky.calls - 1]))
    engine.to_its_end(engine.execute(lambda ctx: ctx.step.run("flaky", flaky), backoff=[60]))
    step = engine.step("flaky")
    assert [(one["n"], one["error"]["message"]) for one in step.attempts] == [(0, "one"), (1, "two")]
    assert all(datetime.fromisoformat(one["started"]) <= datetime.fromisoformat(one["ended"]) for one in step.attempts)
    assert (step.status, step.output, step.error) == (StepStatus.COMPLETED, 3, None)


def test_a_run_between_attempts_shows_the_error_and_forgets_it_when_it_ends_well(engine: Engine) -> None:
    flaky = Flaky(1)
    run = engine.execute(lambda ctx: ctx.step.run("flaky", flaky), backoff=[60])
    assert (run.status, run.error["message"]) == (Status.SLEEPING, "not yet")
    assert Step.objects.get().status == StepStatus.RETRYING
    run = engine.after(run, seconds=60)
    assert (run.status, run.error) == (Status.COMPLETED, None)


def test_a_run_whose_workers_keep_dying_is_failed(engine: Engine) -> None:
    run = engine.start(lambda ctx: "done")
    Run.objects.update(crashes=10)
    run = engine.drained(run)
    assert (run.status, run.error["code"]) == (Status.FAILED, "crashed")
    assert "10 times" in run.error["message"]
