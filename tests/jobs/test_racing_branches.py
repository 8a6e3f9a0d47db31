"""group.parallel with ParallelMode.RACE: the first branch decides, and stays the first; the others are let go."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import actions
from jobs.models import Step, Wait
from jobs.types import Op, Status, StepStatus
from tests.jobs.conftest import Engine, Flaky
from tests.jobs.working import engine_at

HOUR = timedelta(hours=1)


@pytest.fixture(params=["inline", "worker"])
def engine(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Engine]:
    """The engine without any function; runs are executed in this thread, or by a real worker."""
    with engine_at(request.param) as engine:
        yield engine


def race(ctx: jobs.ContextSync, *branches: Callable[[], Any]) -> tuple[Any, ...]:
    return ctx.group.parallel(branches, parallel_mode=jobs.ParallelMode.RACE)


def wait(ctx: jobs.ContextSync, name: str) -> Callable[[], Any]:
    """A branch that waits for an event and then takes a step."""

    def branch() -> str:
        ctx.step.wait_for_event(f"wait-{name}", event=f"test/{name}", timeout=HOUR)
        return ctx.step.run(f"after-{name}", lambda: name)

    return branch


def status_of(name: str) -> str:
    return Step.objects.get(name=name).status


def test_the_first_to_end_is_alone_with_its_value(engine: Engine) -> None:
    run = engine.execute(lambda ctx: race(ctx, wait(ctx, "a"), wait(ctx, "b"), wait(ctx, "c")))
    assert run.status == Status.WAITING
    engine.send("test/b")
    assert engine.drained(run).output == [None, "b", None]


def test_what_the_losers_wait_for_is_forgotten_and_shown_as_dropped(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        result = race(ctx, wait(ctx, "a"), wait(ctx, "b"), lambda: ctx.step.sleep("nap", HOUR))
        ctx.step.sleep("pause", HOUR)
        return result

    run = engine.execute(body)
    engine.send("test/b")
    run = engine.drained(run)
    assert (status_of("wait-a"), status_of("nap")) == (StepStatus.DROPPED, StepStatus.DROPPED)
    assert not Wait.objects.exists()
    engine.send("test/a")
    assert engine.after(run, hours=2).output == [None, "b", None]
    assert not Step.objects.filter(name="after-a").exists()


def test_waits_of_groups_within_a_losing_branch_are_forgotten_too(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        both = lambda: ctx.group.parallel((wait(ctx, "a"), wait(ctx, "c")))  # noqa: E731
        result = race(ctx, both, wait(ctx, "b"))
        ctx.step.sleep("pause", HOUR)
        return result

    run = engine.execute(body)
    engine.send("test/b")
    engine.drained(run)
    assert not Wait.objects.exists()
    assert (status_of("wait-a"), status_of("wait-c")) == (StepStatus.DROPPED, StepStatus.DROPPED)


def test_the_winner_stays_the_winner_whatever_the_others_could_do_later(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        result = race(ctx, lambda: ctx.step.sleep("nap", HOUR), wait(ctx, "b"))
        ctx.step.sleep("pause", timedelta(days=1))
        return result

    run = engine.execute(body)
    engine.send("test/b")
    assert engine.after(run, minutes=1).status == Status.SLEEPING
    assert engine.after(run, days=2).output == [None, "b"]


def test_the_same_ids_in_the_branches_of_a_race_stay_apart_in_later_passes(engine: Engine) -> None:
    def branch(ctx: jobs.ContextSync, name: str) -> Callable[[], Any]:
        def steps() -> Any:
            ctx.step.wait_for_event("wait", event=f"test/{name}", timeout=HOUR)
            return ctx.step.run("after", lambda: name)

        return steps

    def body(ctx: jobs.ContextSync) -> Any:
        result = race(ctx, branch(ctx, "a"), branch(ctx, "b"))
        ctx.step.sleep("pause", HOUR)
        ctx.step.wait_for_event("wait", event="test/last", timeout=HOUR)
        return [result, ctx.step.run("after", lambda: "last")]

    run = engine.execute(body)
    engine.send("test/b")
    engine.drained(run)
    run = engine.after(run, hours=2)
    assert run.status == Status.WAITING
    engine.send("test/last")
    assert engine.drained(run).output == [[None, "b"], "last"]


def test_an_error_that_comes_first_decides_as_well(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        try:
            return race(ctx, wait(ctx, "a"), lambda: ctx.step.run("bad", lambda: 1 / 0))
        except jobs.StepError as error:
            ctx.step.sleep("pause", timedelta(minutes=1))
            return error.name

    run = engine.execute(body, retries=0)
    assert engine.after(run, hours=2).output == "ZeroDivisionError"
    assert not Wait.objects.exists()


def test_a_branch_that_is_retried_may_still_win(engine: Engine) -> None:
    flaky = Flaky(1)
    run = engine.execute(lambda ctx: race(ctx, wait(ctx, "a"), lambda: ctx.step.run("flaky", flaky)))
    assert run.status == Status.WAITING
    assert engine.after(run, minutes=10).output == [None, 2]


def test_a_retry_that_lost_is_dropped_and_counts_for_nothing(engine: Engine) -> None:
    seen: list[int] = []

    def body(ctx: jobs.ContextSync) -> Any:
        result = race(ctx, lambda: ctx.step.run("flaky", lambda: 1 / 0), wait(ctx, "b"))
        ctx.step.sleep("pause", HOUR)
        seen.append(ctx.attempt)
        return result

    run = engine.execute(body)
    engine.send("test/b")
    engine.drained(run)
    assert status_of("flaky") == StepStatus.DROPPED
    assert engine.after(run, hours=2).output == [None, "b"]
    assert seen == [0]


def test_races_one_after_the_other_and_within_branches(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        first = race(ctx, wait(ctx, "a"), wait(ctx, "b"))
        second = ctx.group.parallel((lambda: race(ctx, wait(ctx, "c"), wait(ctx, "d")), wait(ctx, "e")))
        return [first, second]

    run = engine.execute(body)
    for name in ("b", "e", "c"):
        engine.send(f"test/{name}")
        run = engine.drained(run)
    assert run.output == [[None, "b"], [["c", None], "e"]]


def test_a_run_may_start_again_from_a_step_within_a_race(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        ctx.step.run("begin", lambda: True)
        return race(ctx, wait(ctx, "a"), wait(ctx, "b"))

    run = engine.execute(body)
    engine.send("test/b")
    engine.drained(run)
    again = engine.drained(actions.rerun_from_step(run, "wait-a", by="ada"))
    assert again.status == Status.WAITING
    engine.send("test/a")
    assert engine.drained(again).output == ["a", None]


def test_lines_are_logged_after_a_race_without_steps(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        race(ctx, lambda: 1, lambda: 2)
        ctx.step.sleep("pause", HOUR)
        ctx.logger.info("rested")

    engine.after(engine.execute(body), hours=2)
    assert engine.lines() == ["rested"]


def test_no_branches_have_no_winner(engine: Engine) -> None:
    assert engine.execute(lambda ctx: race(ctx)).output == []


@pytest.fixture
def worked_engine(transactional_db: None) -> Iterator[Engine]:
    """An engine whose runs are executed by a real worker."""
    with engine_at("worker") as engine:
        yield engine


def test_what_a_race_decided_is_journaled_once(worked_engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        return race(ctx, *(lambda n=n: ctx.step.run(f"s-{n}", lambda: n) for n in range(30)))

    run = worked_engine.execute(body)
    [value] = [value for value in run.output if value is not None]
    assert run.output[value] == value
    assert Step.objects.filter(op=Op.RACE).count() == 1


def test_a_race_whose_losers_took_no_step_leaves_what_others_wait_for(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        return ctx.group.parallel((wait(ctx, "a"), lambda: race(ctx, lambda: 1, lambda: 2)))

    run = engine.execute(body)
    assert Wait.objects.count() == 1
    engine.send("test/a")
    assert engine.drained(run).output == ["a", [1, None]]
