"""Tells what a file is from how it begins, never from its name."""

import zipfile
from enum import StrEnum
from typing import BinaryIO

from imports.reading.base import ACCEPTED, Unreadable

MOST_UNPACKED = 400 * 1024 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file; unpack it first"),
    (b"7z\xbc\xaf", "a compressed file; unpack it first"),
    (b"Rar!", "a compressed file; unpack it first"),
    (b"{\\rtf", "a text document"),
    (b"SQLite format 3", "a database"),
)
# What systems offer as .xls because spreadsheet programs open it.
_SAVED_AS_XLS = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<table", "a web page"),
    (b"<?xml", "an XML file"),
    (b"mime-version:", "a web archive (MHTML)"),
)


class Kind(StrEnum):
    """How the rows are laid out; the value is stored with the batch."""

    TEXT = "csv"
    XLSX = "xlsx"
    XLS = "xls"


def kind_of(stream: BinaryIO) -> Kind:
    """Return what the file is, or raise Unreadable; the stream stands at its beginning afterwards."""
    head = stream.read(8192)
    stream.seek(0)
    if not head.strip():
        raise Unreadable("The file is empty; there are no rows in it.")
    if head.startswith(b"PK\x03\x04"):
        return _workbook(stream)
    if head.startswith(_OLE):
        return Kind.XLS
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:400].lower()
    for mark, words in _SAVED_AS_XLS:
        if start.startswith(mark):
            raise Unreadable(f"This is {words}, whatever its name says; open it, save it as .xlsx, and upload that.")
    for mark, words in _OTHERS:
        if head.startswith(mark):
            raise Unreadable(f"This is {words}. Only {ACCEPTED} files can be imported.")
    return Kind.TEXT


def _workbook(stream: BinaryIO) -> Kind:
    try:
        with zipfile.ZipFile(stream) as packed:
            names = {entry.filename: entry.file_size for entry in packed.infolist()}
    except (zipfile.BadZipFile, OSError, ValueError):
        raise Unreadable("The file is a damaged workbook; open it, save it again, and upload that.") from None
    finally:
        stream.seek(0)
    if not any(name.startswith("xl/") for name in names):
        raise Unreadable(f"This is a ZIP file without a workbook in it. Only {ACCEPTED} files can be imported.")
    if sum(names.values()) > MOST_UNPACKED:
        most = MOST_UNPACKED // 1024**2
        raise Unreadable(f"The workbook unpacks to more than {most} MB; save the sheet as CSV and upload that.")
    return Kind.XLSX
