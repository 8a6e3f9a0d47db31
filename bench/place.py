"""Where the measuring happens: a database of its own on the project's server, and a cluster beside this process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

NAME = "stepwell_bench"
ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def database() -> Iterator[str]:
    """Make an empty database with all tables, name it in DATABASE_URL, and drop it at the end."""
    from config import database as configured

    configured.ensure_ready()
    server = configured.configuration()
    admin = _connect(server, server["NAME"])
    admin.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    admin.execute(f"CREATE DATABASE {NAME}")
    os.environ["DATABASE_URL"] = _url(server)
    try:
        yield os.environ["DATABASE_URL"]
    finally:
        admin.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        admin.close()


def _connect(server: dict[str, Any], name: str) -> psycopg.Connection[Any]:
    wanted = {"user": server["USER"], "password": server.get("PASSWORD"), "host": server["HOST"]}
    return psycopg.connect(dbname=name, port=server["PORT"] or None, autocommit=True, **wanted)


def _url(server: dict[str, Any]) -> str:
    from urllib.parse import quote

    secret = f":{quote(server['PASSWORD'], safe='')}" if server.get("PASSWORD") else ""
    host = quote(server["HOST"], safe="")
    return f"postgresql://{quote(server['USER'], safe='')}{secret}@{host}:{server['PORT'] or 5432}/{NAME}"


class Cluster:
    """A `manage.py qcluster` beside this process."""

    def __init__(self, workers: int = 2) -> None:
        environment = {**os.environ, "JOBS_WORKERS": str(workers), "DJANGO_SETTINGS_MODULE": "bench.settings"}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "qcluster"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def processes(self) -> list[int]:
        """Return the pids of main and all its descendants."""
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found.extend(int(child) for child in task.read_text().split())
        return found

    def pss_mb(self) -> float:
        """Return the proportional memory of all its processes, in MB."""
        return sum(_pss_kb(pid) for pid in self.processes()) / 1024

    def stop(self) -> None:
        """End it in order."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


def _pss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


@contextmanager
def cluster(workers: int = 2) -> Iterator[Cluster]:
    """Run a cluster until the block ends, once its workers have reported."""
    from jobs.models import Worker

    Worker.objects.all().delete()
    running = Cluster(workers)
    try:
        until = time.monotonic() + 30
        while Worker.objects.count() < workers:
            if time.monotonic() > until or running.process.poll() is not None:
                raise RuntimeError("The cluster did not come up")
            time.sleep(0.1)
        time.sleep(0.5)
        yield running
    finally:
        running.stop()
