"""The moves of rows: claimed for an attempt, and ended by that attempt alone; whoever comes late writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from imports.models.row import OPEN_ROWS, CsvRow, RowStatus
from jobs import serialize

_CLAIM = """
UPDATE imports_csvrow SET status = 'PROCESSING', attempts = attempts + 1, error = ''
WHERE id = ANY(%s) AND status IN ('PENDING', 'PROCESSING')
RETURNING id, number, attempts, data::text, answer::text
"""
_KEEP = "UPDATE imports_csvrow SET answer = %s WHERE id = %s AND attempts = %s AND status = 'PROCESSING'"
_END = """
UPDATE imports_csvrow SET status = %s, result = %s, error = %s, answer = CASE WHEN %s THEN answer END
WHERE id = %s AND attempts = %s AND status = 'PROCESSING'
"""
_END_MANY = """
UPDATE imports_csvrow AS known
SET status = ended.status, result = ended.result::json, error = ended.error, attempts = known.attempts + 1
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[])
    AS ended (id, attempts, status, result, error)
WHERE known.id = ended.id AND known.attempts = ended.attempts AND known.status IN ('PENDING', 'PROCESSING')
"""
_LIMITS = """
SELECT set_config('statement_timeout', %s, true), set_config('idle_in_transaction_session_timeout', %s, true)
"""
_GRACE = 0.5


@dataclass(frozen=True)
class Claimed:
    """A row in the hands of an attempt, whose number fences all that it writes."""

    pk: int
    number: int
    attempt: int
    data: dict[str, str]
    answer: str | None
    """As JSON text; None if nobody has been asked yet."""


@dataclass(frozen=True)
class Ending:
    """How a row ends: with a result or with an error."""

    claimed: Claimed
    result: Any = None
    error: str = ""
    keeps_answer: bool = True
    """False: what asking brought is of no use, so the next attempt asks anew."""

    @property
    def status(self) -> RowStatus:
        """Where that leaves the row."""
        return RowStatus.FAILED if self.error else RowStatus.COMPLETED


def window(batch: int, round_: int, after: int, size: int) -> list[tuple[int, int, str]]:
    """Return a batch: id, number and status of the next rows of a round behind a line, whatever became of them.

    It is the same rows however often it is asked for, so a batch that is repeated never reaches into the next one.
    """
    rows = CsvRow.objects.filter(batch=batch, round=round_, number__gt=after).order_by("number")
    return list(rows.values_list("pk", "number", "status")[:size])


def claim(rows: Sequence[int]) -> list[Claimed]:
    """Begin an attempt of those rows that are still open, in the order of the file."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [list(rows)])
        found = [Claimed(pk, number, n, serialize.loads(data), answer) for pk, number, n, data, answer in cursor]
    return sorted(found, key=lambda row: row.number)


def look(rows: Sequence[int]) -> list[Claimed]:
    """Return the open rows without beginning an attempt: a whole set is ended in the transaction that reads it."""
    found = CsvRow.objects.filter(pk__in=rows, status__in=OPEN_ROWS).order_by("number")
    return [Claimed(row.pk, row.number, row.attempts, row.data, None) for row in found]


def keep_answer(claimed: Claimed, answer: str) -> bool:
    """Store what asking has brought; False if the attempt has been given up meanwhile."""
    return _changed(_KEEP, [answer, claimed.pk, claimed.attempt]) == 1


def end(ending: Ending) -> bool:
    """End a row; False if the attempt has been given up meanwhile, and then nothing it did may stay."""
    claimed, text = ending.claimed, None if ending.error else serialize.dumps(ending.result)
    written = [ending.status.value, text, _storable(ending.error), ending.keeps_answer]
    return _changed(_END, [*written, claimed.pk, claimed.attempt]) == 1


def end_many(endings: Sequence[Ending]) -> bool:
    """End all these rows; False if any was taken by somebody else, and then nothing of it may stay."""
    columns: list[list[Any]] = [[], [], [], [], []]
    for each in endings:
        text = None if each.error else serialize.dumps(each.result)
        row = (each.claimed.pk, each.claimed.attempt, each.status.value, text, _storable(each.error))
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return _changed(_END_MANY, columns) == len(endings)


def give_back(claimed: Claimed, why: str) -> None:
    """Let a row be taken again by the next attempt of its batch."""
    row = CsvRow.objects.filter(pk=claimed.pk, attempts=claimed.attempt, status=RowStatus.PROCESSING)
    row.update(status=RowStatus.PENDING, error=_storable(why))


def limit_transaction(seconds: float) -> None:
    """Let the server end the transaction under way if it is idle, or in one statement, for longer than that."""
    milliseconds = str(int((seconds + _GRACE) * 1000))
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS, [milliseconds, milliseconds])


def requeue(batch: int, round_: int, statuses: Sequence[str]) -> int:
    """Put the rows in these statuses into a round of their own; returns how many there are."""
    rows = CsvRow.objects.filter(batch=batch, status__in=statuses)
    return rows.update(status=RowStatus.PENDING, round=round_, error="", result=None)


def cancel_open(batch: int) -> int:
    """Take every row whose turn has not ended out of the import; an attempt under way can write nothing more."""
    with transaction.atomic():
        return CsvRow.objects.filter(batch=batch, status__in=OPEN_ROWS).update(status=RowStatus.CANCELLED)


def _changed(statement: str, parameters: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _storable(words: str) -> str:
    return words.replace("\x00", "␀").encode("utf-8", "replace").decode()[:4000]
