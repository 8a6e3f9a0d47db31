"""`async def` functions: the same steps, awaited; executed here and by a real worker alike."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import clock
from jobs.models import Event, Run, Step, Wait
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Counter, Engine, Flaky
from tests.jobs.working import engine_at

HOUR = timedelta(hours=1)


@pytest.fixture(params=["inline", "worker"])
def engine(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Engine]:
    """The engine without any function; runs are executed in this thread, or by a real worker."""
    with engine_at(request.param) as engine:
        yield engine


async def one() -> int:
    await asyncio.sleep(0)
    return 1


def test_handlers_are_awaited_or_called(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        add = lambda a, b: a + b  # noqa: E731
        return [
            await ctx.step.run("async", one),
            await ctx.step.run("plain", add, 1, 1),
            await ctx.step.run("lambda", lambda: one()),
            await ctx.step.transaction("rows", lambda: Run.objects.count()),
        ]

    run = engine.execute(body)
    assert run.output == [1, 2, 1, 1]
    assert Step.objects.filter(status=StepStatus.COMPLETED).count() == 4


def test_a_plain_handler_may_use_the_database(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        return await ctx.step.run("count", lambda: Event.objects.filter(name="test/event").count())

    assert engine.execute(body).output == 1


def test_finished_steps_are_not_repeated_after_a_sleep(engine: Engine) -> None:
    counter = Counter()

    async def body(ctx: jobs.Context) -> Any:
        first = await ctx.step.run("count", counter)
        await ctx.step.sleep("nap", HOUR)
        await ctx.step.sleep_until("until", clock.now() + HOUR)
        return first

    run = engine.execute(body)
    assert run.status == Status.SLEEPING
    assert engine.to_its_end(run).output == 1
    assert counter.calls == 1


def test_waits_signals_and_events(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        ids = await ctx.step.send_event("send", jobs.Event(name="test/sent"))
        event = await ctx.step.wait_for_event("wait", event="test/answer", timeout=HOUR)
        other = await ctx.step.wait_for_any("any", ["test/a", "test/b"], HOUR)
        signal = await ctx.step.wait_for_signal("signal", "go", timeout=HOUR)
        return [len(ids), event and event.data, other and other.name, signal]

    run = engine.execute(body)
    engine.send("test/answer", {"n": 1})
    engine.drained(run)
    engine.send("test/b")
    engine.drained(run)
    jobs.send_signal("go", "now")
    assert engine.drained(run).output == [1, {"n": 1}, "test/b", "now"]
    assert Event.objects.filter(name="test/sent").count() == 1
    assert not Wait.objects.exists()


def test_invoking(engine: Engine) -> None:
    async def double(ctx: jobs.Context) -> int:
        return ctx.event.data["n"] * 2

    child = engine.define(double, fn_id="child", on="test/child")

    async def body(ctx: jobs.Context) -> Any:
        return [
            await ctx.step.invoke("by-function", function=child, data={"n": 1}),
            await ctx.step.invoke_by_id("by-id", function_id="child", data={"n": 2}),
        ]

    engine.define(body)
    engine.send()
    assert engine.drained(Run.objects.get()).output == [2, 4]


def test_errors_are_retried_and_then_caught(engine: Engine) -> None:
    flaky = Flaky(1)

    async def fails() -> None:
        raise KeyError("key")

    async def body(ctx: jobs.Context) -> Any:
        calls = await ctx.step.run("flaky", flaky)
        try:
            await ctx.step.run("fails", fails, retries=0)
        except jobs.StepError as error:
            return [calls, error.name]

    run = engine.execute(body)
    assert run.status == Status.SLEEPING
    assert engine.to_its_end(run).output == [2, "KeyError"]


def test_an_error_of_the_body_is_retried(engine: Engine) -> None:
    flaky = Flaky(1)

    async def body(ctx: jobs.Context) -> int:
        return flaky()

    assert engine.to_its_end(engine.execute(body)).output == 2


def test_a_step_that_takes_too_long(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        try:
            await ctx.step.run("slow", asyncio.sleep, 20, timeout=100, retries=0)
        except jobs.StepError as error:
            return error.name

    assert engine.execute(body).output == "StepTimeout"


def test_a_failure_is_handled_by_an_async_handler(engine: Engine) -> None:
    seen: list[Any] = []

    async def body(ctx: jobs.Context) -> None:
        raise jobs.NonRetriableError("no")

    async def handler(ctx: jobs.Context) -> None:
        seen.append(await ctx.step.run("note", lambda: ctx.event.data["error"]["message"]))

    run = engine.execute(body, on_failure=handler)
    assert run.status == Status.FAILED
    assert seen == ["no"]


def test_a_step_within_a_step_is_refused(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        async def outer() -> Any:
            return await ctx.step.run("inner", one)

        return await ctx.step.run("outer", outer)

    run = engine.execute(body)
    assert (run.status, run.error["code"]) == (Status.FAILED, "step_nested")


def test_a_body_that_swallows_its_suspension_is_found_out(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        try:
            await ctx.step.sleep("nap", HOUR)
        except BaseException:
            return "swallowed"

    run = engine.execute(body)
    assert (run.status, run.error["code"]) == (Status.FAILED, "suspension_swallowed")
