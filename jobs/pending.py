"""A write that a thread has handed over, and how that thread hears what became of it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence

from jobs.journal import Write


class Pending:
    """A write on its way; `done` is called once it is committed or known to be lost."""

    __slots__ = ("_lock", "_next", "done", "error", "held", "write")

    def __init__(self, write: Write, done: Callable[[Exception | None], None] | None = None) -> None:
        self.write = write
        self.done = done
        self.held = False
        self.error: Exception | None = None
        self._next: Pending | None = None
        # A bare lock is the cheapest thing a thread can wait on.
        self._lock = threading.Lock()
        self._lock.acquire()

    def finish(self, held: bool, error: Exception | None = None) -> None:
        """Tell how it went; the waiting thread goes on after `wake`."""
        self.held, self.error = held, error
        if self.done is not None:
            self.done(error)

    @staticmethod
    def wake(finished: Sequence[Pending]) -> None:
        """Let the waiting threads go on, each waking the next: all at once they would fight for the interpreter."""
        for pending, following in itertools.pairwise(finished):
            pending._next = following
        if finished:
            finished[0]._lock.release()

    def wait(self) -> bool:
        """Return, once committed, whether the lease held."""
        self._lock.acquire()
        if self._next is not None:
            self._next._lock.release()
        if self.error is not None:
            raise self.error
        return self.held
