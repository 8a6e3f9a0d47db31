"""Cuts what somebody says into sentences."""

import re
from collections.abc import Iterator

_LONGEST = 1000
_BOLD = re.compile(r"\*\*((?:[^*\n]|\*(?!\*))+)\*\*")
# Between single asterisks stands what was not said by the speaker: stage directions, and what is read or played.
_STAGE = re.compile(r"(?<!\*)\*[^*\n]{1,600}\*(?!\*)")
_SENTENCE_END = re.compile(
    r"(?<=[.!?\u2026])[\"\u201d\u2019)]*\s+(?=[\"\u201c\u2018(\[]?[A-Z\d\u00c0-\u00de\u20ac$\u00a3\u20b9~])|\n+"
)
_UNFINISHED = re.compile(r"(?:\b(?:vs|rs|mr|mrs|ms|dr|prof|approx|e\.g|i\.e|no|st)|^\W*\d{1,2})\.$", re.IGNORECASE)


def split(text: str) -> Iterator[str]:
    """The sentences of a turn, without stage directions and emphasis."""
    pending = ""
    for piece in _pieces(_STAGE.sub(" ", _BOLD.sub(r"\1", text))):
        pending = f"{pending} {piece.strip()}".strip()
        if pending and (len(pending) > _LONGEST or not _UNFINISHED.search(pending)):
            yield " ".join(pending.split())
            pending = ""
    if pending:
        yield " ".join(pending.split())


def _pieces(text: str) -> Iterator[str]:
    """The text cut at sentence ends; captions without any punctuation are cut every thousand characters."""
    for piece in _SENTENCE_END.split(text):
        while len(piece) > _LONGEST:
            cut = piece.rfind(" ", 1, _LONGEST)
            cut = cut if cut > 0 else _LONGEST
            yield piece[:cut]
            piece = piece[cut:]
        yield piece
