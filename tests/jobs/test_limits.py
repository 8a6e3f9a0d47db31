"""Limits of one run: steps and stored state, each a clear failure and none a surprise."""

from typing import Any

import pytest

import jobs
from jobs import serialize
from jobs.models import Step
from jobs.types import Status
from tests.jobs.conftest import Engine


def counting(steps: int) -> Any:
    def body(ctx: jobs.ContextSync) -> int:
        return sum(ctx.step.run("one", lambda: 1) for _ in range(steps))

    return body


def test_a_thousand_steps_are_possible_and_one_more_is_not(engine: Engine) -> None:
    run = engine.execute(counting(1001))
    assert (run.status, run.error["code"]) == (Status.FAILED, "too_many_steps")
    assert run.error["message"] == "A run may have 1000 steps."
    assert Step.objects.count() == 1000


@pytest.mark.parametrize(("steps", "status"), [(3, Status.COMPLETED), (4, Status.FAILED)])
def test_the_site_chooses_how_many(engine: Engine, settings: Any, steps: int, status: Status) -> None:
    settings.JOBS = {**settings.JOBS, "MAX_STEPS": 3}
    assert engine.execute(counting(steps)).status == status


def test_steps_of_earlier_passes_count_once(engine: Engine, settings: Any) -> None:
    settings.JOBS = {**settings.JOBS, "MAX_STEPS": 3}

    def body(ctx: jobs.ContextSync) -> int:
        first = ctx.step.run("first", lambda: 1)
        ctx.step.sleep("pause", 1000)
        return first + ctx.step.run("last", lambda: 1)

    assert engine.after(engine.execute(body), seconds=2).output == 2


def test_too_much_state_in_all_fails_in_words(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serialize, "MAX_STATE", 2**20)

    def body(ctx: jobs.ContextSync) -> None:
        for _ in range(3):
            ctx.step.run("half", lambda: "x" * 2**19)

    run = engine.execute(body)
    assert (run.status, run.error["code"], run.error["step"]) == (Status.FAILED, "state_too_large", "half")
    assert run.error["message"] == "The results of this run's steps take more than 1 MiB."


def test_state_of_earlier_passes_counts(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serialize, "MAX_STATE", 2**20)

    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.run("most", lambda: "x" * (2**20 - 10))
        ctx.step.sleep("pause", 1000)
        ctx.step.run("rest", lambda: "x" * 100)

    assert engine.after(engine.execute(body), seconds=2).error["code"] == "state_too_large"


def test_the_state_of_one_run_may_have_32_mebibytes() -> None:
    assert serialize.MAX_STATE == 32 * 2**20
