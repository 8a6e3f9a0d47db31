"""Reads Word files (.docx), such as the transcripts of Teams, as a stream: no tree is built, and a table is no square.

What a file of some kilobytes may claim to be is bounded before anything is unpacked, and again while it is.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from xml.parsers import expat

from transcripts.formats.base import UnreadableTranscript, named
from transcripts.formats.word_text import TooMuchText, WordText

DOCUMENT = "word/document.xml"
# 250,000 characters need far less than this much XML.
MAX_DOCUMENT_BYTES = 24 * 1024 * 1024
MAX_UNPACKED_BYTES = 120 * 1024 * 1024
MAX_ENTRIES = 3000
_CHUNK = 64 * 1024
_DAMAGE = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, NotImplementedError, EOFError, expat.ExpatError)


def text_of_docx(content: bytes, filename: str) -> str:
    """The text of the paragraphs and tables, in their order."""
    _refuse_bomb(content, filename)
    words = WordText()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = words.start, words.end
    parser.CharacterDataHandler = words.characters
    # Word writes no document type; entities are what XML bombs are made of.
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for chunk in _chunks(content):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except TooMuchText:
        raise _bomb(filename) from None
    except _DAMAGE:
        raise _damaged(filename) from None
    if not words.has_body:
        raise _damaged(filename)
    return "\n".join(words.lines)


def _chunks(content: bytes) -> Iterator[bytes]:
    """The document, unpacked piece by piece; `zipfile` never unpacks more than the directory says."""
    with zipfile.ZipFile(io.BytesIO(content)).open(DOCUMENT) as document:
        while chunk := document.read(_CHUNK):
            yield chunk


def _refuse_doctype(*_: object) -> None:
    raise ValueError("a document type")


def _refuse_bomb(content: bytes, filename: str) -> None:
    try:
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise _damaged(filename) from None
    document = sum(entry.file_size for entry in entries if entry.filename == DOCUMENT)
    unpacked = sum(entry.file_size for entry in entries)
    if document > MAX_DOCUMENT_BYTES or unpacked > MAX_UNPACKED_BYTES or len(entries) > MAX_ENTRIES:
        raise _bomb(filename)
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableTranscript(
            f"{named(filename)} is protected by a password; remove the protection and upload it again."
        )


def _bomb(filename: str) -> UnreadableTranscript:
    return UnreadableTranscript(
        f"{named(filename)} unpacks to far more than a transcript; save it as plain text and upload that."
    )


def _damaged(filename: str) -> UnreadableTranscript:
    return UnreadableTranscript(
        f"{named(filename)} is a damaged Word file; open it in Word, save it again and upload the new file."
    )
