"""Code that reads a row before a slow call and writes one after it neither starves its worker nor kills it."""

import time
from pathlib import Path

import pytest

from tests.jobs.cluster import Bench, running, workloads
from tests.jobs.metering import Meter, walls

RUNS = 500
HOLDERS = 16
MISTAKES = 60
SECONDS = 3.0
CONNECTIONS = 20
LATE_SECONDS = 6.0


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, and a folder for what workers write."""
    return Bench(database_url, tmp_path)


def test_500_runs_that_query_around_a_slow_call_share_20_connections(bench: Bench) -> None:
    with running(bench), Meter(bench) as meter:
        taken = walls(bench, workloads.ordinary, count=RUNS, enough=SECONDS, seconds=1.0)
    print(f"500 runs in {[round(wall, 2) for wall in taken]} s over {meter.connections} connections, {meter.silence=}")
    assert not bench.repeated()
    assert min(taken) <= SECONDS, taken
    assert meter.connections <= CONNECTIONS
    assert meter.silence <= LATE_SECONDS


def test_slow_calls_inside_transactions_queue_and_kill_no_worker(bench: Bench) -> None:
    with running(bench, HEARTBEAT_SECONDS=1, SILENT_SECONDS=3) as cluster:
        before = cluster.workers()
        # Of the four connections of each worker that product code may have, these want all, twice over.
        bench.send(workloads.holder, count=HOLDERS, seconds=4.0)
        bench.send(workloads.ordinary, count=4, seconds=0.1)
        bench.wait_for_all(60)
        assert cluster.workers() == before
    assert bench.repeated() == {}
    told = (bench.folder / "workshop.out").read_text()
    assert "wait for a database connection: all 4 of this process are inside transaction.atomic()" in told
    assert "Freed" not in told


def test_steps_inside_transactions_leak_no_connection(bench: Bench) -> None:
    with running(bench) as cluster:
        bench.send(workloads.mistaken, count=MISTAKES)
        bench.wait_for_all(60)
        begun = time.monotonic()
        bench.send(workloads.ordinary, count=20, seconds=0.1)
        bench.wait_for_all(20)
        assert time.monotonic() - begun < LATE_SECONDS
        assert len(cluster.workers()) == 2
