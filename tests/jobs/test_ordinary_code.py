"""Code that reads a row before a slow call and writes one after it neither starves its worker nor kills it."""

import threading
import time
from pathlib import Path

import pytest

from tests.jobs.cluster import Bench, running, workloads

RUNS = 500
HOLDERS = 16
MISTAKES = 60
SECONDS = 3.0
CONNECTIONS = 20
LATE_SECONDS = 6.0
TRIES = 3

WALL = """
SELECT extract(epoch FROM max(ended_at) - min(started_at))::float8
FROM jobs_run WHERE id = ANY(%s) AND status = 'COMPLETED' HAVING count(*) = %s
"""
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cluster' AND datname = current_database()"
SILENCE = "SELECT coalesce(max(extract(epoch FROM now() - seen_at)), 0)::float8 FROM jobs_worker"


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, and a folder for what workers write."""
    return Bench(database_url, tmp_path)


class Meter(threading.Thread):
    """Notes the most connections that a cluster had open at once, and the longest silence of a worker."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(daemon=True)
        self.connections = 0
        self.silence = 0.0
        self._bench = bench
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(0.1):
            ((count,),) = self._bench.rows(OPEN)
            ((silence,),) = self._bench.rows(SILENCE)
            self.connections, self.silence = max(self.connections, count), max(self.silence, silence)

    def stop(self) -> None:
        self._end.set()
        self.join()


def seconds_for_all(bench: Bench) -> float:
    ids = bench.send(workloads.ordinary, count=RUNS, seconds=1.0)
    bench.wait_for_all(60)
    ((wall,),) = bench.rows(WALL, [ids, RUNS])
    return wall


def test_500_runs_that_query_around_a_slow_call_share_20_connections(bench: Bench) -> None:
    walls: list[float] = []
    with running(bench):
        meter = Meter(bench)
        meter.start()
        try:
            while len(walls) < TRIES and min(walls, default=60.0) > SECONDS:
                walls.append(seconds_for_all(bench))
        finally:
            meter.stop()
    print(f"500 runs in {[round(wall, 2) for wall in walls]} s over {meter.connections} connections, {meter.silence=}")
    assert not bench.repeated()
    assert min(walls) <= SECONDS, walls
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
