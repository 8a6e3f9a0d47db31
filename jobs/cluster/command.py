"""The main process of a cluster: starts the sentinel, watches everything, stops in order and exits with a real code."""

from __future__ import annotations

import enum
import logging
import signal
import threading
import time
from typing import Any

from django_q import cluster as q2
from django_q.conf import Conf

from jobs import conf
from jobs.cluster import lifeline, shared
from jobs.cluster.guard import Guard, Supervised, prepare_to_fork

logger = logging.getLogger("jobs")

_SLACK_SECONDS = 10.0
"""What the processes get to end after the grace of their runs is over."""


class Exit(enum.IntEnum):
    """Why the command ended."""

    STOPPED = 0
    """Somebody asked, and everything stopped in order."""
    KILLED = 1
    """Somebody asked, but something did not stop in its grace time and was killed."""
    SENTINEL_DIED = 3
    """The sentinel died; the kernel took its workers with it."""
    FROZEN = 4
    """A worker process did not come round for too long; all were killed, to be started anew."""


class Main:
    """One cluster, from its start to its exit code."""

    def __init__(self) -> None:
        self.shared = shared.Shared(Conf.WORKERS)
        shared.install(self.shared)
        lifeline.tie_children()
        prepare_to_fork()
        # Q2's cluster makes its sentinel by this name.
        q2.Sentinel = Guard
        self.cluster = Supervised()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: Any) -> None:
        self.shared.request_stop()

    def run(self) -> Exit:
        """Run until stopped or broken."""
        self.shared.start_beats()
        try:
            self.cluster.start()
        except RuntimeError:
            return Exit.SENTINEL_DIED
        logger.info("%d workers of %d threads are up", Conf.WORKERS, conf.settings().THREADS)
        while not self.shared.stop_requested():
            if not self.cluster.sentinel.is_alive():
                logger.error("The sentinel died; exiting so that the cluster is started anew")
                return Exit.SENTINEL_DIED
            if self.shared.seconds_since_slowest() > conf.settings().WATCHDOG_SECONDS:
                logger.error("A worker did not come round for %ss; exiting", conf.settings().WATCHDOG_SECONDS)
                self._kill()
                return Exit.FROZEN
            time.sleep(0.2)
        return self._stop()

    def _stop(self) -> Exit:
        """Stop in order, in a thread, because Q2's own waiting has no end."""
        logger.info("Stopping: running steps have %ss to finish", conf.settings().GRACE_SECONDS)
        sentinel = self.cluster.sentinel
        if not sentinel.is_alive():
            return Exit.SENTINEL_DIED
        threading.Thread(target=self.cluster.stop_event.set, daemon=True).start()
        sentinel.join(conf.settings().GRACE_SECONDS + _SLACK_SECONDS)
        if sentinel.is_alive():
            logger.error("Something did not stop in time and was killed")
            self._kill()
            return Exit.KILLED
        return Exit.STOPPED if sentinel.exitcode == 0 else Exit.SENTINEL_DIED

    def _kill(self) -> None:
        """Kill the sentinel; its children follow it."""
        self.cluster.sentinel.kill()
        self.cluster.sentinel.join(5)
