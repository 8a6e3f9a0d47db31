"""Reads workbooks in a process of its own: a crafted one may cost some seconds and its process, never a worker."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import IO, Any, BinaryIO

from imports.reading.base import Record, Unreadable

SECONDS = 60
_READER = Path(__file__).with_name("sheet_process.py")
_DAMAGED = "The workbook cannot be read; it may be damaged or too large. Save the sheet as CSV and upload that."


class Workbook:
    """The rows of one sheet, and the names of all."""

    def __init__(self, stream: BinaryIO, wanted: str) -> None:
        self._stream = stream
        self._wanted = wanted
        self.sheets: list[str] = []
        self.sheet = ""
        for _ in self._lines(only_head=True):
            pass

    def records(self) -> Iterator[Record]:
        """Yield every row, blank ones included."""
        for number, cells in self._lines():
            problem = ""
            if any("\x00" in cell for cell in cells):
                cells = [cell.replace("\x00", "␀") for cell in cells]
                problem = f"Row {number} has a NUL character, which no text can hold; remove it."
            yield Record(number, cells, problem)

    def _lines(self, *, only_head: bool = False) -> Iterator[tuple[int, list[str]]]:
        with tempfile.NamedTemporaryFile(suffix=".workbook") as kept:
            self._stream.seek(0)
            shutil.copyfileobj(self._stream, kept)
            kept.flush()
            # -I: neither the environment nor the working directory decides what the process imports.
            command = [sys.executable, "-I", str(_READER), str(SECONDS), kept.name, self._wanted]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            clock = Timer(SECONDS, process.kill)
            clock.start()
            try:
                assert process.stdout is not None  # noqa: S101
                self._take_head(process.stdout)
                if not only_head:
                    yield from map(json.loads, process.stdout)
                    if process.wait() != 0:
                        raise Unreadable(_DAMAGED)
            finally:
                clock.cancel()
                process.kill()
                process.communicate()

    def _take_head(self, output: IO[bytes]) -> None:
        try:
            head: dict[str, Any] = json.loads(output.readline())
        except ValueError:
            raise Unreadable(_DAMAGED) from None
        match head.get("refused"):
            case "password":
                raise Unreadable("The workbook is protected by a password; remove the protection and upload it again.")
            case "sheet":
                there = ", ".join(f"“{name}”" for name in head["sheets"])
                raise Unreadable(f"The workbook has no sheet “{self._wanted}”; there are: {there}.")
        self.sheets, self.sheet = head["sheets"], head["sheet"]
