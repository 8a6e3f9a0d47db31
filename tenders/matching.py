"""Which row of a look-up is the tender that was asked about; when in doubt, none is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tenders.lookup import Row

THRESHOLD = 40
_SMALL_WORDS = frozenset({"the", "and", "for", "of", "to", "in", "on", "a", "an", "at", "by", "from", "with", "or"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The tender that a row is sought for."""

    id: str
    number: str
    buyer: str
    title: str


@dataclass(frozen=True, slots=True)
class Match:
    """The row, and in a word why it is the one."""

    row: Row
    why: str


def best(wanted: Wanted, rows: Sequence[Row]) -> Match | None:
    """Return the row with the same number, else the one with the clearly highest score; None if there is none."""
    exact = [row for row in rows if row.number.strip() == wanted.number.strip()]
    if found := _only(wanted, exact):
        return Match(found, "same number")
    same = [row for row in rows if normalised(row.number) == normalised(wanted.number) != ""]
    if not exact and (found := _only(wanted, same)):
        return Match(found, "same number, written differently")
    return _highest(wanted, exact or same or rows)


def _only(wanted: Wanted, rows: Sequence[Row]) -> Row | None:
    """Return the only row; of several with one number, the one with the tender's id."""
    if len(rows) > 1:
        rows = [row for row in rows if wanted.id and row.id == wanted.id]
    return rows[0] if len(rows) == 1 else None


def _highest(wanted: Wanted, rows: Sequence[Row]) -> Match | None:
    scored = sorted(((score(wanted, row), index) for index, row in enumerate(rows)), reverse=True)
    if not scored or scored[0][0] < THRESHOLD:
        return None
    if len(scored) > 1 and scored[1][0] == scored[0][0]:
        return None  # two are as good as each other
    points, index = scored[0]
    return Match(rows[index], f"score {points}")


def score(wanted: Wanted, row: Row) -> int:
    """Return how alike they are: number 100 or 40, buyer 40 or 25, words of the title 15 or 5.

    A buyer has many tenders, so without anything of the number there is no match at all.
    """
    number = _likeness(normalised(wanted.number), normalised(row.number), 100, 40)
    if not number:
        return 0
    buyer = _likeness(normalised(wanted.buyer), normalised(row.buyer), 40, 25)
    return number + buyer + _shared_words(wanted.title, row.description)


def _likeness(one: str, other: str, same: int, inside: int) -> int:
    if not one or not other:
        return 0
    if one == other:
        return same
    short, long = sorted((one, other), key=len)
    return inside if len(short) >= 4 and short in long else 0


def _shared_words(one: str, other: str) -> int:
    ours, theirs = _words(one), _words(other)
    shared = len(ours & theirs)
    if not shared:
        return 0
    return 15 if shared * 2 >= min(len(ours), len(theirs)) else 5


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z0-9]{2,}", text.lower()) if word not in _SMALL_WORDS}


def normalised(text: str) -> str:
    """Return only letters and digits, in small letters."""
    return re.sub(r"[^a-z0-9]", "", text.lower())
