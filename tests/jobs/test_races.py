"""Two workers at once: real connections force each race in both orders, and only one ever writes a run."""

import time
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from jobs import presence, worker
from jobs.cluster.broker import TokenBroker
from jobs.heartbeat import Heartbeat
from jobs.ids import new_id
from jobs.models import Run, Step, Worker, claiming, writing
from jobs.types import Status
from tests.jobs.cluster import Bench, running, workloads
from tests.jobs.conftest import Engine
from tests.jobs.racing import Pair, a_step, an_end, aside, claim, claimed_run, freed, wait_for_a_wait, written


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, seen from outside."""
    return Bench(database_url, tmp_path)


def status() -> str:
    return Run.objects.get().status


def test_two_claims_at_once_take_different_runs(bench: Bench, two_connections: Pair) -> None:
    bench.send(workloads.steps, count=3)
    first, second = two_connections
    one, other = claim(first, 2), claim(second, 2)
    assert len(one) == 2
    # What the first has looked at is passed over, without waiting for its commit.
    assert len(other) == 1
    first.commit()
    second.commit()
    assert len({run.run_id for run in one + other}) == 3
    assert claim(first, 2) == []


def test_a_claim_that_is_rolled_back_leaves_its_run_to_the_other(bench: Bench, two_connections: Pair) -> None:
    bench.send(workloads.steps)
    first, second = two_connections
    (lost,) = claim(first)
    assert claim(second) == []
    first.rollback()
    (taken,) = claim(second)
    second.commit()
    assert taken.run_id == lost.run_id
    assert Run.objects.get().lease == taken.lease == 1


def test_four_workers_that_claim_without_pause_never_take_a_run_twice(bench: Bench, database_url: str) -> None:
    bench.send(workloads.steps, count=400)

    def take_all() -> list[UUID]:
        mine: list[UUID] = []
        with psycopg.connect(database_url, autocommit=True) as own:
            while batch := claim(own, 8):
                mine += [run.run_id for run in batch]
        return mine

    taken = [run for future in [aside(take_all) for _ in range(4)] for run in future.result(20)]
    assert len(taken) == len(set(taken)) == 400


def test_a_journal_write_waits_for_the_freeing_of_its_run_and_then_writes_nothing(
    bench: Bench, two_connections: Pair
) -> None:
    first, second = two_connections
    holder = new_id()
    old = claimed_run(bench, first, holder)
    assert freed(first, holder) == 1
    late = aside(written, second, a_step(old))
    wait_for_a_wait(bench)
    first.commit()
    assert late.result(5) is False
    second.commit()
    assert not Step.objects.exists()
    assert status() == Status.QUEUED


def test_a_journal_write_that_waited_for_a_freeing_that_was_rolled_back_is_written(
    bench: Bench, two_connections: Pair
) -> None:
    first, second = two_connections
    holder = new_id()
    old = claimed_run(bench, first, holder)
    assert freed(first, holder) == 1
    late = aside(written, second, a_step(old))
    wait_for_a_wait(bench)
    first.rollback()
    assert late.result(5) is True
    second.commit()
    assert Step.objects.count() == 1
    assert status() == Status.RUNNING


def test_a_run_that_is_being_written_is_freed_once_the_write_is_committed(bench: Bench, two_connections: Pair) -> None:
    first, second = two_connections
    holder = new_id()
    old = claimed_run(bench, first, holder)
    claiming.beat(first.cursor(), holder, claiming.Report("workshop", 1, 1, 1, "", 0, 0.0))
    first.commit()
    assert written(first, a_step(old))
    # The freeing passes the run over without waiting, and does not forget whose it was.
    assert freed(second, holder) == 0
    second.commit()
    first.commit()
    assert claiming.workers_on(second.cursor(), "workshop") == [holder]
    assert freed(second, holder) == 1
    second.commit()
    assert claiming.workers_on(second.cursor(), "workshop") == []
    (again,) = claim(second)
    assert [entry.output for entry in again.journal.values()] == ['"done"']


def test_a_dead_process_stays_visible_until_its_runs_are_freed(settings: Any, tmp_path: Path) -> None:
    settings.JOBS = settings.JOBS | {"RUN_DIR": str(tmp_path)}
    holder = new_id()
    (tmp_path / f"{holder}.lock").touch()
    # Whoever saw it first may die as well before it has freed anything.
    assert presence.is_dead(holder)
    assert presence.is_dead(holder)
    presence.forget(holder)
    assert not presence.is_dead(holder)


def test_a_holder_that_nobody_knew_reports_under_its_own_name(bench: Bench, two_connections: Pair) -> None:
    first, _ = two_connections
    holder = new_id()
    claimed_run(bench, first, holder)
    # As after a crash of the database, which empties the table of heartbeats.
    assert not claiming.silent(first.cursor(), 60)
    claiming.beat(first.cursor(), holder, claiming.Report("workshop", 77, 8, 1, "v1", 0, 0.0))
    assert claiming.workers_on(first.cursor(), "workshop") == [holder]


def test_a_worker_is_known_before_it_takes_its_first_run(
    committing_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The thread that reports may be late.
    reported = Heartbeat._beat_or_close

    def late(heartbeat: Heartbeat) -> float:
        time.sleep(0.5)
        return reported(heartbeat)

    monkeypatch.setattr(Heartbeat, "_beat_or_close", late)
    known: list[UUID] = []
    committing_engine.define(lambda ctx: known.extend(Worker.objects.values_list("pk", flat=True)))
    committing_engine.send()
    process = worker.Worker()
    process.pump(1.5)
    process.stop(2)
    assert known == [process.id]


def test_the_holder_before_writes_nothing_once_another_worker_has_claimed(bench: Bench, two_connections: Pair) -> None:
    first, second = two_connections
    holder = new_id()
    old = claimed_run(bench, first, holder)
    assert freed(second, holder) == 1
    (new,) = claim(second)
    second.commit()
    assert new.run_id == old.run_id
    assert new.lease > old.lease
    assert not written(first, a_step(old))
    assert not written(first, an_end(old))
    first.commit()
    assert written(second, a_step(new))
    assert written(second, an_end(new))
    second.commit()
    assert status() == Status.COMPLETED
    assert Step.objects.count() == 1


def test_two_holders_of_one_run_cannot_both_journal_in_one_batch_either(bench: Bench, two_connections: Pair) -> None:
    first, second = two_connections
    holder = new_id()
    old = claimed_run(bench, first, holder)
    freed(second, holder)
    (new,) = claim(second)
    second.commit()
    other = claimed_run(bench, first)
    # Grouped writes go through another statement than a lone one.
    assert writing.write(first.cursor(), [a_step(old), a_step(other)]) == {other.run_id}
    first.commit()
    assert writing.write(second.cursor(), [a_step(new), an_end(new)]) == {new.run_id}
    second.commit()
    assert Step.objects.count() == 2


def test_workers_that_hold_the_same_token_at_once_execute_each_run_once(bench: Bench) -> None:
    broker = TokenBroker()
    assert broker.dequeue() == broker.dequeue()
    # Short pumps, so that each worker takes the token again and again while there is work.
    with running(bench, PUMP_SECONDS=0.2, THREADS=8):
        bench.send(workloads.steps, count=150, steps=2, seconds=0.02)
        bench.wait_for_all(20)
    assert bench.repeated() == {}
    assert len(bench.journaled()) == 300
    assert len({process for _, _, process in bench.marks()}) == 2
