"""Log lines and progress: what a run says is on its page once, in order, and never costs it its life."""

import logging
from types import MappingProxyType
from typing import Any

import pytest

import jobs
from jobs.models import LogLine
from jobs.types import Status
from tests.jobs.conftest import Engine, Flaky


def test_lines_keep_their_level_text_step_and_order(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        ctx.logger.debug("begin %d", 1)
        ctx.step.run("work", lambda: ctx.logger.warning("at %s of %s", 1, 2))
        ctx.logger.error("end")

    run = engine.execute(body)
    lines = list(LogLine.objects.filter(run=run).values_list("level", "message", "step"))
    assert lines == [("DEBUG", "begin 1", ""), ("WARNING", "at 1 of 2", "work"), ("ERROR", "end", "")]
    assert list(LogLine.objects.order_by("at")) == list(LogLine.objects.all())


def test_a_body_entered_again_does_not_repeat_its_lines(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        ctx.logger.info("one")
        ctx.step.run("a", lambda: ctx.logger.info("two"))
        ctx.logger.info("three")
        ctx.step.sleep("pause", 1000)
        ctx.logger.info("four")
        ctx.step.run("b", lambda: ctx.logger.info("five"))
        ctx.logger.info("six")

    engine.after(engine.execute(body), seconds=2)
    assert engine.lines() == ["one", "two", "three", "four", "five", "six"]


def test_lines_are_kept_where_the_code_has_lost_a_step(engine: Engine) -> None:
    def before(ctx: jobs.ContextSync) -> None:
        ctx.step.run("removed", lambda: None)
        ctx.logger.info("one")
        ctx.step.sleep("pause", 1000)

    def after(ctx: jobs.ContextSync) -> None:
        ctx.logger.info("one")
        ctx.step.sleep("pause", 1000)
        ctx.logger.info("two")

    run = engine.execute(before)
    engine.deploy(after)
    engine.after(run, seconds=2)
    assert engine.lines() == ["one", "two"]


def test_every_attempt_tells_its_own_story(engine: Engine) -> None:
    flaky = Flaky(1)

    def handler(ctx: jobs.ContextSync) -> None:
        ctx.logger.info("attempt %d", ctx.attempt)
        flaky()

    engine.after(engine.execute(lambda ctx: ctx.step.run("s", handler, ctx), backoff=[1]), seconds=2)
    assert engine.lines() == ["attempt 0", "attempt 1"]


def test_lines_of_a_failed_run_are_kept(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        ctx.logger.info("last words")
        raise jobs.NonRetriableError("over")

    engine.execute(body)
    assert engine.lines() == ["last words"]


@pytest.mark.parametrize(
    ("message", "arguments", "line"),
    [
        ("100 %", (), "100 %"),
        ("%s", ((1, 2),), "(1, 2)"),
        ("%(who)s is here", ({"who": "Ada"},), "Ada is here"),
        ("%(who)s is here", (MappingProxyType({"who": "Ada"}),), "Ada is here"),
        ("%d", ("x",), "%d ('x',)"),
        ("%s %s", (1,), "%s %s (1,)"),
        ("nothing", (1,), "nothing (1,)"),
        ("%(who)s", ({"whom": 1},), "%(who)s ({'whom': 1},)"),
        (ValueError("an error"), (), "an error"),
        (None, (), "None"),
    ],
)
def test_a_line_never_fails_its_run(engine: Engine, message: Any, arguments: tuple[Any, ...], line: str) -> None:
    # Python's own handlers would complain on the terminal about the wrong ones.
    logging.getLogger("jobs.run").disabled = True
    try:
        run = engine.execute(lambda ctx: ctx.logger.info(message, *arguments))
    finally:
        logging.getLogger("jobs.run").disabled = False
    assert (run.status, engine.lines()) == (Status.COMPLETED, [line])


@pytest.mark.parametrize("level", [5, 15, 35, 1000])
def test_any_level_will_do(engine: Engine, level: int) -> None:
    run = engine.execute(lambda ctx: ctx.logger.log(level, "line"))
    assert (run.status, engine.lines()) == (Status.COMPLETED, ["line"])


def test_lines_go_to_pythons_log_as_well(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "jobs.run"):
        run = engine.execute(lambda ctx: ctx.logger.info("hello %s", "there"))
    [record] = [record for record in caplog.records if record.name == "jobs.run"]
    assert (record.getMessage(), record.run, record.function) == ("hello there", str(run.pk), "stepwell-work")


def test_the_last_progress_is_kept(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        ctx.progress(1, 3)
        ctx.step.run("work", lambda: ctx.progress(2, 3, "nearly"))
        ctx.step.sleep("pause", 1000)

    run = engine.execute(body)
    assert run.progress == {"done": 2, "total": 3, "message": "nearly"}
    # The body says 1 of 3 again on its way past the finished step; that is no news.
    run = engine.after(run, seconds=2)
    assert (run.status, run.progress["done"]) == (Status.COMPLETED, 2)


def test_a_run_that_says_nothing_keeps_what_was_said_before(engine: Engine) -> None:
    flaky = Flaky(1)

    def body(ctx: jobs.ContextSync) -> None:
        if not flaky.calls:
            ctx.progress(1, 2)
        flaky()

    run = engine.after(engine.execute(body, backoff=[1]), seconds=2)
    assert (run.status, run.progress["done"]) == (Status.COMPLETED, 1)


def test_progress_that_is_no_json_is_the_bodys_error(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.progress(object(), 2), retries=0)  # type: ignore[arg-type]
    assert (run.status, run.error["name"]) == (Status.FAILED, "TypeError")
