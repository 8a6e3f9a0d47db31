"""Waiting for other people's answers costs neither processes nor connections."""

from pathlib import Path

import pytest

from tests.jobs.cluster import Bench, running, workloads
from tests.jobs.metering import Meter, walls

RUNS = 500
WALL_SECONDS = 1.5
CONNECTIONS = 12


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, and a folder for what workers write."""
    return Bench(database_url, tmp_path)


def test_500_runs_that_wait_a_second_each_take_at_most_one_and_a_half_on_12_connections(bench: Bench) -> None:
    with running(bench), Meter(bench) as meter:
        taken = walls(bench, workloads.steps, count=RUNS, enough=WALL_SECONDS, steps=1, seconds=1.0)
    print(f"500 runs in {[round(wall, 2) for wall in taken]} s over {meter.connections} connections")
    assert min(taken) <= WALL_SECONDS, taken
    assert 2 <= meter.connections <= CONNECTIONS
