"""Storing the rows of a file with COPY, as they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection

_COPY = "COPY imports_csvrow (batch_id, number, round, status, attempts, data, error) FROM STDIN"


class NewRow(NamedTuple):
    """A row to be stored."""

    number: int
    round: int
    status: str
    data: dict[str, str]
    error: str = ""


def store(batch: int, rows: Iterable[NewRow]) -> int:
    """Store rows in the caller's transaction, without holding them; returns how many there were."""
    count = 0
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            text = json.dumps(row.data, ensure_ascii=False, separators=(",", ":"))
            copy.write_row((batch, row.number, row.round, row.status, 0, text, row.error))
            count += 1
    return count
