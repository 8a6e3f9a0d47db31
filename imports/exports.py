"""Files to download: what came of the rows, line by line, and what was wrong; nothing in them is ever executed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from imports.models import CsvBatch, CsvRow, RowStatus
from jobs import database

# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CHUNK = 1000
WRONG = (RowStatus.FAILED, RowStatus.SKIPPED)


def results(batch: CsvBatch) -> Iterator[bytes]:
    """Yield a CSV file with every row: its line, cells, status, attempts, result and error."""
    return _lines(batch, CsvRow.objects.filter(batch=batch), ["attempts", "result"])


def errors(batch: CsvBatch) -> Iterator[bytes]:
    """Yield a CSV file with the rows that failed or were left out, and why; corrected, it can be uploaded again."""
    return _lines(batch, CsvRow.objects.filter(batch=batch, status__in=WRONG), [])


def _lines(batch: CsvBatch, rows: Any, more: list[str]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + _line(["line", *batch.headers, "status", *more, "error"])
    after, found = -1, True
    # Read by line, a thousand at a time: a cursor would hold a connection as long as somebody's download takes.
    while found:
        found = list(rows.filter(number__gt=after).order_by("number").defer("answer")[:_CHUNK])
        chunk = [_line(_cells(batch, row, more)) for row in found]
        database.give_back()
        after = found[-1].number if found else after
        yield b"".join(chunk)


def _cells(batch: CsvBatch, row: Any, more: list[str]) -> list[Any]:
    cells = [row.data.get(header, "") for header in batch.headers]
    told = {"attempts": row.attempts, "result": "" if row.result is None else _plain(row.result)}
    return [row.number, *cells, row.get_status_display(), *(told[name] for name in more), row.error]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(cells: list[Any]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow([safe(cell) for cell in cells])
    return text.getvalue().encode("utf-8", "replace")


def safe(cell: Any) -> Any:
    """Return a cell that no spreadsheet executes: one that would begin a formula begins with an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
