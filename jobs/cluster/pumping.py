"""What a Q2 worker does with a token: pump runs for a while, and stop in order when it is to make room."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

from django_q.conf import Conf
from django_q.worker import rss_check

from jobs import conf, schedule
from jobs.cluster import shared
from jobs.postgresql.reserving import reserved
from jobs.worker import Worker

_PULSE_SECONDS = 1.0


@dataclass
class _Process:
    """The worker of this process; `pid` tells one that was inherited over a fork."""

    pid: int
    worker: Worker
    pumps: int = 0


class _Pulse(threading.Thread):
    """Beats for a pump that waits for the database: however long the server stalls, this process is not stuck."""

    def __init__(self, worker: Worker, cluster: shared.Shared) -> None:
        super().__init__(name="jobs-pulse", daemon=True)
        self._worker, self._cluster = worker, cluster

    def run(self) -> None:
        while not self._worker.stopping():
            time.sleep(_PULSE_SECONDS)
            if self._worker.in_database:
                self._cluster.beat()


_process: _Process | None = None


def pump() -> None:
    """Execute due runs for `JOBS["PUMP_SECONDS"]`, then return so that Q2 can check this process's age and memory."""
    cluster = shared.current() or shared.Shared(1)
    cluster.beat()
    if cluster.stop_requested() and _process is None:
        # Tokens still in Q2's queue; the pause keeps them from spinning until the sentinel stops the pusher.
        time.sleep(0.05)
        return
    process = _this_process(cluster)
    settings = conf.settings()
    process.worker.pump(settings.PUMP_SECONDS, beat=cluster.beat)
    process.pumps += 1
    if cluster.stop_requested():
        _end(process, settings.GRACE_SECONDS, cluster)
    elif process.pumps >= Conf.RECYCLE or rss_check():
        _drain(process, settings.DRAIN_SECONDS, cluster)
        _end(process, settings.GRACE_SECONDS, cluster)


def _this_process(cluster: shared.Shared) -> _Process:
    global _process
    if _process is None or _process.pid != os.getpid():
        _process = _Process(os.getpid(), Worker(stop_requested=cluster.stop_requested))
        _Pulse(_process.worker, cluster).start()
        with reserved():
            schedule.follow_code()
    return _process


def _drain(process: _Process, seconds: float, cluster: shared.Shared) -> None:
    """Let long steps finish before the process is replaced: nobody waits for it, and they need not run twice."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not cluster.stop_requested() and not process.worker.drain(1.0):
        cluster.beat()


def _end(process: _Process, grace: float, cluster: shared.Shared) -> None:
    global _process
    process.worker.stop(grace, beat=cluster.beat)
    _process = None
