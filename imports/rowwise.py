"""Rows of a batch taken at the same time, each with its own time limit: what hangs is left behind and fenced off."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from imports.models.moving import Claimed, Ending, end, give_back, keep_answer, limit_transaction
from imports.processors import Apply, Ask, BadAnswer, Row, RowError
from jobs import RetryAfterError, clock, serialize
from jobs.errors import NonRetriableError

logger = logging.getLogger("imports")
MOST_AT_ONCE = 50


class Superseded(Exception):
    """This attempt has been given up: what it did is rolled back, and it writes nothing more."""


@dataclass
class Work:
    """What is done to each row of a batch, and until when."""

    row: Callable[[Claimed], Row]
    apply: Apply
    ask: Ask | None
    timeout: float
    """Seconds for a row."""
    last: bool
    """No later attempt of this batch: a row that asks for one fails."""
    until: datetime | None = field(default=None)
    """When the rows that asked to wait want to be tried again; the latest of them."""

    def do(self, claimed: Sequence[Claimed]) -> None:
        """Take all these rows through their attempt; every one of them is ended, or given back, when this returns."""
        if connection.in_atomic_block:
            # Tests execute runs in their own transaction, which no other thread could see.
            for each in claimed:
                self._attempt(each, time.monotonic() + self.timeout)
            return
        for start in range(0, len(claimed), MOST_AT_ONCE):
            self._together(claimed[start : start + MOST_AT_ONCE])

    def _together(self, claimed: Sequence[Claimed]) -> None:
        connection.close()  # given back to the pool: this thread only waits now
        deadline = time.monotonic() + self.timeout
        threads = [threading.Thread(target=self._on_thread, args=(each, deadline), daemon=True) for each in claimed]
        for thread in threads:
            thread.start()
        for thread, each in zip(threads, claimed, strict=True):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                self._fail(each, _too_late(self.timeout))

    def _on_thread(self, claimed: Claimed, deadline: float) -> None:
        try:
            self._attempt(claimed, deadline)
        except Exception:
            # The row stays in the hands of this attempt; the batch is tried again and finds it.
            logger.exception("Line %d could not be ended", claimed.number)
        finally:
            connection.close()

    def _attempt(self, claimed: Claimed, deadline: float) -> None:
        try:
            answer = self._answer(claimed)
            with transaction.atomic():
                if not connection.savepoint_ids:
                    limit_transaction(max(0.05, deadline - time.monotonic()))
                result = self.apply(self.row(claimed), answer)
                if time.monotonic() > deadline:
                    raise TimeoutError(_too_late(self.timeout))
                if not end(Ending(claimed, result=result)):
                    raise Superseded
        except Superseded:
            return
        except RetryAfterError as error:
            self._wait(claimed, error)
        except Exception as error:
            self._fail(claimed, in_words(error), keeps_answer=not isinstance(error, BadAnswer))

    def _answer(self, claimed: Claimed) -> object:
        if self.ask is None:
            return None
        if claimed.answer is None:
            text = serialize.dumps(self.ask(self.row(claimed)))
            if not keep_answer(claimed, text):
                raise Superseded
            return serialize.loads(text)
        return serialize.loads(claimed.answer)

    def _wait(self, claimed: Claimed, error: RetryAfterError) -> None:
        if self.last:
            self._fail(claimed, in_words(error))
            return
        give_back(claimed, in_words(error))
        at = error.retry_after
        wanted = at.astimezone(UTC) if isinstance(at, datetime) else clock.now() + at
        self.until = max(wanted, self.until or wanted)

    def _fail(self, claimed: Claimed, words: str, *, keeps_answer: bool = True) -> None:
        end(Ending(claimed, error=words, keeps_answer=keeps_answer))


def _too_late(seconds: float) -> str:
    return f"It took longer than {timedelta(seconds=seconds).total_seconds():g} s, so it was given up."


def in_words(error: BaseException) -> str:
    """Return why a row failed: what is meant for people as it is, anything else with the kind of error before it."""
    words = str(error).strip()
    if words and isinstance(error, RowError | NonRetriableError | RetryAfterError | TimeoutError):
        return words
    return f"{type(error).__name__}: {words}" if words else f"{type(error).__name__}."
