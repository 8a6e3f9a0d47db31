"""What every reader gives back, the choices a person has, the limits, and the one error with which all refuse."""

from dataclasses import dataclass

MAX_BYTES = 25 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 500
MAX_CELL = 1_000_000
"""Characters; a longer cell is a quote that is never closed."""
ACCEPTED = "CSV, TSV, XLSX or XLS"


class Unreadable(Exception):
    """The file cannot be read as rows; the message is one sentence for people."""


@dataclass(frozen=True)
class Choices:
    """What a person may say about a file; empty values are found out."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header: int | None = None
    """The line with the names of the columns; 0 if no line has them, None for the first that is not blank."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the physical line (of a spreadsheet: the row) where it begins, its cells, and what is wrong with it."""

    number: int
    cells: list[str]
    problem: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether it says nothing."""
        return not self.problem and not any(cell.strip() for cell in self.cells)
