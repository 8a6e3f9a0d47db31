"""Files in storage: opened as they were uploaded, looked at as tables, and copied for another import."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from django.core.files.storage import default_storage

from imports import processors
from imports.models import CsvBatch
from imports.reading import Choices, Table, Unreadable, matching, open_table
from imports.reading.base import Record

PREVIEW, MOST_PROBLEMS = 20, 200
_CHUNK = 1024 * 1024


@contextmanager
def opened(batch: CsvBatch) -> Iterator[BinaryIO]:
    """Give the file of a batch, on this machine's disk: storage may be another one, and reading goes back and forth.

    Raises Unreadable if it is gone.
    """
    with tempfile.TemporaryFile() as local:
        try:
            with default_storage.open(batch.file.name, "rb") as stored:
                while chunk := stored.read(_CHUNK):
                    local.write(chunk)
        except FileNotFoundError:
            raise Unreadable(f"“{batch}” is no longer in storage; upload it again.") from None
        local.seek(0)
        yield local


def choices_of(batch: CsvBatch) -> Choices:
    """Return how the file is read, as it was found out or chosen."""
    return Choices(batch.encoding, batch.delimiter, batch.sheet, batch.header_line)


def look(batch: CsvBatch, stream: BinaryIO, choices: Choices) -> None:
    """Read a file through and write on the batch, unsaved, what it holds; raises Unreadable."""
    table = open_table(stream, choices)
    batch.kind, batch.encoding, batch.delimiter = table.kind.value, table.encoding, table.delimiter
    batch.sheets, batch.sheet, batch.header_line = table.sheets, table.sheet, table.header
    batch.headers = table.headers
    batch.mapping = {column: header for column, header in batch.mapping.items() if header in table.headers}
    check(batch, table)


def check(batch: CsvBatch, table: Table) -> None:
    """Count the rows that can be imported with the batch's mapping, and keep the first ones and the first problems."""
    rows = good = 0
    shown: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    problem_of = Judge(batch)
    for record in table.rows():
        rows += 1
        if len(shown) < PREVIEW:
            shown.append({"number": record.number, "cells": [cell[:200] for cell in record.cells[:50]]})
        if words := problem_of(record):
            if len(problems) < MOST_PROBLEMS:
                problems.append({"number": record.number, "words": words})
        else:
            good += 1
    batch.checked = {"rows": rows, "good": good, "preview": shown, "problems": problems}


def as_data(headers: list[str], record: Record) -> dict[str, str]:
    """Return the cells of a row by header; those beyond the header are named by their place."""
    extra = [f"Column {number}" for number in range(len(headers) + 1, len(record.cells) + 1)]
    return dict(zip([*headers, *extra], record.cells, strict=False))


class Judge:
    """Says what is wrong with a row: as the file has it, or for the processor that is to get it."""

    def __init__(self, batch: CsvBatch) -> None:
        chosen = processors.get(batch.processor) if batch.processor else None
        at = {header: place for place, header in enumerate(batch.headers)}
        needed = chosen.required if chosen else ()
        self._needed = [
            (column.label, at[batch.mapping[column.name]]) for column in needed if batch.mapping.get(column.name) in at
        ]
        self._what = "Line" if batch.kind == "csv" else "Row"

    def __call__(self, record: Record) -> str:
        """Return the problem of a row, "" if there is none."""
        if record.problem:
            return record.problem
        for label, place in self._needed:
            if not record.cells[place].strip():
                return f"{self._what} {record.number} has nothing under “{label}”, which every row needs."
        return ""


def propose(batch: CsvBatch) -> None:
    """Map the columns of the batch's processor to headers by their names, where no person has done it."""
    columns = {column.name: column.known_as for column in processors.get(batch.processor).columns}
    batch.mapping = matching.proposed(batch.headers, columns)


def missing(batch: CsvBatch) -> list[str]:
    """Return the required columns that no header is mapped to."""
    known = processors.get(batch.processor)
    return [column.label for column in known.required if batch.mapping.get(column.name) not in batch.headers]
