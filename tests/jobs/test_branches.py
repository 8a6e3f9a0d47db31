"""Branches of a parallel group find their own results, whatever their steps are called and wherever they stand."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import testing
from jobs.group import AT_ONCE
from jobs.models import Run, Step
from jobs.types import Status
from tests.jobs.conftest import Counter, Engine
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


def test_the_same_id_in_two_branches_is_two_steps(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        first = branches(
            ctx,
            [("load", lambda: "a1"), ("save", lambda: "a2"), ("save", lambda: "a3")],
            [("load", lambda: "b1"), ("save", lambda: "b2"), ("save", lambda: "b3")],
        )
        ctx.step.sleep("pause", HOUR)
        return [first, ctx.step.run("save", lambda: "last")]

    run = engine.after(engine.execute(body), hours=2)
    assert run.output == [[["a1", "a2", "a3"], ["b1", "b2", "b3"]], "last"]


def test_groups_within_branches_keep_their_results_apart(engine: Engine) -> None:
    slow = threading.Event()

    def branch(ctx: jobs.ContextSync, name: str, wait: bool) -> Callable[[], Any]:
        def steps() -> Any:
            inner = branches(ctx, [("load", lambda: f"{name}-1")], [("load", lambda: f"{name}-2")])
            if wait:
                slow.wait(0.2)
            return [inner, ctx.step.run("save", lambda: f"{name}-3")]

        return steps

    def body(ctx: jobs.ContextSync) -> Any:
        # In the first pass the first branch is the slow one, in the second pass it is not.
        first = ctx.step.run("begin", lambda: True) and not Step.objects.filter(name="pause").exists()
        result = ctx.group.parallel((branch(ctx, "a", first), branch(ctx, "b", not first)))
        ctx.step.sleep("pause", HOUR)
        return result

    run = engine.after(engine.execute(body), hours=2)
    assert run.output == [[[["a-1"], ["a-2"]], "a-3"], [[["b-1"], ["b-2"]], "b-3"]]


def test_groups_one_after_the_other(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        several = [branches(ctx, [("load", lambda n=n: n)], [("load", lambda n=n: -n)]) for n in (1, 2)]
        ctx.step.sleep("pause", HOUR)
        return several

    assert engine.after(engine.execute(body), hours=2).output == [[[1], [-1]], [[2], [-2]]]


def test_a_group_within_a_step_is_refused(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("outer", lambda: ctx.group.parallel((lambda: 1,))))
    assert (run.status, run.error["code"]) == (Status.FAILED, "step_nested")


def test_what_cannot_be_called_is_refused_in_words(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.group.parallel((ctx.step.run("now", lambda: 1),)))
    assert run.status == Status.FAILED
    assert "group.parallel takes callables" in run.error["message"]


def test_a_branch_that_swallows_its_suspension_is_found_out(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        def greedy() -> None:
            with contextlib.suppress(BaseException):
                ctx.step.sleep("nap", HOUR)

        return ctx.group.parallel((greedy, lambda: 1))

    run = engine.execute(body)
    assert (run.status, run.error["code"]) == (Status.FAILED, "suspension_swallowed")


def test_more_branches_than_can_be_under_way_at_once(engine: Engine) -> None:
    count = AT_ONCE + 30

    def body(ctx: jobs.ContextSync) -> int:
        values = ctx.group.parallel(tuple(lambda n=n: ctx.step.run(f"s-{n}", lambda: n) for n in range(count)))
        return len(set(values))

    assert engine.execute(body).output == count


def test_the_journal_is_found_by_id_after_a_deploy_with_branches_in_another_order(engine: Engine) -> None:
    counter = Counter()

    def before(ctx: jobs.ContextSync) -> Any:
        result = branches(ctx, [("a", counter), ("a2", counter)], [("b", counter)])
        ctx.step.sleep("pause", HOUR)
        return result

    def after(ctx: jobs.ContextSync) -> Any:
        result = branches(ctx, [("c", lambda: "new")], [("b", counter)], [("a", counter), ("a2", counter)])
        ctx.step.sleep("pause", HOUR)
        return result

    run = engine.execute(before)
    outputs = dict(Step.objects.filter(name__in=["a", "a2", "b"]).values_list("name", "output"))
    engine.deploy(after)
    run = engine.after(run, hours=2)
    assert run.output == [["new"], [outputs["b"]], [outputs["a"], outputs["a2"]]]
    assert counter.calls == 3


def test_steps_before_and_after_a_group_are_the_bodys_own(engine: Engine) -> None:
    counter = Counter()

    def body(ctx: jobs.ContextSync) -> Any:
        first = ctx.step.run("s", counter)
        middle = branches(ctx, [("s", counter)], [("t", counter)])
        last = ctx.step.run("s", counter)
        ctx.step.sleep("pause", HOUR)
        return [first, middle[0][0], last]

    run = engine.execute(body)
    values = {step.key: step.output for step in Step.objects.filter(name="s")}
    assert len(values) == 3
    run = engine.after(run, hours=2)
    assert sorted(run.output) == sorted(values.values())
    assert counter.calls == 4


def test_lines_of_branches_name_their_step(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        ctx.group.parallel(
            tuple(lambda n=n: ctx.step.run(f"s-{n}", lambda: ctx.logger.info("from %d", n)) for n in range(3))
        )

    from jobs.models import LogLine

    engine.execute(body)
    assert sorted(LogLine.objects.values_list("step", "message")) == [(f"s-{n}", f"from {n}") for n in range(3)]


def test_branches_are_really_under_way_at_once(transactional_db: None) -> None:
    barrier = threading.Barrier(8)
    with engine_at("worker") as engine:
        run = engine.execute(
            lambda ctx: ctx.group.parallel(
                tuple(lambda n=n: ctx.step.run(f"s-{n}", lambda: barrier.wait(20) >= 0) for n in range(8))
            )
        )
    assert run.output == [True] * 8


def test_a_drained_run_needs_no_worker(engine: Engine) -> None:
    engine.define(lambda ctx: branches(ctx, [("a", lambda: 1)]))
    engine.send()
    testing.drain()
    assert Run.objects.get().output == [[1]]
