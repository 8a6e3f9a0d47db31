"""Retry: the same run goes on where it failed; what had finished stays finished."""

from typing import Any

import pytest

import jobs
from jobs import actions
from jobs.models import LogLine, Run
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Engine, Flaky


def test_a_retried_run_goes_on_from_the_failed_step(engine: Engine) -> None:
    first, flaky = Flaky(0), Flaky(1)

    def body(ctx: jobs.ContextSync) -> list[int]:
        return [ctx.step.run("first", first), ctx.step.run("flaky", flaky)]

    run = engine.execute(body, retries=0)
    assert (run.status, actions.retry(run, by="ada")) == (Status.FAILED, True)
    queued = Run.objects.get()
    assert (queued.status, queued.error, queued.ended_at) == (Status.QUEUED, None, None)
    run = engine.drained(run)
    assert (run.status, run.output, first.calls) == (Status.COMPLETED, [1, 2], 1)
    assert list(LogLine.objects.filter(level="ACTION").values_list("message", flat=True)) == ["Retried by ada"]


def test_attempts_count_anew_and_the_old_ones_stay_on_record(engine: Engine) -> None:
    flaky = Flaky(5)
    run = engine.to_its_end(engine.execute(lambda ctx: ctx.step.run("flaky", flaky), retries=2))
    assert flaky.calls == 3
    actions.retry(run, by="ada")
    run = engine.to_its_end(engine.drained(run))
    assert (run.status, run.output, len(engine.step("flaky").attempts)) == (Status.COMPLETED, 6, 5)


def test_a_failed_body_gets_all_its_attempts_again(engine: Engine) -> None:
    flaky = Flaky(5)
    run = engine.to_its_end(engine.execute(lambda ctx: flaky(), retries=2))
    actions.retry(run, by="ada")
    assert engine.to_its_end(engine.drained(run)).output == 6


@pytest.mark.parametrize("end", ["completed", "cancelled", "queued", "sleeping"])
def test_only_a_failed_run_is_retried(engine: Engine, end: str) -> None:
    run = engine.start(lambda ctx: ctx.step.sleep("pause", 10_000) if end == "sleeping" else None)
    if end == "cancelled":
        actions.cancel(run, by="ada")
    elif end != "queued":
        run = engine.drained(run)
    before = Run.objects.get()
    assert not actions.retry(run, by="ada")
    assert Run.objects.values().get() == Run.objects.filter(pk=before.pk).values().get()
    assert (Run.objects.get().status, Run.objects.get().lease) == (before.status, before.lease)


def test_a_double_click_is_one_retry(engine: Engine) -> None:
    flaky = Flaky(1)
    run = engine.execute(lambda ctx: ctx.step.run("flaky", flaky), retries=0)
    assert [actions.retry(run, by="ada"), actions.retry(run, by="ada")] == [True, False]
    engine.drained(run)
    assert (flaky.calls, LogLine.objects.filter(message="Retried by ada").count()) == (2, 1)


def test_a_step_whose_failure_was_caught_stays_as_it_ended(engine: Engine) -> None:
    caught, flaky = Flaky(1), Flaky(1)

    def body(ctx: jobs.ContextSync) -> str:
        try:
            ctx.step.run("caught", caught)
        except jobs.StepError:
            ctx.step.run("flaky", flaky)
            return "the other way"
        return "this way"

    run = engine.execute(body, retries=0)
    assert run.error["step"] == "flaky"
    actions.retry(run, by="ada")
    assert (engine.drained(run).output, caught.calls) == ("the other way", 1)


@pytest.mark.parametrize("error", [ValueError, jobs.NonRetriableError])
def test_a_step_whose_failure_the_body_put_in_other_words_is_tried_again(engine: Engine, error: Any) -> None:
    flaky = Flaky(1)

    def body(ctx: jobs.ContextSync) -> int:
        try:
            return ctx.step.run("flaky", flaky)
        except jobs.StepError as failure:
            raise error("it did not work") from failure

    run = engine.execute(body, retries=0)
    assert (run.error["message"], run.error["step"]) == ("it did not work", "flaky")
    actions.retry(run, by="ada")
    assert engine.drained(run).output == 2


def test_a_run_failed_by_what_it_returned_is_tried_again(engine: Engine) -> None:
    values: list[Any] = [b"bytes", "text"]
    run = engine.execute(lambda ctx: ctx.step.run("make", lambda: values.pop(0)))
    assert run.error["code"] == "output_unserializable"
    actions.retry(run, by="ada")
    assert engine.drained(run).output == "text"


def test_a_repaired_deploy_and_a_retry_bring_a_run_home(engine: Engine) -> None:
    first = Flaky(0)

    def broken(ctx: jobs.ContextSync) -> None:
        ctx.step.run("first", first)
        ctx.step.run("send", lambda: 1 / 0)

    def repaired(ctx: jobs.ContextSync) -> list[int]:
        return [ctx.step.run("first", first), ctx.step.run("send", lambda: 2)]

    run = engine.execute(broken, retries=0)
    engine.deploy(repaired)
    actions.retry(run, by="ada")
    run = engine.drained(run)
    assert (run.output, first.calls, engine.step("send").status) == ([1, 2], 1, StepStatus.COMPLETED)
