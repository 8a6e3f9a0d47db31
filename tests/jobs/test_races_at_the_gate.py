"""The gate under two connections: no slot is given twice, no run is left behind, whichever side commits first."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

import jobs
from jobs import actions, executor, gate
from jobs.ids import new_id
from jobs.journal import Claimed, Completed, Failed
from jobs.models import FreedKey, Run, writing
from jobs.types import Status
from tests.jobs.cluster import Bench
from tests.jobs.conftest import Engine
from tests.jobs.flowing import blocked, leave, numbers, send, statuses, take, take_plain
from tests.jobs.racing import Pair, aside
from tests.jobs.senders import Open, second_after


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, seen from outside."""
    return Bench(database_url, tmp_path)


@pytest.fixture
def engine(committing_engine: Engine) -> Engine:
    """The engine where other connections see what is written."""
    return committing_engine


def nothing(ctx: jobs.ContextSync) -> None:
    return None


def claim_limited(connection: psycopg.Connection[Any], most: int = 8) -> list[Claimed]:
    """Claim runs with limits in the connection's transaction, which stays open."""
    return gate.claim(connection.cursor(), new_id(), most)


def settled(connection: psycopg.Connection[Any], claimed: Claimed) -> None:
    """End a run in the connection's transaction, which stays open."""
    write = executor.settle(claimed, Completed("null"), None)
    assert write is not None
    assert writing.write(connection.cursor(), [write])


def limited(engine: Engine, limit: int = 1, **options: Any) -> None:
    engine.define(nothing, concurrency=[jobs.Concurrency(limit=limit)], **options)


def test_of_two_claims_at_the_gate_the_second_takes_nothing_and_nothing_is_lost(
    engine: Engine, two_connections: Pair
) -> None:
    limited(engine, 4)
    send(range(6))
    first, second = two_connections
    one, other = claim_limited(first, 2), claim_limited(second, 2)
    assert (numbers(one), other) == ([0, 1], [])
    first.commit()
    second.commit()
    assert numbers(claim_limited(second)) == [2, 3]
    second.commit()
    assert claim_limited(first) == []
    first.commit()
    assert (blocked(), Run.objects.filter(status=Status.RUNNING).count()) == (2, 4)


def test_a_claim_at_the_gate_that_is_rolled_back_leaves_everything_to_the_next(
    engine: Engine, two_connections: Pair
) -> None:
    limited(engine)
    send(range(3))
    first, second = two_connections
    leave(claim_and_commit(first))
    assert FreedKey.objects.count() == 1
    assert numbers(claim_limited(first)) == [1]
    first.rollback()
    assert numbers(claim_limited(second)) == [1]
    second.commit()


def claim_and_commit(connection: psycopg.Connection[Any]) -> list[Claimed]:
    taken = claim_limited(connection)
    connection.commit()
    return taken


def test_a_run_that_ends_while_a_claim_puts_another_behind_it_wakes_that_one(
    engine: Engine, two_connections: Pair
) -> None:
    limited(engine)
    send([1])
    claimer, writer = two_connections
    [held] = claim_and_commit(claimer)
    send([2])
    # The claim counts the slot as taken, and while it has not committed, nobody sees who waits.
    assert claim_limited(claimer) == []
    settled(writer, held)
    writer.commit()
    claimer.commit()
    assert blocked() == 1
    assert numbers(claim_and_commit(claimer)) == [2]


def test_a_run_that_is_ending_while_another_is_put_behind_it_wakes_that_one(
    engine: Engine, two_connections: Pair
) -> None:
    limited(engine)
    send([1])
    claimer, writer = two_connections
    [held] = claim_and_commit(claimer)
    settled(writer, held)
    send([2])
    # Its end is written but not committed, however long that takes.
    assert claim_and_commit(claimer) == []
    assert blocked() == 1
    writer.commit()
    assert numbers(claim_and_commit(claimer)) == [2]


def test_a_cancel_that_takes_long_to_commit_wakes_who_waits(engine: Engine, two_connections: Pair) -> None:
    limited(engine)
    send([1])
    claimer, _ = two_connections
    [held] = claim_and_commit(claimer)
    cancelling = Open(lambda: actions.cancel(Run.objects.get(pk=held.run_id), by="ada"))
    send([2])
    assert claim_and_commit(claimer) == []
    cancelling.commit()
    assert numbers(claim_and_commit(claimer)) == [2]


def test_a_slot_never_goes_to_two_runs_while_its_end_is_not_committed(engine: Engine, two_connections: Pair) -> None:
    limited(engine)
    send([1, 2])
    claimer, writer = two_connections
    [held] = claim_and_commit(claimer)
    settled(writer, held)
    assert claim_and_commit(claimer) == []
    writer.rollback()
    assert claim_and_commit(claimer) == []
    assert Run.objects.filter(status=Status.RUNNING).count() == 1


def test_a_run_with_limits_that_is_being_cancelled_is_passed_over(engine: Engine, two_connections: Pair) -> None:
    limited(engine)
    send([1, 2])
    claimer, _ = two_connections
    first: UUID = Run.objects.order_by("id")[0].pk
    cancelling = Open(lambda: actions.cancel(Run.objects.get(pk=first), by="ada"))
    assert numbers(claim_and_commit(claimer)) == [2]
    cancelling.commit()
    assert sorted(statuses()) == [Status.CANCELLED, Status.RUNNING]


def test_two_people_retry_a_limited_run_once(engine: Engine, bench: Bench, two_connections: Pair) -> None:
    limited(engine)
    send([1])
    claimer, _ = two_connections
    leave(claim_and_commit(claimer), Failed({"code": "error"}))
    run = Run.objects.get()
    with second_after(
        bench, Open(lambda: actions.retry(run, by="ada")), lambda: actions.retry(run, by="bob")
    ) as pressed:
        assert pressed == (True, False)
    assert numbers(claim_and_commit(claimer)) == [1]
    assert claim_and_commit(claimer) == []


def test_four_workers_at_the_gate_never_exceed_a_limit_and_leave_no_run(engine: Engine, database_url: str) -> None:
    engine.define(nothing, concurrency=[jobs.Concurrency(limit=2, key="event.data.key")])
    for key in range(5):
        send(range(30), key=key)

    def work() -> int:
        count = 0
        with psycopg.connect(database_url, autocommit=True) as own:
            idle = 0
            while idle < 40:
                with own.transaction():
                    mine = gate.claim(own.cursor(), new_id(), 3)
                idle = 0 if mine else idle + 1
                over = own.execute(OVER).fetchone()
                assert over == (0,)
                with own.transaction():
                    for one in mine:
                        settled(own, one)
                count += len(mine)
        return count

    assert sum(one.result(60) for one in [aside(work) for _ in range(4)]) == 150
    assert set(statuses()) == {Status.COMPLETED}
    assert (take(), take_plain()) == ([], [])


OVER = """
SELECT count(*) FROM (
    SELECT FROM jobs_run WHERE status = 'RUNNING' GROUP BY concurrency_1 HAVING count(*) > 2
) AS exceeded
"""
