"""What the processes of one cluster share: a flag to stop, and when each worker last came round.

Plain memory without locks: a process that is killed while it holds a lock would stop all others for good.
"""

from __future__ import annotations

import time
from multiprocessing.sharedctypes import RawArray, RawValue


class Shared:
    """Made before the fork; the same memory in every process of the cluster."""

    def __init__(self, workers: int) -> None:
        self._stop = RawValue("b", 0)
        self._beats = RawArray("d", workers)
        self.slot = 0
        """Which place is this worker's; the sentinel sets it just before each fork."""

    def request_stop(self) -> None:
        """Ask every worker to stop; safe in a signal handler."""
        self._stop.value = 1

    def stop_requested(self) -> bool:
        """Whether somebody asked."""
        return bool(self._stop.value)

    def beat(self) -> None:
        """Say that this worker came round."""
        self._beats[self.slot] = time.monotonic()

    def start_beats(self) -> None:
        """Give every worker its whole time from now."""
        for slot in range(len(self._beats)):
            self._beats[slot] = time.monotonic()

    def seconds_since_slowest(self) -> float:
        """Return how long ago the worker came round that was silent for longest."""
        return time.monotonic() - min(float(beat) for beat in self._beats)


_current: Shared | None = None


def install(shared: Shared) -> None:
    """Make this the memory that forked processes find."""
    global _current
    _current = shared


def current() -> Shared | None:
    """Return the memory of the cluster this process belongs to, if it does."""
    return _current
