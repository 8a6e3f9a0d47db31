"""Code that changes under live runs: what has finished is found by its id, whatever stands around it now."""

from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import actions
from jobs.models import Step, Wait
from jobs.types import Status, StepStatus
from tests.jobs.changing import HOUR, steps
from tests.jobs.conftest import Body, Counter, Engine


@pytest.mark.parametrize(
    ("after", "output", "calls"),
    [
        ("new a b c", ["new 1", "a 1", "b 1", "c 1"], {"new": 1, "a": 1, "b": 1, "c": 1}),
        ("a new b c", ["a 1", "new 1", "b 1", "c 1"], {"new": 1, "a": 1, "b": 1, "c": 1}),
        ("a b c new", ["a 1", "b 1", "c 1", "new 1"], {"new": 1, "a": 1, "b": 1, "c": 1}),
        ("b c", ["b 1", "c 1"], {"a": 1, "b": 1, "c": 1}),
        ("c b a", ["c 1", "b 1", "a 1"], {"a": 1, "b": 1, "c": 1}),
        ("a renamed c", ["a 1", "renamed 1", "c 1"], {"a": 1, "b": 1, "renamed": 1, "c": 1}),
    ],
    ids=["added-first", "added-between", "added-last", "removed", "reordered", "renamed"],
)
def test_steps_of_the_next_deploy(engine: Engine, after: str, output: list[str], calls: dict[str, int]) -> None:
    made: dict[str, int] = {}
    run = engine.execute(steps("a", "b", "c", pause_after=2, calls=made))
    assert (run.status, made) == (Status.SLEEPING, {"a": 1, "b": 1})
    engine.deploy(steps(*after.split(), pause_after=99, calls=made))
    run = engine.after(run, hours=2)
    assert run.output == output
    assert made == calls


def test_a_sleep_that_the_code_has_lost_delays_the_rest_no_longer_than_it_was_to_last(engine: Engine) -> None:
    run = engine.execute(steps("a", "b", pause_after=1, calls={}))
    engine.deploy(steps("a", "b", pause_after=99, calls={}))
    assert engine.drained(run).status == Status.SLEEPING
    assert engine.after(run, hours=2).status == Status.COMPLETED


def test_a_step_that_was_failing_is_tried_in_its_new_form(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("s", lambda: 1 / 0))
    assert run.status == Status.SLEEPING
    engine.deploy(lambda ctx: ctx.step.run("s", lambda: "mended"))
    assert engine.to_its_end(run).output == "mended"


def test_a_failed_run_is_retried_with_the_new_code(engine: Engine) -> None:
    calls: dict[str, int] = {}
    before = steps("a", "b", pause_after=99, calls=calls)

    def broken(ctx: jobs.ContextSync) -> Any:
        before(ctx)
        return ctx.step.run("c", lambda: 1 / 0)

    run = engine.execute(broken, retries=0)
    engine.deploy(steps("b", "c", "a", pause_after=99, calls=calls))
    assert actions.retry(run, by="ada")
    assert engine.drained(run).output == ["b 1", "c 1", "a 1"]


def wait(name: str, event: str, **options: Any) -> Body:
    def body(ctx: jobs.ContextSync) -> Any:
        found = ctx.step.wait_for_event(name, event=event, **{"timeout": HOUR, **options})
        return None if found is None else found.name

    return body


def test_a_wait_goes_on_as_it_was_registered(engine: Engine) -> None:
    run = engine.execute(wait("wait", "test/old"))
    engine.deploy(wait("wait", "test/new", timeout=timedelta(days=9)))
    engine.send("test/new")
    assert engine.drained(run).status == Status.WAITING
    engine.send("test/old")
    assert engine.drained(run).output == "test/old"


def test_a_wait_that_the_code_has_lost_lets_the_run_go_on_at_its_timeout(engine: Engine) -> None:
    run = engine.execute(wait("wait", "test/old"))
    engine.deploy(lambda ctx: "done")
    assert engine.after(run, hours=2).output == "done"
    assert not Wait.objects.exists()


def test_a_wait_that_the_code_has_lost_may_still_be_met(engine: Engine) -> None:
    run = engine.execute(wait("wait", "test/old"))
    engine.deploy(lambda ctx: "done")
    engine.send("test/old")
    assert engine.drained(run).output == "done"


def test_a_renamed_wait_waits_anew(engine: Engine) -> None:
    run = engine.execute(wait("wait", "test/old"))
    engine.deploy(wait("renamed", "test/new"))
    run = engine.after(run, hours=2)
    assert run.status == Status.WAITING
    engine.send("test/new")
    assert engine.drained(run).output == "test/new"
    assert not Wait.objects.exists()


def test_a_step_may_be_put_before_a_wait(engine: Engine) -> None:
    counter = Counter()
    run = engine.execute(wait("wait", "test/old"))

    def after(ctx: jobs.ContextSync) -> Any:
        return [ctx.step.run("new", counter), wait("wait", "test/old")(ctx)]

    engine.deploy(after)
    engine.send("test/old")
    assert engine.drained(run).output == [1, "test/old"]


def test_what_was_met_stays_so_when_the_wait_becomes_a_step(engine: Engine) -> None:
    def before(ctx: jobs.ContextSync) -> Any:
        wait("wait", "test/old")(ctx)
        ctx.step.sleep("pause", HOUR)

    run = engine.execute(before)
    engine.send("test/old")
    engine.drained(run)
    engine.deploy(lambda ctx: ctx.step.run("wait", lambda: "anew")["name"])
    assert engine.after(run, hours=2).output == "test/old"


def test_an_unknown_function_waits_for_a_worker_that_knows_it(engine: Engine) -> None:
    run = engine.execute(steps("a", "b", pause_after=1, calls={}))
    engine.begin_anew()
    run = engine.after(run, hours=2)
    assert (run.status, run.error["code"]) == (Status.SLEEPING, "unknown_function")
    engine.define(steps("a", "b", pause_after=99, calls={}))
    assert engine.after(run, minutes=1).status == Status.COMPLETED


def test_a_thousand_steps_are_written_once_each(engine: Engine) -> None:
    calls = Counter()

    def body(ctx: jobs.ContextSync) -> int:
        for number in range(1000):
            ctx.step.run(f"step-{number}", calls)
        return calls.calls

    run = engine.execute(body)
    assert (run.status, run.output) == (Status.COMPLETED, 1000)
    assert Step.objects.filter(status=StepStatus.COMPLETED).count() == 1000


def test_a_run_of_many_passes_meets_each_finished_step_without_a_statement(
    engine: Engine, django_assert_max_num_queries: Any
) -> None:
    calls = Counter()

    def body(ctx: jobs.ContextSync) -> int:
        for number in range(300):
            ctx.step.run(f"step-{number}", calls)
        ctx.step.sleep("pause", HOUR)
        return calls.calls

    run = engine.execute(body)
    engine.pass_time(hours=2)
    with django_assert_max_num_queries(25):
        run = engine.drained(run)
    assert run.output == 300
