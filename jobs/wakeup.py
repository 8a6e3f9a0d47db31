"""The hint to waiting workers that something is due: sent after commit, at most once in a few milliseconds."""

import os
import threading
import time

from django.db import Error, connection

from jobs.models import notifying
from jobs.postgresql.reserving import reserved

COALESCE_SECONDS = 0.004


class _Hints:
    """What this process has sent lately."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.last = 0.0
        self.pending = False


_hints = _Hints()


def hint() -> None:
    """Wake waiting workers now, or in a moment together with others; never raises, for polling finds the run anyway."""
    global _hints
    if _hints.pid != os.getpid():  # a lock held at the fork would stay locked in the child
        _hints = _Hints()
    with _hints.lock:
        wait = _hints.last + COALESCE_SECONDS - time.monotonic()
        if wait > 0:
            if not _hints.pending:
                _hints.pending = True
                timer = threading.Timer(wait, _send_pending)
                timer.daemon = True
                timer.start()
            return
        _hints.last = time.monotonic()
    _send()


def _send_pending() -> None:
    with _hints.lock:
        _hints.pending = False
        _hints.last = time.monotonic()
    _send()
    connection.close()


def _send() -> None:
    try:
        with reserved(), connection.cursor() as cursor:
            notifying.notify(cursor)
    except Error:
        # A hint that cannot be sent costs a poll interval, nothing else.
        return
