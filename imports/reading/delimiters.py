"""Finds what stands between the cells of a text file: one of four characters, by which the rows come out even."""

import csv
import io
from itertools import islice
from typing import NamedTuple, TextIO

OFFERED = ((",", "Comma"), (";", "Semicolon"), ("\t", "Tab"), ("|", "Pipe"))
_CANDIDATES = tuple(character for character, _ in OFFERED)
_SAMPLE = 64 * 1024
_ROWS = 200


class _Fit(NamedTuple):
    """How well a delimiter fits: the share of rows as wide as most are, then how wide that is."""

    even: float
    width: int


def delimiter_of(text: TextIO) -> str:
    """Return the delimiter, a comma if the file has one column; the text stands at its beginning afterwards."""
    sample = text.read(_SAMPLE)
    whole = len(sample) < _SAMPLE
    text.seek(0)
    if not whole:
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    fits = {candidate: _fit(sample, candidate) for candidate in _CANDIDATES}
    possible = [candidate for candidate in _CANDIDATES if fits[candidate].width > 1]
    return max(possible, key=lambda candidate: fits[candidate]) if possible else ","


def _fit(sample: str, delimiter: str) -> _Fit:
    widths = _widths(sample, delimiter)
    if not widths:
        return _Fit(0, 0)
    # The names of the columns tell best how wide a row is; a title above them is one cell, or padded with blanks.
    first = widths[0]
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    width = first if first > 1 else usual
    return _Fit(round(widths.count(width) / len(widths), 2), width)


def _widths(sample: str, delimiter: str) -> list[int]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        return [len(cells) for cells in islice(reader, _ROWS) if cells]
    except csv.Error:
        return []
