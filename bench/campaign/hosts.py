"""The hosts of a campaign: clusters that are started anew when they end, as a supervisor would, and a web server."""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import psycopg

from bench.campaign.link import Link
from bench.campaign.place import ROOT, Place

WORKERS = 2
MARK = "CAMPAIGN_MARK"
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


class Host:
    """Something that runs beside the campaign over a link of its own, and is kept running."""

    def __init__(self, place: Place, name: str, command: list[str], **environment: str) -> None:
        self.place, self.name = place, name
        self.link = Link(place.socket)
        self.starts = 0
        self.exits: list[int] = []
        self._mark = secrets.token_hex(8)
        self._command = command
        self._environment = place.environment(self.link.port, **environment, **{MARK: self._mark})
        self._ended = threading.Event()
        self.process = self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        with (self.place.folder / f"{self.name}.out").open("ab") as output:
            return subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=output, stderr=output, start_new_session=True
            )

    def _keep(self) -> None:
        while not self._ended.wait(0.2):
            if (code := self.process.poll()) is not None:
                self.exits.append(code)
                self._ended.wait(0.5)
                if not self._ended.is_set():
                    self.process = self._start()

    def members(self) -> list[psutil.Process]:
        """Return every living process of it, whoever its parent is by now."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == self._mark
        except psutil.Error:
            return False

    def end(self) -> None:
        """Kill all of it."""
        self._ended.set()
        self._keeper.join(5)
        for _ in range(20):
            members = self.members()
            for process in members:
                kill(process.pid, signal.SIGKILL)
            if not members:
                break
            time.sleep(0.1)
        self.process.wait(10)
        self.link.close()


class Cluster(Host):
    """A host with two workers, and a clock of its own where faketime is installed."""

    def __init__(self, place: Place, name: str, *, own_clock: bool) -> None:
        self.clock = place.folder / f"{name}.clock"
        more = {"JOBS_WORKERS": str(WORKERS), "CAMPAIGN_HOST": name, "CAMPAIGN_RUN_DIR": str(place.folder / name)}
        if own_clock and FAKETIME is not None:
            self.set_clock(0)
            more |= {
                "LD_PRELOAD": str(FAKETIME),
                "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1",
            }
        super().__init__(place, name, [sys.executable, "manage.py", "qcluster"], **more)

    def set_clock(self, seconds: float) -> None:
        """Set the host's clock that far ahead or, negative, behind."""
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(f"{seconds:+.0f}\n")
        fresh.replace(self.clock)

    def find(self, kind: str) -> list[int]:
        """Return the living processes of a kind: main, sentinel, worker, or attendant (Q2's monitor and pusher)."""
        main = self.process.pid
        if kind == "main":
            return [main] if psutil.pid_exists(main) else []
        try:
            sentinels = [child.pid for child in psutil.Process(main).children()]
            if kind == "sentinel":
                return sentinels
            children = [child.pid for pid in sentinels for child in psutil.Process(pid).children()]
        except psutil.Error:
            return []
        reported = self._reported()
        return sorted(pid for pid in children if (pid in reported) == (kind == "worker"))

    def _reported(self) -> set[int]:
        try:
            with self.place.connect() as connection:
                query = "SELECT pid FROM jobs_worker WHERE host = %s"
                return {pid for (pid,) in connection.execute(query, [self.name])}
        except psycopg.Error:
            return set()

    def is_ready(self) -> bool:
        """Whether all its workers have reported."""
        return len(self.find("worker")) == WORKERS


def web(place: Place, port: int) -> Host:
    """Start the web server on that port."""
    command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn_conf.py", "config.wsgi:application"]
    return Host(place, "web", command, PORT=str(port), WEB_WORKERS="1", HOST="127.0.0.1")


def kill(pid: int, number: signal.Signals) -> bool:
    """Send a signal to a process that may have gone already; whether it was there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
