"""Where a waiting worker hears that something is due: LISTEN where the server allows it, a poll where not."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Any

import psycopg

from jobs import conf, database
from jobs.models import notifying

logger = logging.getLogger("jobs")

_SELF_TEST_SECONDS = 2.0


class Listener:
    """The connection on which a pump claims, and hears of new runs between two claims."""

    def __init__(self) -> None:
        self._main: psycopg.Connection[Any] | None = None
        self._ears: psycopg.Connection[Any] | None = None
        self._deaf = False

    def connection(self) -> psycopg.Connection[Any]:
        """Return the open connection, connecting first if need be."""
        if self._main is None or self._main.closed:
            self.close()
            self._main = database.connect()
            self._ears = self._listening(self._main)
        return self._main

    def _listening(self, main: psycopg.Connection[Any]) -> psycopg.Connection[Any] | None:
        address = conf.settings().LISTEN_URL
        if address == "off":
            return None
        ears = psycopg.connect(address, autocommit=True, connect_timeout=5) if address else main
        notifying.listen(ears.cursor())
        if self._hears(ears):
            return ears
        notifying.unlisten(ears.cursor())
        if ears is not main:
            ears.close()
        if not self._deaf:
            logger.warning("LISTEN does not work on this connection (a pooler?): polling; see JOBS['LISTEN_URL']")
        self._deaf = True
        return None

    def _hears(self, ears: psycopg.Connection[Any]) -> bool:
        """Have somebody else tell us something: a transaction pooler accepts LISTEN and then never delivers.

        What a connection tells itself arrives even there, on the way back of its own statement.
        """
        with psycopg.connect(**database.parameters()) as other:
            notifying.notify(other.cursor())
        return any(True for _ in ears.notifies(timeout=_SELF_TEST_SECONDS, stop_after=1))

    def wait(self, seconds: float) -> None:
        """Return when something was heard, or after so many seconds."""
        if self._ears is None:
            time.sleep(seconds)
            return
        for _ in self._ears.notifies(timeout=seconds, stop_after=1):
            break

    def close(self) -> None:
        """Close what is open."""
        for connection in {self._main, self._ears} - {None}:
            with contextlib.suppress(psycopg.Error):
                connection.close()  # type: ignore[union-attr]
        self._main = self._ears = None
