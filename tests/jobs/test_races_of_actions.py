"""What people and senders do at the same moment as a worker, or as each other, has one effect."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import transaction

import jobs
from jobs import actions, endings, events
from jobs.journal import Failed
from jobs.models import Event, LogLine, Run, Step
from jobs.types import Status
from tests.jobs.cluster import Bench, running, wait_until, workloads
from tests.jobs.conftest import Engine
from tests.jobs.racing import Pair, an_end, aside, claim, claimed_run, wait_for_a_wait, written


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, seen from outside."""
    return Bench(database_url, tmp_path)


def status() -> str:
    return Run.objects.get().status


def test_a_cancel_that_waits_for_the_end_of_a_run_comes_too_late(bench: Bench, two_connections: Pair) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    assert written(first, an_end(held))
    cancelling = aside(actions.cancel, Run.objects.get(), by="ada")
    wait_for_a_wait(bench)
    first.commit()
    assert cancelling.result(5) is False
    assert status() == Status.COMPLETED
    assert not LogLine.objects.exists()


def test_the_end_of_a_run_that_waits_for_its_cancel_is_dropped(bench: Bench, two_connections: Pair) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    with transaction.atomic():
        assert actions.cancel(Run.objects.get(), by="ada")
        ending = aside(written, first, an_end(held))
        wait_for_a_wait(bench)
    assert ending.result(5) is False
    first.commit()
    assert status() == Status.CANCELLED
    assert Run.objects.get().output is None


def test_a_run_cancelled_while_its_step_runs_stays_cancelled(bench: Bench) -> None:
    with running(bench):
        bench.send(workloads.steps, steps=3, seconds=0.5)
        wait_until(lambda: len(bench.marks()) == 1, 10, "the first step under way")
        assert actions.cancel(Run.objects.get(), by="ada")
        wait_until(lambda: len(bench.marks("end")) == 1, 10, "its handler finished")
        # Time enough for its result to be written, or for the second step to begin.
        time.sleep(0.7)
    assert status() == Status.CANCELLED
    assert len(bench.marks()) == 1
    assert not Step.objects.exists()


def a_failed_run(bench: Bench, connection: psycopg.Connection[Any]) -> Run:
    held = claimed_run(bench, connection)
    assert written(connection, an_end(held, Failed({"code": "error", "name": "E", "message": "m", "stack": ""})))
    connection.commit()
    return Run.objects.get()


def test_retry_pressed_twice_at_once_has_one_effect(bench: Bench, two_connections: Pair) -> None:
    run = a_failed_run(bench, two_connections[0])
    with transaction.atomic():
        assert actions.retry(run, by="ada") is True
        second = aside(actions.retry, run, by="bob")
        wait_for_a_wait(bench)
    assert second.result(5) is False
    assert [line.message for line in LogLine.objects.all()] == ["Retried by ada"]
    assert len(claim(two_connections[0], 2)) == 1


def test_the_second_press_of_retry_counts_when_the_first_came_to_nothing(bench: Bench, two_connections: Pair) -> None:
    run = a_failed_run(bench, two_connections[0])
    with transaction.atomic():
        assert actions.retry(run, by="ada") is True
        second = aside(actions.retry, run, by="bob")
        wait_for_a_wait(bench)
        transaction.set_rollback(True)
    assert second.result(5) is True
    assert [line.message for line in LogLine.objects.all()] == ["Retried by bob"]


def test_an_end_whose_commit_was_not_heard_of_is_announced_once(
    committing_engine: Engine, bench: Bench, two_connections: Pair
) -> None:
    handled = committing_engine.define(lambda ctx: None, on_failure=lambda ctx: None)
    committing_engine.send()
    (held,) = claim(two_connections[0])
    two_connections[0].commit()
    end = an_end(held, Failed({"code": "error", "name": "E", "message": "m", "stack": ""}))
    # A worker that never learned whether its commit arrived writes the same once more.
    assert [endings.end(held, end), endings.end(held, end)] == [True, False]
    assert Event.objects.filter(name="jobs/function.failed").count() == 1
    assert Run.objects.filter(function=f"{handled.id}-failure").count() == 1


def test_a_run_that_has_ended_is_not_ended_otherwise_by_the_same_lease(bench: Bench, two_connections: Pair) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    assert written(first, an_end(held))
    assert not written(first, an_end(held, Failed({"code": "late", "name": "E", "message": "m", "stack": ""})))
    first.commit()
    assert status() == Status.COMPLETED


def send_with_id(event_id: str = "order-7") -> list[events.Sent]:
    return events.send([jobs.Event(name="test/event", id=event_id)])


def test_the_same_event_id_from_two_connections_starts_one_run(committing_engine: Engine, bench: Bench) -> None:
    committing_engine.define(lambda ctx: None)
    with transaction.atomic():
        (first,) = send_with_id()
        sending = aside(send_with_id)
        wait_for_a_wait(bench)
    (second,) = sending.result(5)
    assert (first.duplicate, len(first.run_ids)) == (False, 1)
    assert (second.duplicate, second.run_ids) == (True, ())
    assert Run.objects.count() == 1
    assert Event.objects.count() == 2


def test_an_event_id_whose_sender_rolled_back_is_free_for_the_one_that_waited(
    committing_engine: Engine, bench: Bench
) -> None:
    committing_engine.define(lambda ctx: None)
    with transaction.atomic():
        send_with_id()
        sending = aside(send_with_id)
        wait_for_a_wait(bench)
        transaction.set_rollback(True)
    (second,) = sending.result(5)
    assert not second.duplicate
    assert [run.pk for run in Run.objects.all()] == list(second.run_ids)
