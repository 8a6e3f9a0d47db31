"""Steps: each finishes once, whatever happens around it."""

from datetime import timedelta

import pytest

import jobs
from jobs import actions
from jobs.journal import key_of
from jobs.models import Step
from jobs.types import Op, Status, StepStatus
from tests.jobs.conftest import Counter, Engine


def test_a_finished_step_never_runs_again(engine: Engine) -> None:
    first, second = Counter(), Counter()

    def body(ctx: jobs.ContextSync) -> list[int]:
        one = ctx.step.run("first", first)
        ctx.step.sleep("pause", timedelta(hours=1))
        return [one, ctx.step.run("second", second)]

    run = engine.execute(body)
    assert (run.status, first.calls, second.calls) == (Status.SLEEPING, 1, 0)
    run = engine.after(run, hours=1)
    assert (run.status, run.output, first.calls, second.calls) == (Status.COMPLETED, [1, 1], 1, 1)


def test_handlers_get_their_arguments(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("add", lambda a, b: a + b, 2, 3))
    assert run.output == 5


def test_repeated_ids_are_numbered_in_the_order_they_are_met(engine: Engine) -> None:
    counter = Counter()

    def body(ctx: jobs.ContextSync) -> list[int]:
        numbers = [ctx.step.run("same", counter) for _ in range(3)]
        ctx.step.sleep("pause", 1000)
        return numbers

    run = engine.after(engine.execute(body), seconds=2)
    assert (run.output, counter.calls) == ([1, 2, 3], 3)
    keys = set(Step.objects.filter(name="same").values_list("key", flat=True))
    assert keys == {key_of("same"), key_of("same:1"), key_of("same:2")}


def test_a_stored_null_is_a_result(engine: Engine) -> None:
    calls: list[None] = []

    def body(ctx: jobs.ContextSync) -> bool:
        value = ctx.step.run("nothing", lambda: calls.append(None))
        ctx.step.sleep("pause", 1000)
        return value is None

    run = engine.after(engine.execute(body), seconds=2)
    assert (run.output, len(calls)) == (True, 1)
    assert engine.step("nothing").status == StepStatus.COMPLETED


def test_a_function_that_returns_nothing_completes_with_null(engine: Engine) -> None:
    run = engine.execute(lambda ctx: None)
    assert (run.status, run.output) == (Status.COMPLETED, None)


def test_new_steps_run_when_first_met_and_removed_ones_are_ignored(engine: Engine) -> None:
    old, new, kept = Counter(), Counter(), Counter()

    def before(ctx: jobs.ContextSync) -> None:
        ctx.step.run("kept", kept)
        ctx.step.run("old", old)
        ctx.step.sleep("pause", 1000)

    def after(ctx: jobs.ContextSync) -> list[int]:
        added = ctx.step.run("new", new)
        ctx.step.sleep("pause", 1000)
        return [added, ctx.step.run("kept", kept)]

    run = engine.execute(before)
    engine.deploy(after)
    run = engine.after(run, seconds=2)
    assert (run.status, run.output) == (Status.COMPLETED, [1, 1])
    assert (old.calls, new.calls, kept.calls) == (1, 1, 1)


def test_steps_may_change_their_order_under_a_live_run(engine: Engine) -> None:
    def before(ctx: jobs.ContextSync) -> None:
        ctx.step.run("a", lambda: "a")
        ctx.step.run("b", lambda: "b")
        ctx.step.sleep("pause", 1000)

    def after(ctx: jobs.ContextSync) -> list[str]:
        return [ctx.step.run("b", lambda: "again"), ctx.step.run("a", lambda: "again")]

    run = engine.execute(before)
    engine.deploy(after)
    assert engine.after(run, seconds=2).output == ["b", "a"]


def test_a_run_whose_function_is_gone_waits_until_it_is_back(engine: Engine) -> None:
    run = engine.start(lambda ctx: "done")
    engine.begin_anew()
    run = engine.drained(run)
    assert (run.status, run.error["code"]) == (Status.SLEEPING, "unknown_function")
    engine.deploy(lambda ctx: "done")
    run = engine.after(run, seconds=16)
    assert (run.status, run.output, run.error) == (Status.COMPLETED, "done", None)


@pytest.mark.parametrize("step_id", ["", "x" * 300, "nul\0", chr(0xD83D), "größer/gleich 🎈", "\0" * 255])
def test_any_string_is_an_id(engine: Engine, step_id: str) -> None:
    counter = Counter()

    def body(ctx: jobs.ContextSync) -> int:
        def handler() -> int:
            ctx.logger.info("at work")
            return counter()

        value = ctx.step.run(step_id, handler)
        ctx.step.sleep("pause", 1000)
        return value

    run = engine.after(engine.execute(body), seconds=2)
    assert (run.status, run.output, counter.calls) == (Status.COMPLETED, 1, 1)


def test_ids_that_differ_only_at_their_end_are_different_steps(engine: Engine) -> None:
    long = "x" * 300
    run = engine.execute(lambda ctx: [ctx.step.run(long + end, lambda end=end: end) for end in "ab"])
    assert run.output == ["a", "b"]


def test_an_id_that_is_no_string_fails_the_run_in_words(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.run(5, lambda: 1))  # type: ignore[arg-type]
    assert (run.status, run.error["message"]) == (Status.FAILED, "A step's id must be a string, not int")


def test_the_journal_tells_what_each_step_was(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.run("run", lambda: 1)
        ctx.step.send_event("send", jobs.Event(name="other/event"))
        ctx.step.sleep("sleep", 1000)

    engine.execute(body)
    steps = Step.objects.values_list("name", "op", "index", "status")
    assert list(steps) == [
        ("run", Op.RUN, 0, StepStatus.COMPLETED),
        ("send", Op.SEND_EVENT, 1, StepStatus.COMPLETED),
        ("sleep", Op.SLEEP, 2, StepStatus.SLEEPING),
    ]


def test_a_rerun_has_a_journal_of_its_own(engine: Engine) -> None:
    counter = Counter()
    run = engine.execute(lambda ctx: ctx.step.run("count", counter))
    again = engine.drained(actions.rerun(run, by="ada"))
    assert (run.output, again.output, Step.objects.count()) == (1, 2, 2)
