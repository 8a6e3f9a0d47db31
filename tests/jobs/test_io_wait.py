"""Waiting for other people's answers costs neither processes nor connections."""

import threading
from pathlib import Path

import pytest

from tests.jobs.cluster import Bench, running, workloads

RUNS = 500
WALL_SECONDS = 1.5
CONNECTIONS = 12
TRIES = 3
"""Another program may take the machine away for a moment, so the best of three counts."""

WALL = """
SELECT extract(epoch FROM max(ended_at) - min(started_at))::float8
FROM jobs_run WHERE id = ANY(%s) AND status = 'COMPLETED' HAVING count(*) = %s
"""
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cluster' AND datname = current_database()"


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, and a folder for what workers write."""
    return Bench(database_url, tmp_path)


class Meter(threading.Thread):
    """Notes the most connections that a cluster had open at once."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self._bench = bench
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(0.1):
            ((count,),) = self._bench.rows(OPEN)
            self.most = max(self.most, count)

    def stop(self) -> int:
        self._end.set()
        self.join()
        return self.most


def seconds_for_all(bench: Bench) -> float:
    """Send 500 runs that each wait a second and return the time from the first start to the last end."""
    ids = bench.send(workloads.steps, count=RUNS, steps=1, seconds=1.0)
    bench.wait_for_all(30)
    ((wall,),) = bench.rows(WALL, [ids, RUNS])
    return wall


def test_500_runs_that_wait_a_second_each_take_at_most_one_and_a_half_on_12_connections(bench: Bench) -> None:
    walls: list[float] = []
    with running(bench):
        meter = Meter(bench)
        meter.start()
        while len(walls) < TRIES and min(walls, default=60.0) > WALL_SECONDS:
            walls.append(seconds_for_all(bench))
        most = meter.stop()
    print(f"500 runs in {[round(wall, 2) for wall in walls]} s over {most} connections")
    assert min(walls) <= WALL_SECONDS, walls
    assert 2 <= most <= CONNECTIONS
