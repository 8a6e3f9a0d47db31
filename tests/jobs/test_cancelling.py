"""Cancel: nothing further runs, whatever the run was at, and it never becomes anything else."""

from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import actions
from jobs.models import LogLine, Run, Step
from jobs.types import Status
from tests.jobs.conftest import Engine


def actions_on(run: Run) -> list[str]:
    return list(LogLine.objects.filter(run=run, level="ACTION").values_list("message", flat=True))


def test_a_queued_run_never_starts(engine: Engine) -> None:
    ran: list[int] = []
    run = engine.start(lambda ctx: ran.append(1))
    assert actions.cancel(run, by="ada")
    run = engine.drained(run)
    assert (run.status, run.run_at, run.rank, ran) == (Status.CANCELLED, None, None, [])
    assert run.error == {"code": "cancelled", "name": "Cancelled", "message": "Cancelled by ada", "stack": ""}
    assert actions_on(run) == ["Cancelled by ada"]


def test_a_sleeping_run_never_wakes(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.sleep("pause", timedelta(hours=1)))
    assert actions.cancel(run, by="ada")
    run = engine.after(run, days=2)
    assert (run.status, run.ended_at is not None) == (Status.CANCELLED, True)


@pytest.mark.parametrize("logs", [False, True])
def test_a_running_step_finishes_and_its_result_is_dropped(engine: Engine, logs: bool) -> None:
    ran: list[str] = []

    def handler(ctx: jobs.ContextSync) -> str:
        actions.cancel(Run.objects.get(pk=ctx.run_id), by="ada")
        if logs:
            ctx.logger.info("a line that comes too late")
        ran.append("to its end")
        return "dropped"

    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.run("slow", handler, ctx)
        ctx.step.run("next", lambda: ran.append("next"))

    run = engine.execute(body)
    assert (run.status, run.output, ran) == (Status.CANCELLED, None, ["to its end"])
    assert (Step.objects.count(), engine.lines()) == (0, ["Cancelled by ada"])


@pytest.mark.parametrize("end", ["return", "raise", "sleep", "exit"])
def test_a_cancelled_run_never_becomes_anything_else(engine: Engine, end: str) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        actions.cancel(Run.objects.get(pk=ctx.run_id), by="ada")
        ctx.logger.info("too late")
        if end == "raise":
            raise ValueError("too late")
        if end == "exit":
            raise SystemExit
        return ctx.step.sleep("pause", 1000) if end == "sleep" else "too late"

    run = engine.after(engine.execute(body), days=1)
    assert (run.status, run.output, run.error["code"]) == (Status.CANCELLED, None, "cancelled")


def test_cancelling_twice_is_one_effect(engine: Engine) -> None:
    run = engine.start(lambda ctx: None)
    assert [actions.cancel(run, by="ada"), actions.cancel(run, by="bob")] == [True, False]
    assert actions_on(run) == ["Cancelled by ada"]


@pytest.mark.parametrize("body", [lambda ctx: "done", lambda ctx: 1 / 0], ids=["completed", "failed"])
def test_a_run_that_has_ended_is_left_alone(engine: Engine, body: Any) -> None:
    run = engine.execute(body, retries=0)
    assert not actions.cancel(run, by="ada")
    assert (Run.objects.get().status, actions_on(run)) == (run.status, [])


def test_a_user_is_named_by_login(engine: Engine, django_user_model: Any) -> None:
    run = engine.start(lambda ctx: None)
    actions.cancel(run, by=django_user_model(username="grace"))
    assert actions_on(run) == ["Cancelled by grace"]
