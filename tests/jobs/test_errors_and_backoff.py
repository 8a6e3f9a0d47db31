"""Attempts: how often what is tried again, and when."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import jobs
from jobs import clock, failures, testing
from jobs.models import Run
from jobs.types import Status
from tests.jobs.conftest import Engine, Flaky

TABLE = [15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200, 7200]


def seconds_until_due(run: Run) -> float:
    return (run.run_at - clock.now()).total_seconds()


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_a_step_is_tried_once_more_than_its_retries(engine: Engine, retries: int) -> None:
    flaky = Flaky(99)
    run = engine.to_its_end(engine.execute(lambda ctx: ctx.step.run("flaky", flaky), retries=retries))
    assert (run.status, flaky.calls) == (Status.FAILED, retries + 1)
    assert len(engine.step("flaky").attempts) == retries + 1


def test_four_retries_are_the_default_and_the_site_may_choose(engine: Engine, settings: Any) -> None:
    assert engine.define(lambda ctx: None).retries == 4
    settings.JOBS = {**settings.JOBS, "RETRIES": 1}
    assert engine.define(lambda ctx: None, fn_id="other").retries == 1


@pytest.mark.parametrize("retries", [0, 3])
def test_a_body_is_tried_once_more_than_its_retries(engine: Engine, retries: int) -> None:
    flaky = Flaky(99)
    run = engine.to_its_end(engine.execute(lambda ctx: flaky(), retries=retries))
    assert (run.status, run.error["message"], flaky.calls) == (Status.FAILED, "not yet", retries + 1)


def test_each_step_and_the_body_have_attempts_of_their_own(engine: Engine) -> None:
    first, second, body_errors = Flaky(2), Flaky(2), Flaky(2)

    def body(ctx: jobs.ContextSync) -> list[int]:
        one = ctx.step.run("first", first)
        between = body_errors()
        return [one, between, ctx.step.run("second", second)]

    run = engine.to_its_end(engine.execute(body, retries=2))
    # The body is entered again while the second step is retried, so it has been called more often than it failed.
    assert (run.status, first.calls, second.calls) == (Status.COMPLETED, 3, 3)


def test_the_bodys_count_starts_anew_after_each_finished_step(engine: Engine) -> None:
    before, after = Flaky(2), Flaky(2)

    def body(ctx: jobs.ContextSync) -> str:
        before()
        ctx.step.run("between", lambda: None)
        after()
        return "done"

    assert engine.to_its_end(engine.execute(body, retries=2)).output == "done"


def test_a_sleep_is_a_finished_step_as_well(engine: Engine) -> None:
    before, after = Flaky(2), Flaky(2)

    def body(ctx: jobs.ContextSync) -> str:
        before()
        ctx.step.sleep("between", 1000)
        after()
        return "done"

    assert engine.to_its_end(engine.execute(body, retries=2)).output == "done"


def test_a_step_that_is_retried_does_not_give_the_body_new_attempts(engine: Engine) -> None:
    errors = [ValueError, None, ValueError, None, ValueError]
    flaky = Flaky(99)

    def body(ctx: jobs.ContextSync) -> None:
        error = errors.pop(0)
        if error:
            raise error("body")
        ctx.step.run("flaky", flaky)

    run = engine.to_its_end(engine.execute(body, retries=2))
    assert (run.status, run.error["message"], flaky.calls, errors) == (Status.FAILED, "body", 2, [])


def test_ctx_attempt_counts_from_zero(engine: Engine) -> None:
    seen: list[int] = []
    flaky = Flaky(2)

    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.run("flaky", lambda: (seen.append(ctx.attempt), flaky())[1])
        seen.append(ctx.attempt)

    engine.to_its_end(engine.execute(body))
    assert seen == [0, 1, 2, 0]


@pytest.mark.parametrize("where", ["step", "body"])
def test_the_delays_follow_the_table(engine: Engine, settings: Any, where: str) -> None:
    settings.JOBS = {**settings.JOBS, "JITTER_SECONDS": 0}
    flaky = Flaky(99)
    run = engine.execute(lambda ctx: ctx.step.run("s", flaky) if where == "step" else flaky(), retries=len(TABLE))
    for number, delay in enumerate(TABLE, start=1):
        assert (run.status, flaky.calls) == (Status.SLEEPING, number)
        assert seconds_until_due(run) == pytest.approx(delay, abs=0.5)
        assert engine.after(run, seconds=delay - 1).status == Status.SLEEPING
        assert flaky.calls == number
        run = engine.after(run, seconds=1)
    assert (run.status, flaky.calls) == (Status.FAILED, len(TABLE) + 1)


def test_the_jitter_lies_between_zero_and_thirty_seconds() -> None:
    random.seed(1)
    delays = [failures.delay_before_next(ValueError(), 0, None)[0] for _ in range(500)]
    assert 15 <= min(delays) < 17
    assert 43 < max(delays) <= 45


def test_the_jitter_spreads_real_runs(engine: Engine) -> None:
    engine.define(lambda ctx: ctx.step.run("fail", Flaky(99)))
    jobs.send_sync([jobs.Event(name="test/event") for _ in range(8)])
    testing.drain()
    waits = [seconds_until_due(run) for run in Run.objects.all()]
    assert all(14 <= wait <= 45 for wait in waits)
    assert max(waits) - min(waits) > 1


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [([5, 7.5], [5, 7.5, 7.5]), (lambda attempt: attempt * 100, [0, 100, 200]), ([], [0, 0, 0]), ([-5], [0, 0, 0])],
)
def test_a_function_may_bring_its_own_backoff_without_jitter(backoff: Any, delays: list[float]) -> None:
    assert [failures.delay_before_next(ValueError(), n, backoff) for n in range(3)] == [(d, None) for d in delays]


def test_the_site_may_replace_the_table(engine: Engine, settings: Any) -> None:
    settings.JOBS = {**settings.JOBS, "BACKOFF": lambda attempt: 77}
    run = engine.execute(lambda ctx: ctx.step.run("flaky", Flaky(9)))
    assert seconds_until_due(run) == pytest.approx(77, abs=0.5)


@pytest.mark.parametrize("where", ["step", "body"])
def test_a_backoff_that_fails_itself_fails_the_run_in_its_words(engine: Engine, where: str) -> None:
    def backoff(attempt: int) -> float:
        raise LookupError("no table")

    flaky = Flaky(99)
    run = engine.execute(lambda ctx: ctx.step.run("s", flaky) if where == "step" else flaky(), backoff=backoff)
    assert (run.status, run.error["message"]) == (Status.FAILED, "no table")


IN_TEN_MINUTES = [
    pytest.param(lambda: 600_000, id="milliseconds"),
    pytest.param(lambda: timedelta(minutes=10), id="timedelta"),
    pytest.param(lambda: clock.now() + timedelta(minutes=10), id="datetime"),
    pytest.param(lambda: (clock.now() + timedelta(minutes=10)).replace(tzinfo=None), id="naive"),
]


@pytest.mark.parametrize("moment", IN_TEN_MINUTES)
@pytest.mark.parametrize("where", ["step", "body"])
def test_an_error_may_say_when_to_try_again(engine: Engine, moment: Callable[[], Any], where: str) -> None:
    flaky = Flaky(1, lambda: jobs.RetryAfterError("busy", moment()))
    run = engine.execute(lambda ctx: ctx.step.run("s", flaky) if where == "step" else flaky())
    assert seconds_until_due(run) == pytest.approx(600, abs=0.5)
    assert engine.after(run, seconds=598).status == Status.SLEEPING
    assert engine.after(run, seconds=2).output == 2


@pytest.mark.parametrize(
    "moment", [lambda: 10**12, lambda: timedelta(days=400), lambda: datetime(2099, 1, 1, tzinfo=UTC)]
)
def test_nobody_is_made_to_wait_longer_than_a_day(engine: Engine, moment: Callable[[], Any]) -> None:
    flaky = Flaky(1, lambda: jobs.RetryAfterError("busy", moment()))
    run = engine.execute(lambda ctx: ctx.step.run("busy", flaky))
    assert seconds_until_due(run) == pytest.approx(86_400, abs=0.5)


@pytest.mark.parametrize("moment", [0, 3, -5, datetime(2001, 1, 1, tzinfo=UTC)])
def test_retry_after_has_no_floor(engine: Engine, moment: Any) -> None:
    run = engine.execute(lambda ctx: None)
    flaky = Flaky(1, lambda: jobs.RetryAfterError("busy", moment))
    engine.deploy(lambda ctx: ctx.step.run("busy", flaky))
    engine.send()
    testing.drain()
    assert engine.after(Run.objects.exclude(pk=run.pk).get(), milliseconds=5).output == 2


def test_retry_after_counts_as_an_attempt(engine: Engine) -> None:
    flaky = Flaky(99, lambda: jobs.RetryAfterError("busy", 1000))
    run = engine.to_its_end(engine.execute(lambda ctx: ctx.step.run("busy", flaky), retries=2))
    assert (run.status, flaky.calls) == (Status.FAILED, 3)
