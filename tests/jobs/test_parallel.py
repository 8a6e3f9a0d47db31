"""group.parallel: branches at the same time, each with steps of its own; executed here and by a real worker alike."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs.models import Event, Run, Step
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Counter, Engine, Flaky
from tests.jobs.working import engine_at

HOUR = timedelta(hours=1)


@pytest.fixture(params=["inline", "worker"])
def engine(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Engine]:
    """The engine without any function; runs are executed in this thread, or by a real worker."""
    with engine_at(request.param) as engine:
        yield engine


def branches(ctx: jobs.ContextSync, *several: list[tuple[str, Callable[[], Any]]]) -> tuple[Any, ...]:
    """Run branches, each of steps given by id and handler."""

    def branch(steps: list[tuple[str, Callable[[], Any]]]) -> Callable[[], Any]:
        return lambda: [ctx.step.run(name, handler) for name, handler in steps]

    return ctx.group.parallel(tuple(branch(steps) for steps in several))


def test_values_come_back_in_the_order_of_the_branches(engine: Engine) -> None:
    run = engine.execute(lambda ctx: branches(ctx, [("a", lambda: 1), ("b", lambda: 2)], [("c", lambda: 3)], []))
    assert run.output == [[1, 2], [3], []]
    assert Step.objects.filter(status=StepStatus.COMPLETED).count() == 3


def test_no_branches_are_nothing(engine: Engine) -> None:
    assert engine.execute(lambda ctx: branches(ctx)).output == []


def test_a_branch_that_sleeps_lets_the_others_finish(engine: Engine) -> None:
    counter = Counter()

    def body(ctx: jobs.ContextSync) -> Any:
        def sleeper() -> str:
            ctx.step.sleep("nap", HOUR)
            return ctx.step.run("after", lambda: "rested")

        return ctx.group.parallel((sleeper, lambda: ctx.step.run("count", counter)))

    run = engine.execute(body)
    assert (run.status, engine.step("count").output) == (Status.SLEEPING, 1)
    run = engine.after(run, hours=2)
    assert run.output == ["rested", 1]
    assert counter.calls == 1


def test_the_run_goes_on_when_the_first_of_its_branches_can(engine: Engine) -> None:
    def sleeper(ctx: jobs.ContextSync, hours: int) -> Callable[[], str]:
        def branch() -> str:
            ctx.step.sleep(f"nap-{hours}", timedelta(hours=hours))
            return ctx.step.run(f"after-{hours}", lambda: f"{hours} hours")

        return branch

    run = engine.execute(lambda ctx: ctx.group.parallel((sleeper(ctx, 3), sleeper(ctx, 1), sleeper(ctx, 2))))
    for hours in (1, 2):
        run = engine.after(run, minutes=61)
        assert engine.step(f"after-{hours}").status == StepStatus.COMPLETED
        assert run.status == Status.SLEEPING
    assert engine.after(run, minutes=61).output == ["3 hours", "1 hours", "2 hours"]


def test_branches_wait_for_events_beside_each_other(engine: Engine) -> None:
    def wait(ctx: jobs.ContextSync, name: str) -> Callable[[], Any]:
        return lambda: ctx.step.wait_for_event(f"wait-{name}", event=f"test/{name}", timeout=HOUR).data["n"]

    run = engine.execute(lambda ctx: ctx.group.parallel((wait(ctx, "a"), wait(ctx, "b"))))
    assert run.status == Status.WAITING
    engine.send("test/b", {"n": 2})
    run = engine.drained(run)
    assert run.status == Status.WAITING
    engine.send("test/a", {"n": 1})
    assert engine.drained(run).output == [1, 2]


def test_a_branch_may_wait_for_what_another_one_sends(engine: Engine) -> None:
    run = engine.execute(
        lambda ctx: ctx.group.parallel(
            (
                lambda: ctx.step.wait_for_event("wait", event="test/answer", timeout=HOUR).data,
                lambda: len(ctx.step.send_event("send", jobs.Event(name="test/answer", data={"n": 1}))),
            )
        )
    )
    assert run.output == [{"n": 1}, 1]


def test_branches_invoke_children(engine: Engine) -> None:
    child = engine.define(lambda ctx: ctx.event.data["n"] * 2, fn_id="child", on="test/child")

    def invoke(ctx: jobs.ContextSync, n: int) -> Callable[[], Any]:
        return lambda: ctx.step.invoke(f"call-{n}", function=child, data={"n": n})

    engine.define(lambda ctx: ctx.group.parallel(tuple(invoke(ctx, n) for n in range(5))))
    engine.send()
    run = engine.drained(Run.objects.get())
    assert run.output == [0, 2, 4, 6, 8]


def test_a_branch_that_is_retried_lets_the_others_finish_and_keeps_its_pause(engine: Engine) -> None:
    flaky, counter = Flaky(2), Counter()
    run = engine.execute(
        lambda ctx: ctx.group.parallel((lambda: ctx.step.run("flaky", flaky), lambda: ctx.step.run("other", counter))),
        backoff=[600],
    )
    assert (run.status, engine.step("other").output, flaky.calls) == (Status.SLEEPING, 1, 1)
    run = engine.after(run, minutes=5)
    assert flaky.calls == 1
    run = engine.after(run, minutes=6)
    assert flaky.calls == 2
    assert engine.after(run, minutes=11).output == [3, 1]
    assert counter.calls == 1


def test_a_pause_before_the_next_attempt_is_not_cut_short_by_what_another_branch_waits_for(engine: Engine) -> None:
    flaky = Flaky(1)

    def body(ctx: jobs.ContextSync) -> Any:
        return ctx.group.parallel(
            (
                lambda: ctx.step.run("flaky", flaky),
                lambda: ctx.step.wait_for_event("wait", event="test/answer", timeout=timedelta(days=2)).name,
            )
        )

    run = engine.execute(body, backoff=[3600])
    engine.send("test/answer")
    run = engine.drained(run)
    assert flaky.calls == 1
    assert engine.after(run, minutes=61).output == [2, "test/answer"]


def test_the_error_of_a_branch_is_raised_once_the_others_have_ended(engine: Engine) -> None:
    counter = Counter()

    def body(ctx: jobs.ContextSync) -> Any:
        try:
            return ctx.group.parallel((lambda: ctx.step.run("bad", lambda: 1 / 0), lambda: ctx.step.run("ok", counter)))
        except jobs.StepError as error:
            return [error.name, counter.calls]

    assert engine.execute(body, retries=0).output == ["ZeroDivisionError", 1]


def test_an_error_of_the_branch_itself_is_the_bodys(engine: Engine) -> None:
    flaky, counter = Flaky(1), Counter()

    def body(ctx: jobs.ContextSync) -> Any:
        return ctx.group.parallel((flaky, lambda: ctx.step.run("count", counter)))

    run = engine.to_its_end(engine.execute(body))
    assert run.output == [2, 1]
    assert counter.calls == 1


def test_an_error_that_is_not_retried_ends_the_run_whatever_the_others_do(engine: Engine) -> None:
    def refuse() -> None:
        raise jobs.NonRetriableError("no")

    def body(ctx: jobs.ContextSync) -> Any:
        sleep = lambda: ctx.step.sleep("nap", HOUR)  # noqa: E731
        return ctx.group.parallel((sleep, lambda: ctx.step.run("refuse", refuse), sleep))

    run = engine.execute(body)
    assert (run.status, run.error["message"]) == (Status.FAILED, "no")


def test_several_failing_branches_are_one_failure(engine: Engine) -> None:
    handled = Counter()

    def body(ctx: jobs.ContextSync) -> Any:
        return ctx.group.parallel(tuple(lambda n=n: ctx.step.run(f"bad-{n}", lambda: 1 / 0) for n in range(5)))

    run = engine.execute(body, retries=0, on_failure=lambda ctx: handled())
    assert run.status == Status.FAILED
    assert handled.calls == 1
    assert Event.objects.filter(name="jobs/function.failed").count() == 1
    assert Step.objects.filter(status=StepStatus.FAILED).count() == 5


def test_a_failed_group_is_retried_from_its_failed_step(engine: Engine) -> None:
    from jobs import actions

    flaky, counter = Flaky(1), Counter()
    run = engine.execute(lambda ctx: branches(ctx, [("ok", counter)], [("first", counter), ("bad", flaky)]), retries=0)
    assert run.status == Status.FAILED
    assert actions.retry(run, by="ada")
    run = engine.drained(run)
    assert run.status == Status.COMPLETED
    assert (flaky.calls, counter.calls) == (2, 2)


def test_a_retried_run_waits_again_for_what_its_other_branch_had_waited_for(engine: Engine) -> None:
    from jobs import actions

    flaky = Flaky(1, lambda: jobs.NonRetriableError("no"))

    def body(ctx: jobs.ContextSync) -> Any:
        return ctx.group.parallel(
            (
                lambda: ctx.step.wait_for_event("wait", event="test/answer", timeout=HOUR).name,
                lambda: ctx.step.run("flaky", flaky),
            )
        )

    run = engine.execute(body)
    assert run.status == Status.FAILED
    engine.pass_time(hours=5)
    assert actions.retry(run, by="ada")
    run = engine.drained(run)
    assert run.status == Status.WAITING
    engine.send("test/answer")
    assert engine.drained(run).output == ["test/answer", 2]
