"""Transaction steps: the handler's rows and the journal are committed together or not at all."""

from datetime import UTC, datetime
from uuid import UUID

from django.db import IntegrityError

import jobs
from jobs.models import Event, Run, Step
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Counter, Engine


def test_a_transaction_keeps_the_handlers_rows_and_the_journal_together(engine: Engine) -> None:
    def handler() -> str:
        Event.objects.create(id=UUID(int=1), name="row/written", ts=1, received_at=datetime.now(UTC))
        return "kept"

    run = engine.execute(lambda ctx: ctx.step.transaction("write", handler))
    assert (run.output, engine.step("write").output) == ("kept", "kept")
    assert Event.objects.filter(name="row/written").exists()


def test_a_transaction_that_fails_leaves_neither_and_is_tried_again(engine: Engine) -> None:
    broken = [True]

    def handler() -> str:
        Event.objects.create(id=UUID(int=1), name="row/written", ts=1, received_at=datetime.now(UTC))
        if broken.pop():
            broken.append(False)
            raise IntegrityError("not now")
        return "kept"

    run = engine.execute(lambda ctx: ctx.step.transaction("write", handler), backoff=[10])
    assert (run.status, Event.objects.filter(name="row/written").exists()) == (Status.SLEEPING, False)
    run = engine.after(run, seconds=10)
    step = engine.step("write")
    assert (run.output, step.status, step.error, len(step.attempts)) == ("kept", StepStatus.COMPLETED, None, 1)
    assert Event.objects.filter(name="row/written").count() == 1


def test_a_transaction_whose_run_was_cancelled_meanwhile_is_rolled_back(engine: Engine) -> None:
    def handler(run_id: str) -> None:
        Event.objects.create(id=UUID(int=1), name="row/written", ts=1, received_at=datetime.now(UTC))
        # Stands for another worker that took the run over: its lease has moved on.
        Run.objects.filter(pk=run_id).update(lease=99)

    run = engine.execute(lambda ctx: ctx.step.transaction("write", handler, ctx.run_id))
    assert not Event.objects.filter(name="row/written").exists()
    assert not Step.objects.filter(run=run).exists()


def test_a_finished_transaction_is_not_repeated(engine: Engine) -> None:
    counter = Counter()

    def body(ctx: jobs.ContextSync) -> int:
        value = ctx.step.transaction("count", counter)
        ctx.step.sleep("pause", 1000)
        return value

    assert (engine.after(engine.execute(body), seconds=2).output, counter.calls) == (1, 1)
