"""group.parallel in `async def` functions: each branch is a task."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs.models import Step, Wait
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Engine
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


def test_branches_of_several_steps_that_sleep_and_wait(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        async def sleeper() -> Any:
            await ctx.step.sleep("nap", HOUR)
            return await ctx.step.run("load", lambda: "rested")

        async def waiter() -> Any:
            event = await ctx.step.wait_for_event("wait", event="test/answer", timeout=HOUR)
            return event and event.data["n"]

        async def worker() -> Any:
            return [await ctx.step.run("load", one), await ctx.step.run("load", lambda: 2)]

        return await ctx.group.parallel((sleeper, waiter, worker))

    run = engine.execute(body)
    assert run.status == Status.WAITING
    assert Step.objects.filter(name="load", status=StepStatus.COMPLETED).count() == 2
    engine.send("test/answer", {"n": 7})
    run = engine.drained(run)
    assert run.status == Status.SLEEPING
    assert engine.after(run, hours=2).output == ["rested", 7, [1, 2]]


def test_an_error_of_a_branch_is_raised_once_the_others_have_ended(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        async def bad() -> None:
            await ctx.step.run("bad", lambda: 1 / 0)

        async def good() -> int:
            return await ctx.step.run("good", one)

        try:
            await ctx.group.parallel((bad, good))
        except jobs.StepError as error:
            return error.name

    assert engine.execute(body, retries=0).output == "ZeroDivisionError"
    assert engine.step("good").status == StepStatus.COMPLETED


def test_a_race_is_decided_once(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        async def wait(name: str) -> str:
            await ctx.step.wait_for_event("wait", event=f"test/{name}", timeout=HOUR)
            return await ctx.step.run("after", lambda: name)

        race = jobs.ParallelMode.RACE
        result = await ctx.group.parallel((lambda: wait("a"), lambda: wait("b")), parallel_mode=race)
        await ctx.step.sleep("pause", HOUR)
        return [result, await ctx.step.run("after", lambda: "last")]

    run = engine.execute(body)
    engine.send("test/b")
    engine.drained(run)
    assert not Wait.objects.exists()
    engine.send("test/a")
    assert engine.after(run, hours=2).output == [[None, "b"], "last"]
    assert Step.objects.filter(status=StepStatus.DROPPED).count() == 1


def test_groups_within_groups(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        def step(value: str) -> Any:
            return lambda: ctx.step.run("load", lambda: value)

        def branch(name: str) -> Any:
            async def steps() -> Any:
                inner = await ctx.group.parallel((step(f"{name}1"), step(f"{name}2")))
                return [*inner, await ctx.step.run("save", lambda: f"{name}3")]

            return steps

        result = await ctx.group.parallel((branch("a"), branch("b")))
        await ctx.step.sleep("pause", HOUR)
        return result

    run = engine.after(engine.execute(body), hours=2)
    assert run.output == [["a1", "a2", "a3"], ["b1", "b2", "b3"]]


def test_async_handlers_of_branches_are_under_way_at_once(transactional_db: None) -> None:
    async def body(ctx: jobs.Context) -> Any:
        barrier = asyncio.Barrier(20)

        def meet(n: int) -> Any:
            async def handler() -> bool:
                await asyncio.wait_for(barrier.wait(), 20)
                return True

            return lambda: ctx.step.run(f"s-{n}", handler)

        return sum(await ctx.group.parallel(tuple(meet(n) for n in range(20))))

    with engine_at("worker") as engine:
        assert engine.execute(body).output == 20
