"""Rows of a batch taken as a set, in one transaction; where that fails, row by row, so that one stops no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, transaction

from imports.models.moving import Claimed, Ending, claim, end_many, limit_transaction, look
from imports.processors import Many, Row, RowError
from imports.rowwise import Superseded, Work, in_words, logger


class WrongCount(Exception):
    """The processor did not return one result for each row."""


def process_set(rows: Sequence[int], many: Many, work: Work) -> None:
    """Take these rows through a set-based processor; `work` has the row, the time limit, and what one row means."""
    looked = look(rows)
    if not looked:
        return
    try:
        _in_time(lambda: _whole(looked, many, work), work.timeout)
    except Superseded:
        return
    except Exception as error:
        logger.warning("%d rows are taken one by one: %s", len(looked), in_words(error))
        for each in looked:
            # Claimed anew, so that the set can write nothing more if it still runs.
            work.do(claim([each.pk]))


def alone(many: Many) -> Callable[[Row, Any], Any]:
    """Return how a set-based processor treats one row."""

    def apply(row: Row, answer: Any) -> Any:
        (result,) = many([row])
        if isinstance(result, RowError):
            raise result
        return result

    return apply


def _whole(looked: Sequence[Claimed], many: Many, work: Work) -> None:
    with transaction.atomic():
        if not connection.savepoint_ids:
            limit_transaction(work.timeout)
        results = many([work.row(each) for each in looked])
        if len(results) != len(looked):
            raise WrongCount(f"The processor returned {len(results)} results for {len(looked)} rows.")
        if not end_many([_ending(each, result) for each, result in zip(looked, results, strict=True)]):
            raise Superseded


def _ending(claimed: Claimed, result: Any) -> Ending:
    if isinstance(result, RowError):
        return Ending(claimed, error=in_words(result))
    return Ending(claimed, result=result)


def _in_time(call: Callable[[], None], seconds: float) -> None:
    """Call on a thread that nobody waits for longer than that."""
    if connection.in_atomic_block:
        call()
        return
    # Given back to the pool: this thread only waits now, and as many of them would leave none for those that work.
    connection.close()
    ended: list[BaseException | None] = []

    def work() -> None:
        try:
            call()
            ended.append(None)
        except BaseException as error:  # carried over to the thread of the step
            ended.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise TimeoutError(f"The set took longer than {seconds:g} s.")
    if ended[0] is not None:
        raise ended[0]
