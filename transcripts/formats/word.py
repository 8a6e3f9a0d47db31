"""Reads Word files (.docx), such as the transcripts of Teams, within bounds that a zip bomb cannot cross."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from transcripts.formats.base import UnreadableTranscript, named, one_line

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table

DOCUMENT = "word/document.xml"
# 250,000 characters need far less than this much XML; python-docx takes in the pictures as well.
MAX_DOCUMENT_BYTES = 24 * 1024 * 1024
MAX_UNPACKED_BYTES = 120 * 1024 * 1024
MAX_ENTRIES = 3000
_COLUMN_TITLES = frozenset({"speaker", "name", "time", "timestamp", "start", "text", "transcript", "end", "words"})


def text_of_docx(content: bytes, filename: str) -> str:
    """The text of the paragraphs and tables, in their order."""
    _refuse_bomb(content, filename)
    return "\n".join(_lines(_opened(content, filename)))


def _refuse_bomb(content: bytes, filename: str) -> None:
    """Sizes are taken from the directory; `zipfile` never unpacks more than the directory says."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise _damaged(filename) from None
    document = sum(entry.file_size for entry in entries if entry.filename == DOCUMENT)
    unpacked = sum(entry.file_size for entry in entries)
    if document > MAX_DOCUMENT_BYTES or unpacked > MAX_UNPACKED_BYTES or len(entries) > MAX_ENTRIES:
        raise UnreadableTranscript(
            f"{named(filename)} unpacks to far more than a transcript; save it as plain text and upload that."
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableTranscript(
            f"{named(filename)} is protected by a password; remove the protection and upload it again."
        )


def _opened(content: bytes, filename: str) -> "Document":
    import docx
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    damage = (
        OpcError,
        LxmlError,
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        ValueError,
        AttributeError,
        NotImplementedError,
        EOFError,
    )
    try:
        document = docx.Document(io.BytesIO(content))
        document.element.body  # noqa: B018 - a document without a body shows only when it is asked for
    except damage:
        raise _damaged(filename) from None
    return document


def _damaged(filename: str) -> UnreadableTranscript:
    return UnreadableTranscript(
        f"{named(filename)} is a damaged Word file; open it in Word, save it again and upload the new file."
    )


def _lines(document: "Document") -> Iterator[str]:
    from docx.table import Table

    for block in document.iter_inner_content():
        if isinstance(block, Table):
            yield from _rows(block)
        else:
            yield from block.text.split("\n")


def _rows(table: "Table") -> Iterator[str]:
    """A row of two or three cells as `[time] Name: text`; merged cells count once."""
    from transcripts.formats.lines import is_stamp

    for row in table.rows:
        cells = list(dict.fromkeys(text for cell in row.cells if (text := one_line(cell.text))))
        stamps = [cell for cell in cells if is_stamp(cell)]
        words = [cell for cell in cells if not is_stamp(cell)]
        if words and not _COLUMN_TITLES.issuperset(word.lower() for word in words):
            said = f"{words[0]}: {' '.join(words[1:])}" if len(words) > 1 else words[0]
            yield f"[{stamps[0].strip('[]()')}] {said}" if stamps else said
