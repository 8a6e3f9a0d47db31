"""Proposes which header of a file belongs to which column: by the names a column is known as, never by a guess."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence


def proposed(headers: Sequence[str], columns: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return a header for each column that has one; `columns` has for each the names it is known as.

    Case, accents, spaces and punctuation do not count. Each header is given away once, and an earlier name of a column
    goes before a later one.
    """
    free = {}
    for header in reversed(headers):
        free[_plain(header)] = header
    found: dict[str, str] = {}
    for column, names in columns.items():
        for name in names:
            if (header := free.pop(_plain(name), None)) is not None:
                found[column] = header
                break
    return found


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if letter.isalnum())
