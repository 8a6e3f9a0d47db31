"""A sender whose transaction stays open in another thread, while the test does what races with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from tests.jobs.cluster import Bench
from tests.jobs.racing import aside, wait_for_a_wait


class Open:
    """A transaction of a sender in another thread, open until it is told to commit."""

    def __init__(self, work: Callable[[], Any], *, rolls_back: bool = False) -> None:
        self._rolls_back = rolls_back
        self.done, self.end = threading.Event(), threading.Event()
        self.future: Future[Any] = aside(self._run, work)
        assert self.done.wait(10)

    def _run(self, work: Callable[[], Any]) -> Any:
        with transaction.atomic():
            try:
                result = work()
            finally:
                self.done.set()
            assert self.end.wait(20)
            transaction.set_rollback(self._rolls_back)
        return result

    def commit(self) -> Any:
        self.end.set()
        return self.future.result(10)


@contextmanager
def second_after(bench: Bench, first: Open, work: Callable[[], Any]) -> Iterator[tuple[Any, Any]]:
    """Call something that has to wait for the open transaction, and commit that one; yields what both returned."""
    later = aside(work)
    wait_for_a_wait(bench)
    yield first.commit(), later.result(10)
