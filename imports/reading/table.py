"""A file as a table: what it is, the names of its columns, and its rows, each measured against them."""

import io
from collections.abc import Iterator
from typing import BinaryIO

from common import encoding as encodings
from imports.reading.base import MAX_COLUMNS, MAX_ROWS, Choices, Record, Unreadable
from imports.reading.delimiters import OFFERED, delimiter_of
from imports.reading.kinds import Kind, kind_of
from imports.reading.lines import records
from imports.reading.sheets import Workbook

_MOST_SEARCHED = 1000
_READABLE = "save it as UTF-8, or choose its encoding"


class Table:
    """One reading of a file; `rows` may be asked for more than once."""

    def __init__(self, stream: BinaryIO, choices: Choices) -> None:
        self._stream = stream
        self.kind = kind_of(stream)
        self.encoding = self.delimiter = ""
        self._workbook: Workbook | None = None
        if self.kind is Kind.TEXT:
            self.encoding = _chosen(choices.encoding) if choices.encoding else _found(stream)
            self.delimiter = self._delimiter(choices.delimiter)
        else:
            self._workbook = Workbook(stream, choices.sheet)
        self.header, self.headers = self._names(choices.header)

    @property
    def sheets(self) -> list[str]:
        """The names of a workbook's sheets."""
        return self._workbook.sheets if self._workbook else []

    @property
    def sheet(self) -> str:
        """The name of the sheet that is read."""
        return self._workbook.sheet if self._workbook else ""

    def rows(self) -> Iterator[Record]:
        """Yield the rows below the header that are not blank; what is wrong with one is its `problem`."""
        count = 0
        for record in self._records():
            if record.number <= self.header or record.is_blank:
                continue
            count += 1
            if count > MAX_ROWS:
                raise Unreadable(f"The file has more than {MAX_ROWS:,} rows; split it and upload the parts.")
            yield self._measured(record)

    def _measured(self, record: Record) -> Record:
        width, cells = len(self.headers), record.cells
        if record.problem or len(cells) == width:
            return record
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            return Record(record.number, cells[:width])
        what = "Line" if self.kind is Kind.TEXT else "Row"
        has = f"{len(cells)} cell{'' if len(cells) == 1 else 's'}"
        return Record(record.number, cells, f"{what} {record.number} has {has}, the header has {width}.")

    def _records(self) -> Iterator[Record]:
        if self._workbook:
            return self._workbook.records()
        return records(self._text(), self.delimiter, self.encoding)

    def _text(self) -> io.TextIOWrapper:
        self._stream.seek(0)
        return io.TextIOWrapper(_Kept(self._stream), encoding=self.encoding, newline="")

    def _delimiter(self, chosen: str) -> str:
        if not chosen:
            try:
                return delimiter_of(self._text())
            except UnicodeError:
                raise Unreadable(f"The file cannot be read as {self.encoding}; choose another encoding.") from None
        if chosen not in dict(OFFERED):
            raise Unreadable(f"“{chosen[:10]}” cannot be a delimiter; choose comma, semicolon, tab or pipe.")
        return chosen

    def _names(self, line: int | None) -> tuple[int, list[str]]:
        """Return the line of the header and the names in it, blank and repeated ones made tellable."""
        title: Record | None = None
        for record in self._records():
            if record.number > max(line or 0, _MOST_SEARCHED):
                break
            if record.is_blank or (line and record.number < line):
                continue
            if record.problem:
                raise Unreadable(f"The names of the columns cannot be read. {record.problem}")
            if line is None and _is_title(record):
                title = title or record
                continue
            return self._named(record, line)
        if title:
            return self._named(title, line)
        if line:
            raise Unreadable(f"There is nothing in line {line} to name the columns; choose another line.")
        raise Unreadable("The file has no rows; there is nothing in it but blanks.")

    def _named(self, record: Record, line: int | None) -> tuple[int, list[str]]:
        cells = record.cells
        if len(cells) > MAX_COLUMNS:
            raise Unreadable(f"The file has {len(cells)} columns; {MAX_COLUMNS} are the most that can be imported.")
        if line and record.number != line:
            raise Unreadable(f"No row begins in line {line}; choose another line for the names of the columns.")
        return (0, distinct([""] * len(cells))) if line == 0 else (record.number, distinct(cells))


def _is_title(record: Record) -> bool:
    """Whether it is a line above the table, such as spreadsheets have: one cell, and blanks beside it."""
    return len(record.cells) > 2 and sum(1 for cell in record.cells if cell.strip()) == 1


class _Kept(io.RawIOBase):
    """A stream that text is read from and that stays open when the text is forgotten."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _found(stream: BinaryIO) -> str:
    try:
        return encodings.encoding_of(stream)
    except encodings.NoText:
        raise Unreadable("This is not a text file; save it as CSV and upload that.") from None
    except encodings.Damaged as damage:
        name = str(damage).upper()
        raise Unreadable(f"The file begins as {name} but is damaged further on; {_READABLE}.") from None
    except encodings.UnknownEncoding:
        raise Unreadable(f"The encoding of this file cannot be told; {_READABLE}.") from None


def _chosen(name: str) -> str:
    if not encodings.is_known(name):
        raise Unreadable(f"“{name[:40]}” is no encoding of text that can be read.")
    return name


def distinct(names: list[str]) -> list[str]:
    """Return names of which no two are equal and none is blank: “Column 2”, “id (2)”."""
    found: list[str] = []
    taken: set[str] = set()
    for number, name in enumerate(names, 1):
        plain = " ".join(name.replace("\x00", "").split())[:200] or f"Column {number}"
        unique, again = plain, 2
        while unique in taken:
            unique, again = f"{plain} ({again})", again + 1
        taken.add(unique)
        found.append(unique)
    return found


def open_table(stream: BinaryIO, choices: Choices | None = None) -> Table:
    """Return the table in a seekable stream, or raise Unreadable; the stream is read again for its rows."""
    return Table(stream, choices or Choices())
