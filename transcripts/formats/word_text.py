"""Takes the words out of WordprocessingML while it is parsed: paragraphs as lines, rows of tables as one line each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from transcripts.formats.base import one_line
from transcripts.formats.openings import is_stamp

# Word's own most; a cell that claims to be wider is taken to be this wide.
MOST_COLUMNS = 63
MOST_CHARACTERS = 2_500_000
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
# Text boxes stand beside the text, and a fallback says again what was said in the newer way.
_SKIPPED = frozenset({"txbxContent", "Fallback"})
_COLUMN_TITLES = frozenset({"speaker", "name", "time", "timestamp", "start", "text", "transcript", "end", "words"})


class TooMuchText(Exception):
    """The document has far more text than a transcript."""


@dataclass(slots=True)
class Cell:
    """One cell of a row: its text so far, how many columns it takes, and whether it goes on from the row above."""

    texts: list[str] = field(default_factory=list)
    span: int = 1
    continues: bool = False


class WordText:
    """Handlers for an XML parser; `lines` grows as the document goes by."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.has_body = False
        self._paragraph: list[str] = []
        self._in_text = False
        self._skipped = self._tables = self._length = 0
        self._row: list[Cell] = []
        self._above: dict[int, str] = {}

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        kind = _kind(name)
        if self._skipped or kind in _SKIPPED:
            self._skipped += 1
        elif kind == "body":
            self.has_body = True
        elif kind == "t":
            self._in_text = True
        elif kind in _BREAKS:
            self._add(_BREAKS[kind])
        elif kind == "p":
            self._paragraph.clear()
        else:
            self._start_table(kind, attributes)

    def _start_table(self, kind: str, attributes: Mapping[str, str]) -> None:
        if kind == "tbl":
            self._tables += 1
            self._above = self._above if self._tables > 1 else {}
        elif self._tables == 1 and kind == "tr":
            self._row = []
        elif self._tables == 1 and kind == "tc":
            self._row.append(Cell())
        elif self._tables == 1 and self._row and kind == "gridSpan":
            wanted = _value(attributes)
            self._row[-1].span = min(int(wanted), MOST_COLUMNS) if wanted.isdecimal() and int(wanted[:9]) else 1
        elif self._tables == 1 and self._row and kind == "vMerge":
            self._row[-1].continues = _value(attributes) != "restart"

    def end(self, name: str) -> None:
        """An element ends."""
        if self._skipped:
            self._skipped -= 1
            return
        match _kind(name):
            case "t":
                self._in_text = False
            case "p":
                self._end_paragraph("".join(self._paragraph))
                self._paragraph.clear()
            case "tr" if self._tables == 1:
                self._end_row()
            case "tbl":
                self._tables -= 1

    def characters(self, text: str) -> None:
        """Text of the current element."""
        if self._in_text and not self._skipped:
            self._add(text)

    def _add(self, text: str) -> None:
        self._length += len(text)
        if self._length > MOST_CHARACTERS:
            raise TooMuchText
        self._paragraph.append(text)

    def _end_paragraph(self, text: str) -> None:
        if self._tables and self._row:
            self._row[-1].texts.append(text)
        elif not self._tables:
            self._add("\n")  # a paragraph counts, or millions without a word would be free
            self.lines.extend(text.split("\n"))

    def _end_row(self) -> None:
        """A row of two or three cells as `[time] Name: text`; merged cells count once."""
        cells = list(dict.fromkeys(text for text in self._texts() if text))
        stamps = [cell for cell in cells if is_stamp(cell)]
        words = [cell for cell in cells if not is_stamp(cell)]
        if words and not _COLUMN_TITLES.issuperset(word.lower() for word in words):
            said = f"{words[0]}: {' '.join(words[1:])}" if len(words) > 1 else words[0]
            self.lines.append(f"[{stamps[0].strip('[]()')}] {said}" if stamps else said)
            self._length += len(said)
            if self._length > MOST_CHARACTERS:
                raise TooMuchText

    def _texts(self) -> list[str]:
        """The text of each cell; one that goes on from the row above has the text from there."""
        texts, column = [], 0
        for cell in self._row[:MOST_COLUMNS]:
            text = self._above.get(column, "") if cell.continues else one_line(" ".join(cell.texts))
            self._above[column] = text
            texts.append(text)
            column += cell.span
        return texts


def _kind(name: str) -> str:
    """The local name of an element of Word's own namespaces (there is a second, strict one), else an empty string."""
    space, _, local = name.rpartition(" ")
    known = "wordprocessingml" in space or local == "Fallback"
    return local if known else ""


def _value(attributes: Mapping[str, str]) -> str:
    return next((value for name, value in attributes.items() if name.rpartition(" ")[2] == "val"), "")
