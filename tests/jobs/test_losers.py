"""The losers of a race under a real worker: they finish what they are at, begin nothing more, and decide nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import waiting
from jobs.matching import match_of
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


@pytest.mark.parametrize("then", ["goes on", "ends"])
def test_a_loser_that_comes_late_to_its_known_wait_has_it_forgotten(worked_engine: Engine, then: str) -> None:
    decided, passes = threading.Event(), Counter()

    def body(ctx: jobs.ContextSync) -> Any:
        again = passes() > 1

        def late() -> None:
            ctx.step.run("begin", lambda: True)
            if again:
                decided.wait(10)
            ctx.step.wait_for_event("wait-a", event="test/a", timeout=HOUR)

        result = race(ctx, late, lambda: ctx.step.wait_for_event("wait-b", event="test/b", timeout=HOUR).name)
        if then == "goes on":
            ctx.step.sleep("pause", HOUR)
        return result

    run = worked_engine.execute(body)
    worked_engine.send("test/b")
    run = worked_engine.drained(run)
    decided.set()
    assert run.status == (Status.SLEEPING if then == "goes on" else Status.COMPLETED)
    assert not Wait.objects.exists()
    assert status_of("wait-a") == StepStatus.DROPPED


def test_a_wait_on_its_way_to_the_journal_when_the_race_is_decided_is_forgotten(
    worked_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming, decided = threading.Event(), threading.Event()

    def held_up(expression: str | None, trigger: dict[str, Any]) -> Any:
        coming.set()
        decided.wait(10)
        return match_of(expression, trigger)

    def body(ctx: jobs.ContextSync) -> Any:
        wait = lambda: ctx.step.wait_for_event("wait-a", event="test/a", timeout=HOUR)  # noqa: E731
        result = race(ctx, wait, lambda: ctx.step.run("fast", coming.wait, 10))
        decided.set()
        ctx.step.run("go-on", time.sleep, 1)
        ctx.step.sleep("pause", HOUR)
        return result

    monkeypatch.setattr(waiting, "match_of", held_up)
    assert worked_engine.execute(body).status == Status.SLEEPING
    assert not Wait.objects.exists()
    assert status_of("wait-a") == StepStatus.DROPPED


def test_what_others_wait_for_beside_a_race_is_not_forgotten_with_its_losers(worked_engine: Engine) -> None:
    def waits(ctx: jobs.ContextSync, name: str) -> Callable[[], Any]:
        return lambda: ctx.step.wait_for_event(f"wait-{name}", event=f"test/{name}", timeout=HOUR).name

    def body(ctx: jobs.ContextSync) -> Any:
        return ctx.group.parallel((lambda: race(ctx, waits(ctx, "a"), waits(ctx, "b")), waits(ctx, "c")))

    run = worked_engine.execute(body)
    worked_engine.send("test/b")
    run = worked_engine.drained(run)
    assert [wait.event for wait in Wait.objects.all()] == ["test/c"]
    worked_engine.send("test/c")
    assert worked_engine.drained(run).output == [[None, "test/b"], "test/c"]
