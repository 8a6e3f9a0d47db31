"""Sending inside transactions: what commits is sent, what is rolled back never was."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

import jobs
from jobs import testing
from jobs.models import Event, Run, SeenId, Step
from jobs.types import Status
from tests.jobs.conftest import Engine, Flaky


def test_a_send_that_is_rolled_back_never_happened(engine: Engine) -> None:
    engine.define(lambda ctx: "done")

    def sale() -> None:
        with transaction.atomic():
            engine.send(id="order-7")
            raise RuntimeError("the sale fell through")

    with pytest.raises(RuntimeError, match="fell through"):
        sale()
    assert (Event.objects.count(), Run.objects.count(), SeenId.objects.count()) == (0, 0, 0)
    engine.send(id="order-7")
    assert engine.drained(Run.objects.get()).output == "done"


def test_nobody_sees_a_run_before_its_sender_commits(committing_engine: Engine, second_connection: Any) -> None:
    committing_engine.define(lambda ctx: "done")
    count = "SELECT count(*) FROM jobs_run"
    with transaction.atomic():
        committing_engine.send()
        assert second_connection.execute(count).fetchone() == (0,)
    assert second_connection.execute(count).fetchone() == (1,)


def test_workers_are_told_after_the_commit_and_never_of_a_rollback(
    committing_engine: Engine, second_connection: Any
) -> None:
    committing_engine.define(lambda ctx: "done")
    second_connection.execute("LISTEN jobs_due")
    with transaction.atomic():
        committing_engine.send()
        transaction.set_rollback(True)
    assert list(second_connection.notifies(timeout=0.05)) == []
    with transaction.atomic():
        committing_engine.send()
        assert list(second_connection.notifies(timeout=0.05)) == []
    assert [told.channel for told in second_connection.notifies(timeout=2, stop_after=1)] == ["jobs_due"]


def test_a_refused_event_leaves_the_callers_transaction_usable(engine: Engine) -> None:
    with transaction.atomic():
        with pytest.raises(jobs.errors.InvalidEvent):
            engine.send("jobs/no")
        engine.send("a/b")
    assert Event.objects.get().name == "a/b"


def test_ids_come_back_in_order(engine: Engine) -> None:
    ids = jobs.send_sync([jobs.Event(name=f"a/{n}") for n in range(20)])
    assert [Event.objects.get(pk=one).name for one in ids] == [f"a/{n}" for n in range(20)]


def test_async_code_sends_too(committing_engine: Engine) -> None:
    [event_id] = async_to_sync(jobs.send)(jobs.Event(name="a/b"))
    assert Event.objects.get(pk=event_id).name == "a/b"


def test_a_run_sends_each_event_once(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> list[list[str]]:
        ids = [
            ctx.step.send_event("one", jobs.Event(name="other/one")),
            ctx.step.send_event("two", [jobs.Event(name="other/two"), jobs.Event(name="other/three")]),
        ]
        ctx.step.sleep("pause", 1000)
        return ids

    run = engine.after(engine.execute(body), seconds=2)
    one, two = run.output
    stored = Event.objects.exclude(name="test/event").order_by("id")
    assert [str(event.pk) for event in stored] == [*one, *two]
    assert [event.name for event in stored] == ["other/one", "other/two", "other/three"]


def test_what_a_run_sends_starts_other_runs(engine: Engine) -> None:
    engine.define(lambda ctx: ctx.event.data["n"], fn_id="child", on="other/event")
    engine.execute(lambda ctx: ctx.step.send_event("tell", jobs.Event(name="other/event", data={"n": 7})))
    assert Run.objects.get(function="stepwell-child").output == 7


def test_a_refused_event_is_the_steps_error(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.send_event("tell", jobs.Event(name="jobs/no")), retries=0)
    assert (run.status, run.error["step"], run.error["name"]) == (Status.FAILED, "tell", "InvalidEvent")
    assert Event.objects.filter(name="jobs/no").count() == 0


def test_events_of_a_step_that_failed_in_a_transaction_are_not_sent(engine: Engine) -> None:
    flaky = Flaky(1)

    def handler() -> int:
        engine.send("other/event")
        return flaky()

    run = engine.execute(lambda ctx: ctx.step.transaction("both", handler), backoff=[1])
    assert Event.objects.filter(name="other/event").count() == 0
    assert engine.after(run, seconds=2).output == 2
    assert (Event.objects.filter(name="other/event").count(), Step.objects.count()) == (1, 1)


def test_a_large_send_stores_in_one_statement_and_looks_for_waits_in_another(
    engine: Engine, django_assert_num_queries: Any
) -> None:
    engine.define(lambda ctx: None)
    with django_assert_num_queries(2):
        jobs.send_sync([jobs.Event(name="test/event", data={"n": n}) for n in range(500)])
    assert testing.drain() == 500
