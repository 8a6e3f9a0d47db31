"""A COMMIT whose answer never came: the journal decides what became of it, before anything runs again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from jobs.journal import Claimed, Entry, Line, Lost, Suspend, Write
from jobs.models import writing

logger = logging.getLogger("jobs")


def record_once(
    claimed: Claimed, make: Callable[[], Entry], lines: Callable[[], list[Line]], *, is_kept: Callable[[Entry], bool]
) -> Entry:
    """Run `make` and journal its entry in one transaction, which a lost lease rolls back.

    Where the COMMIT fails, `is_kept` tells whether the journal has the entry all the same.
    """
    entry: Entry | None = None
    nested = connection.in_atomic_block  # then somebody else's COMMIT decides, later
    answered: list[bool] = []
    hooks: list[Callable[[], Any]] = []
    try:
        with transaction.atomic():
            # The first of all hooks, so that it runs as soon as the COMMIT is answered.
            transaction.on_commit(lambda: answered.append(True))
            made = make()
            _journal(claimed, made, lines())
            hooks += [hook for _, hook, *_ in connection.run_on_commit[1:]]
            entry = made
    except Exception as error:
        if entry is None or nested or not (answered or is_kept(entry)):
            raise
        # Committed is committed: called again, the handler would do its work twice.
        if answered:
            logger.error('What follows the commit of "%s" has failed', entry.name, exc_info=error)
        else:
            logger.warning('The answer to the commit of "%s" was lost; the journal has it', entry.name)
            _follow(hooks, entry)
    return entry


def _journal(claimed: Claimed, entry: Entry, lines: list[Line]) -> None:
    with connection.cursor() as cursor:
        if not writing.write(cursor, [Write(claimed.run_id, claimed.lease, [entry], lines=lines)]):
            # Leaving by an exception rolls back what the handler wrote.
            raise Suspend(Lost())


def _follow(hooks: list[Callable[[], Any]], entry: Entry) -> None:
    """Do what was to follow the commit; Django forgot it with the connection."""
    for hook in hooks:
        try:
            hook()
        except Exception:  # product code, and there is nothing left that could be undone
            logger.exception('What follows the commit of "%s" has failed', entry.name)
