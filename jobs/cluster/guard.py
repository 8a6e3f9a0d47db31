"""Q2's sentinel, made to survive what kills the stock one: signals to its group, and the death of its monitor."""

from __future__ import annotations

import gc
import importlib
import signal
import time
from typing import Any

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django_q.cluster import Cluster, Sentinel

from jobs import conf
from jobs.cluster.shared import Shared, current


def _pass_over(number: int, frame: Any) -> None:
    """Do nothing about a signal."""


class NoResults:
    """Stands where Q2 keeps its results queue: nothing is kept, and no lock can die with a monitor."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def put(self, result: Any) -> None:
        """Forget a result: runs keep theirs in their own table."""

    def get(self) -> str:
        """Wait until the cluster stops."""
        while not self._shared.stop_requested():
            time.sleep(0.2)
        return "STOP"

    def empty(self) -> bool:
        """There is never anything in it."""
        return True

    def qsize(self) -> int:
        """There is never anything in it."""
        return 0

    def close(self) -> None:
        """Nothing is open."""

    def join_thread(self) -> None:
        """No thread feeds it."""


class Guard(Sentinel):  # type: ignore[misc]
    """The sentinel: restarts workers, pusher and monitor that die; stops only when main says so."""

    def spawn_cluster(self) -> None:
        """Start the workers, deaf to a SIGTERM that the whole process group gets: main alone decides."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # Not SIG_IGN, which programs that product code starts would inherit: nothing but a kill would end them.
            signal.signal(number, _pass_over)
        shared = current()
        if shared is None:
            raise RuntimeError("A guard runs only inside the qcluster command.")
        self.result_queue = NoResults(shared)
        shared.start_beats()
        super().spawn_cluster()

    def spawn_worker(self) -> None:
        """Start one worker in the first free place."""
        shared = current()
        if shared is not None:
            taken = {worker.place for worker in self.pool}
            shared.slot = next(place for place in range(self.pool_size) if place not in taken)
            shared.beat()
        super().spawn_worker()
        if shared is not None:
            self.pool[-1].place = shared.slot


class Supervised(Cluster):  # type: ignore[misc]
    """Q2's cluster with our guard as its sentinel; its signal handlers are replaced by main's."""

    def sig_handler(self, signum: int, frame: Any) -> None:
        """Do nothing here: stopping inside a signal handler is what hangs a stock cluster."""


def prepare_to_fork() -> None:
    """Leave nothing open that children would share, and keep the memory of what is loaded shared."""
    for module in conf.settings().PRELOAD:
        importlib.import_module(module)
    for connection in connections.all(initialized_only=True):
        connection.close()
        if isinstance(connection, DatabaseWrapper):
            connection.close_pool()
    gc.collect()
    gc.freeze()
