"""A real cluster under test: `manage.py qcluster` in a process group of its own, on the database a test gives it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import psutil
import psycopg

import jobs
from config.postgres import Server
from jobs.function import Function
from jobs.models import notifying, sending
from jobs.opening import Opening
from jobs.registry import registry
from jobs.types import Source

# Kept out of the registry of the tests' own process: only clusters execute these.
with registry.isolated():
    from tests.jobs import workloads

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 2
START_SECONDS = 30
_MARK = "CLUSTER_MARK"


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> float:
    """Wait for something to be true and return how long that took; fail with these words if it does not come."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - begun


@dataclass
class Bench:
    """A database with runs in it, and the file in which workloads leave their lines."""

    url: str
    folder: Path

    @property
    def log(self) -> Path:
        """Where steps leave their lines."""
        return self.folder / "steps.log"

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Return what a query finds, over a connection of its own: servers under test come and go."""
        with psycopg.connect(self.url, autocommit=True, application_name="observer") as connection:
            return connection.execute(query, parameters).fetchall()

    def clear(self) -> None:
        """Forget all runs and workers."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "TRUNCATE jobs_run, jobs_step, jobs_event, jobs_runevent, jobs_worker, jobs_wait, jobs_delivery"
            )

    def send(self, function: Function, count: int = 1, **data: Any) -> list[UUID]:
        """Open runs of a workload, each with its own event, and wake the workers."""
        return self.send_each(function, [data] * count)

    def send_each(self, function: Function, several: Sequence[dict[str, Any]]) -> list[UUID]:
        """Open a run of a workload for each of these data."""
        opening = Opening()
        now_ms = int(time.time() * 1000)
        for data in several:
            event = jobs.Event(name=f"test/{function.fn_id}", data={"log": str(self.log), **data}, ts=now_ms)
            opening.add_run(function, event, [opening.add_event(event)])
        with psycopg.connect(self.url, autocommit=True) as connection, connection.cursor() as cursor:
            rows = {"events": [*opening.events.values()], "runs": [*opening.runs.values()], "links": opening.links}
            sending.store(cursor, source=Source.EVENT, sender="", **rows)
            notifying.notify(cursor)
        return list(opening.runs)

    def statuses(self) -> Counter[str]:
        """Count the runs of workloads by status."""
        return Counter(dict(self.rows("SELECT status, count(*) FROM jobs_run WHERE trigger ~ '^test/' GROUP BY 1")))

    def wait_for_all(self, seconds: float) -> float:
        """Wait until every run has completed; returns how long that took."""

        def completed() -> bool:
            found = self.statuses()
            return found["COMPLETED"] == found.total()

        try:
            return wait_until(completed, seconds, "every run completed")
        except AssertionError as error:
            left = self.rows("SELECT id, status, worker, run_at, crashes FROM jobs_run WHERE status <> 'COMPLETED'")
            raise AssertionError(f"{error}; now {self.statuses()}: {left[:3]}") from None

    def marks(self, word: str = "begin") -> list[tuple[str, str, int]]:
        """Return the steps that began (or ended), in order: run, step and process."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        split = [line.split() for line in lines]
        return [(run, step, int(pid)) for kind, run, step, pid in split if kind == word]

    def repeated(self) -> dict[tuple[str, str], int]:
        """Return the steps that began more than once, and how often."""
        began = Counter((run, step) for run, step, _ in self.marks())
        return {step: times for step, times in began.items() if times > 1}

    def journaled(self) -> list[tuple[str, str]]:
        """Return the steps in the journals of workloads: run and step. A schedule of the engine may come due beside."""
        query = """
            SELECT step.run_id, step.name FROM jobs_step step JOIN jobs_run run ON run.id = step.run_id
            WHERE run.trigger ~ '^test/' ORDER BY step.run_id, step.key
        """
        return [(str(run), step) for run, step in self.rows(query)]


@dataclass
class Cluster:
    """One running `manage.py qcluster`."""

    process: subprocess.Popen[bytes]
    bench: Bench
    host: str
    mark: str = field(repr=False)

    def workers(self) -> list[int]:
        """Return the worker processes that have reported, oldest first."""
        alive = set(self.members())
        rows = self.bench.rows("SELECT pid FROM jobs_worker WHERE host = %s ORDER BY started_at", [self.host])
        return [pid for (pid,) in rows if pid in alive]

    def members(self) -> list[int]:
        """Return every living process of the cluster, whoever its parent is by now."""
        return [known.pid for known in psutil.process_iter() if _has_mark(known, self.mark)]

    def sentinel(self) -> int:
        """Return the process that watches the workers."""
        (child,) = psutil.Process(self.process.pid).children()
        return child.pid

    def attendants(self) -> list[int]:
        """Return the monitor and the pusher, in this order: the children of the sentinel that never report."""
        children = [child.pid for child in psutil.Process(self.sentinel()).children()]
        return sorted(set(children) - set(self.workers()))

    def wait_until_ready(self) -> None:
        """Wait until every worker has reported."""
        wait_until(lambda: len(self.workers()) == WORKERS, START_SECONDS, f"{WORKERS} workers at work on {self.host}")

    def interrupt(self, number: signal.Signals, *, group: bool = False) -> None:
        """Signal main, or the whole process group."""
        (os.killpg if group else os.kill)(self.process.pid, number)

    def exit_code(self, seconds: float) -> int:
        """Wait for main's end and return its code."""
        return self.process.wait(seconds)

    def wait_until_gone(self, seconds: float) -> float:
        """Wait until no process of the cluster is left."""
        return wait_until(lambda: not self.members(), seconds, "every process of the cluster gone")

    def end(self) -> None:
        """Kill whatever is left."""
        for pid in self.members():
            kill(pid)
        self.process.wait(10)
        self.wait_until_gone(10)


@contextmanager
def running(
    bench: Bench,
    *,
    host: str = "workshop",
    ready: bool = True,
    environment: Mapping[str, str] = MappingProxyType({}),
    **settings: Any,
) -> Iterator[Cluster]:
    """Run a cluster until the block ends, with these `JOBS` settings; hosts share nothing but the database."""
    mark = secrets.token_hex(8)
    variables = os.environ | {
        "DATABASE_URL": f"{bench.url}{'&' if '?' in bench.url else '?'}application_name=cluster",
        "DJANGO_SETTINGS_MODULE": "tests.settings_cluster",
        "JOBS_WORKERS": str(WORKERS),
        "CLUSTER_JOBS": json.dumps({"RUN_DIR": str(bench.folder / host), **settings}),
        "CLUSTER_HOST": host,
        _MARK: mark,
        **environment,
    }
    command = [sys.executable, "manage.py", "qcluster"]
    with (bench.folder / f"{host}.out").open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdout=output, stderr=output, start_new_session=True
        )
    cluster = Cluster(process, bench, host, mark)
    try:
        if ready:
            cluster.wait_until_ready()
        yield cluster
    finally:
        cluster.end()


@contextmanager
def own_server() -> Iterator[Server]:
    """Run a PostgreSQL of the test's own with the engine's tables: the one that other tests share stays as it is."""
    with tempfile.TemporaryDirectory(prefix="sw") as folder:
        server = Server(Path(folder).resolve() / "postgres")
        server.start()
        environment = os.environ | {"DATABASE_URL": server.url(), "DJANGO_SETTINGS_MODULE": "tests.settings_cluster"}
        migrate = [sys.executable, "manage.py", "migrate", "jobs", "--verbosity=0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        yield server
        server.stop(signal.SIGQUIT)


def kill(pid: int) -> None:
    """`kill -9` a process that may have gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _has_mark(process: psutil.Process, mark: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) == mark
    except psutil.Error:
        return False


__all__ = ["Bench", "Cluster", "kill", "own_server", "running", "wait_until", "workloads"]
