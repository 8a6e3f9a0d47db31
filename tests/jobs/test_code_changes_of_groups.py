"""Code that changes under live runs: branches, races and children."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import testing
from jobs.models import Run
from jobs.types import Status
from tests.jobs.changing import HOUR, steps
from tests.jobs.conftest import Body, Engine


def test_steps_that_become_branches_keep_their_results(engine: Engine) -> None:
    calls: dict[str, int] = {}
    run = engine.execute(steps("a", "b", "c", pause_after=2, calls=calls))

    def after(ctx: jobs.ContextSync) -> Any:
        return ctx.group.parallel(
            tuple(lambda name=name: ctx.step.run(name, lambda: f"{name} anew") for name in ("c", "b", "a"))
        )

    engine.deploy(after)
    assert engine.after(run, hours=2).output == ["c anew", "b 1", "a 1"]


def group(*branches: str, calls: dict[str, int]) -> Body:
    """A body of branches, each of steps named by letters, and then a sleep."""

    def handler(name: str) -> Callable[[], str]:
        def handle() -> str:
            calls[name] = calls.get(name, 0) + 1
            return f"{name}{calls[name]}"

        return handle

    def body(ctx: jobs.ContextSync) -> Any:
        branch = lambda names: lambda: [ctx.step.run(name, handler(name)) for name in names]  # noqa: E731
        results = ctx.group.parallel(tuple(branch(names) for names in branches))
        ctx.step.sleep("pause", HOUR)
        return results

    return body


@pytest.mark.parametrize(
    ("after", "output"),
    [
        (("cd", "ab"), [["c1", "d1"], ["a1", "b1"]]),
        (("x", "ab", "cd"), [["x1"], ["a1", "b1"], ["c1", "d1"]]),
        (("ab",), [["a1", "b1"]]),
        (("axb", "cd"), [["a1", "x1", "b1"], ["c1", "d1"]]),
        (("abx", "dc"), [["a1", "b1", "x1"], None]),
        (("ab", "c"), [["a1", "b1"], ["c1"]]),
    ],
    ids=["reordered", "added", "removed", "step-between", "step-last", "step-removed"],
)
def test_groups_of_the_next_deploy(engine: Engine, after: tuple[str, ...], output: list[Any]) -> None:
    calls: dict[str, int] = {}
    run = engine.execute(group("ab", "cd", calls=calls))
    assert calls == {"a": 1, "b": 1, "c": 1, "d": 1}
    engine.deploy(group(*after, calls=calls))
    run = engine.after(run, hours=2)
    assert [mine for mine, wanted in zip(run.output, output, strict=True) if wanted is not None] == [
        wanted for wanted in output if wanted is not None
    ]


def test_a_child_of_another_function_after_a_deploy_is_still_the_one_that_was_invoked(engine: Engine) -> None:
    old = engine.define(lambda ctx: ctx.step.sleep("nap", HOUR) or "old", fn_id="old", on="test/old")
    engine.define(lambda ctx: ctx.step.invoke("call", function=old))
    engine.send()
    testing.drain()
    run = Run.objects.get(function="stepwell-work")
    engine.begin_anew()
    engine.define(lambda ctx: ctx.step.sleep("nap", HOUR) or "old", fn_id="old", on="test/old")
    new = engine.define(lambda ctx: "new", fn_id="new", on="test/new")
    engine.define(lambda ctx: ctx.step.invoke("call", function=new))
    assert engine.after(run, hours=2).output == "old"


def test_a_race_that_lost_its_winning_branch_is_run_again(engine: Engine) -> None:
    def body(*names: str) -> Body:
        def run(ctx: jobs.ContextSync) -> Any:
            def branch(name: str) -> Callable[[], Any]:
                return lambda: ctx.step.wait_for_event(f"wait-{name}", event=f"test/{name}", timeout=HOUR).name

            result = ctx.group.parallel(tuple(map(branch, names)), parallel_mode=jobs.ParallelMode.RACE)
            ctx.step.sleep("pause", timedelta(minutes=10))
            return result

        return run

    run = engine.execute(body("a", "b"))
    engine.send("test/b")
    engine.drained(run)
    engine.deploy(body("a"))
    run = engine.after(run, minutes=11)
    assert run.status == Status.WAITING
    engine.send("test/a")
    assert engine.to_its_end(run).output == ["test/a"]
