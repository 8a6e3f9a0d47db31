"""A database that answers late makes nobody dead: after any stall every worker gets its time to be heard."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from bench.campaign.link import Link
from config.postgres import SOCKET_NAME, SUPERUSER, Server
from tests.jobs.cluster import Bench, own_server, running, wait_until, workloads

SETTINGS = {"HEARTBEAT_SECONDS": 1, "SILENT_SECONDS": 3, "WATCHDOG_SECONDS": 5}
STALL_SECONDS = 10.0
"""Longer than everything after which a worker is given up that is really dead or stuck."""
STEP_SECONDS = 16.0
RUNS = 6


@pytest.fixture(scope="module")
def migrated() -> Iterator[Server]:
    """A PostgreSQL of our own with the engine's tables: the one that other tests share is not stopped."""
    with own_server() as server:
        yield server


@pytest.fixture
def bench(migrated: Server, tmp_path: Path) -> Bench:
    """The server of our own without any runs, and a folder for what workers write."""
    bench = Bench(migrated.url(), tmp_path)
    bench.clear()
    return bench


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """Stop every process of the server, as a machine does that is moved or out of memory."""
    main = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
    processes = [main, *main.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@contextmanager
def locked(server: Server) -> Iterator[None]:
    """Hold the locks that a careless ALTER TABLE takes."""
    with psycopg.connect(server.url()) as connection:
        connection.execute("LOCK TABLE jobs_run, jobs_worker IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize("stall", [stopped, locked])
def test_no_step_runs_twice_when_the_database_stalls(
    migrated: Server, bench: Bench, stall: Callable[[Server], AbstractContextManager[None]]
) -> None:
    with running(bench, host="attic", **SETTINGS) as attic, running(bench, host="cellar", **SETTINGS) as cellar:
        before = {*attic.workers(), *cellar.workers()}
        begin_steps(bench)
        with stall(migrated):
            time.sleep(STALL_SECONDS)
        bench.wait_for_all(60)
        assert {*attic.workers(), *cellar.workers()} == before
    assert_all_ran_once(bench)


def test_no_step_runs_twice_when_the_link_to_the_database_drops(migrated: Server, bench: Bench) -> None:
    link = Link(migrated.socket_folder / SOCKET_NAME)
    far = Bench(f"postgresql://{SUPERUSER}@127.0.0.1:{link.port}/stepwell", bench.folder)
    with running(far, **SETTINGS) as cluster:
        before = set(cluster.workers())
        begin_steps(bench)
        link.set("silent")
        time.sleep(STALL_SECONDS)
        # What was held arrives now, which is unkinder than a connection that is cut.
        link.set("open")
        bench.wait_for_all(60)
        assert set(cluster.workers()) == before
    link.close()
    assert_all_ran_once(bench)


def begin_steps(bench: Bench) -> None:
    """Have steps under way that outlast the stall, once every worker has been heard for long enough to judge others."""
    time.sleep(SETTINGS["SILENT_SECONDS"])
    bench.send(workloads.steps, count=RUNS, steps=1, seconds=STEP_SECONDS)
    wait_until(lambda: len(bench.marks()) == RUNS, 10, "every step begun")


def assert_all_ran_once(bench: Bench) -> None:
    assert bench.repeated() == {}
    assert bench.rows("SELECT id FROM jobs_run WHERE crashes > 0") == []
