"""Reads the records of a text file one by one, each with the physical line where it begins."""

import csv
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from imports.reading.base import MAX_CELL, Record, Unreadable

# The module's own limit, for the whole process, is shorter than cells that people have.
csv.field_size_limit(MAX_CELL)
_NEVER_CLOSED = 1000


def records(text: TextIO, delimiter: str, encoding: str) -> Iterator[Record]:
    """Yield every record, those included that cannot be read: they have the line and a problem.

    After such a record reading goes on at the line behind its first one, so a quote that is never closed costs one
    line and not the rest of the file.
    """
    try:
        yield from _Reader(text, delimiter).records()
    except UnicodeDecodeError:
        raise Unreadable(f"The file cannot be read as {encoding}; choose another encoding.") from None


class _Lines:
    """Physical lines that can be given back; `kept` are those since the last record."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._back: deque[str] = deque()
        self.kept: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._text)
        self.number += 1
        self.kept.append(line)
        return line

    def give_back(self) -> None:
        """Put all lines since the last record back, but the first."""
        again = self.kept[1:]
        self._back.extendleft(reversed(again))
        self.number -= len(again)
        self.kept.clear()


class _Reader:
    def __init__(self, text: TextIO, delimiter: str) -> None:
        self._lines = _Lines(text)
        self._delimiter = delimiter

    def records(self) -> Iterator[Record]:
        lines, failed = self._lines, 0
        reader = self._new(lines)
        while True:
            first = lines.number + 1
            lines.kept.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                cells = self._with_backslashes(lines.kept)
                if cells is None:
                    yield Record(first, [lines.kept[0].rstrip("\r\n")[:200]] if lines.kept else [], _broken(first))
                    failed += 1
                    if failed > _NEVER_CLOSED:
                        raise Unreadable(
                            f"More than {_NEVER_CLOSED} lines have quotes that are never closed, the first at line "
                            f"{first}; choose another delimiter, or save the file as CSV again."
                        ) from None
                    lines.give_back()
                    reader = self._new(lines)
                    continue
            yield _whole(first, cells)

    def _new(self, lines: Iterator[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._delimiter, skipinitialspace=True, strict=True)

    def _with_backslashes(self, lines: list[str]) -> list[str] | None:
        """Read a record whose quotes are written as \\" instead of being doubled; None if it is not that either."""
        if not any('\\"' in line for line in lines):
            return None
        again = csv.reader(iter(lines), delimiter=self._delimiter, skipinitialspace=True, strict=True, escapechar="\\")
        try:
            found = list(again)
        except csv.Error:
            return None
        return found[0] if len(found) == 1 else None


def _broken(line: int) -> str:
    return f"Line {line} has a quote that is not closed as it should be; double the quotes within a cell."


def _whole(number: int, cells: list[str]) -> Record:
    if any("\x00" in cell for cell in cells):
        shown = [cell.replace("\x00", "␀") for cell in cells]
        return Record(number, shown, f"Line {number} has a NUL character, which no text can hold; remove it.")
    return Record(number, cells)
