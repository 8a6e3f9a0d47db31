"""The losers of a race under a real worker: they finish what they are at, begin nothing more, and decide nothing."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs.models import Step, Wait
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Counter, Engine
from tests.jobs.working import engine_at

HOUR = timedelta(hours=1)


def race(ctx: jobs.ContextSync, *branches: Callable[[], Any]) -> tuple[Any, ...]:
    return ctx.group.parallel(branches, parallel_mode=jobs.ParallelMode.RACE)


def status_of(name: str) -> str:
    return Step.objects.get(name=name).status


@pytest.fixture
def worked_engine(transactional_db: None) -> Iterator[Engine]:
    """An engine whose runs are executed by a real worker."""
    with engine_at("worker") as engine:
        yield engine


def test_a_loser_finishes_its_handler_and_begins_no_other_step(worked_engine: Engine) -> None:
    after = Counter()

    def body(ctx: jobs.ContextSync) -> Any:
        def slow() -> None:
            ctx.step.run("slow", time.sleep, 0.5)
            ctx.step.run("after", after)
            ctx.step.wait_for_event("wait", event="test/never", timeout=HOUR)

        result = race(ctx, slow, lambda: ctx.step.run("fast", lambda: "first"))
        ctx.step.run("go-on", time.sleep, 1.2)
        return result

    run = worked_engine.execute(body)
    assert run.output == [None, "first"]
    assert status_of("slow") == StepStatus.COMPLETED
    assert after.calls == 0
    assert not Wait.objects.exists()


@pytest.mark.parametrize("end", ["refused", "unserializable"])
def test_how_a_loser_fails_is_no_concern_of_the_run(worked_engine: Engine, end: str) -> None:
    def late() -> Any:
        time.sleep(0.4)
        if end == "refused":
            raise jobs.NonRetriableError("late")
        return b"bytes"

    def body(ctx: jobs.ContextSync) -> Any:
        result = race(ctx, lambda: ctx.step.run("late", late), lambda: ctx.step.run("fast", lambda: "first"))
        ctx.step.run("go-on", time.sleep, 1)
        return [result, ctx.step.run("end", lambda: "done")]

    run = worked_engine.execute(body)
    assert (run.status, run.output) == (Status.COMPLETED, [[None, "first"], "done"])
