"""Finds the encoding of a text file: byte order mark, then UTF-8, then detection."""

import codecs
from typing import BinaryIO

from imports.reading.base import Unreadable

# The UTF-32 marks begin with the UTF-16 ones, so they are tried first.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OFFERED = (
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("cp1252", "Western (Windows-1252)"),
    ("cp1250", "Central European (Windows-1250)"),
    ("cp1251", "Cyrillic (Windows-1251)"),
    ("cp1253", "Greek (Windows-1253)"),
    ("cp1254", "Turkish (Windows-1254)"),
    ("cp1255", "Hebrew (Windows-1255)"),
    ("cp1256", "Arabic (Windows-1256)"),
    ("mac_roman", "Western (Mac)"),
    ("shift_jis", "Japanese (Shift JIS)"),
    ("gb18030", "Chinese, simplified (GB 18030)"),
    ("big5", "Chinese, traditional (Big5)"),
    ("euc_kr", "Korean (EUC-KR)"),
)
SAMPLE = 64 * 1024
_CHUNK = 256 * 1024
_FEW = 8
_READABLE = "save it as UTF-8, or choose its encoding"


def encoding_of(stream: BinaryIO) -> str:
    """Return the encoding with which the whole file can be read, or raise Unreadable."""
    head = stream.read(SAMPLE)
    stream.seek(0)
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return _checked(stream, encoding)
    if wide := _wide(head):
        return _checked(stream, wide)
    if _looks_binary(head):
        raise Unreadable("This is not a text file; save it as CSV and upload that.")
    if fits(stream, "utf-8"):
        return "utf-8"
    for encoding in _detected(_interesting(stream)):
        if fits(stream, encoding):
            return encoding
    raise Unreadable(f"The encoding of this file cannot be told; {_READABLE}.")


def fits(stream: BinaryIO, encoding: str) -> bool:
    """Whether every byte of the file can be read so; the stream stands at its beginning afterwards."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    stream.seek(0)
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    finally:
        stream.seek(0)
    return True


def known(encoding: str) -> str:
    """Return the encoding somebody named, or raise Unreadable if there is none of this name."""
    try:
        codecs.getincrementaldecoder(encoding)
        "".encode(encoding)
    except LookupError:
        raise Unreadable(f"“{encoding[:40]}” is no encoding of text that can be read.") from None
    return encoding


def _checked(stream: BinaryIO, encoding: str) -> str:
    if not fits(stream, encoding):
        raise Unreadable(f"The file begins as {encoding.upper()} but is damaged further on; {_READABLE}.")
    return encoding


def _wide(head: bytes) -> str:
    """Return which UTF-16 it is without a mark: nearly every second byte of Western text is NUL."""
    half = len(head) // 2
    if half < 4:
        return ""
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.1 * half:
        return "utf-16-be"
    return ""


def _looks_binary(head: bytes) -> bool:
    odd = sum(head.count(code) for code in range(32) if code not in b"\t\n\r\f\v\x1a\x1b")
    return odd > max(4, len(head) // 50)


def _interesting(stream: BinaryIO) -> bytes:
    """Return a part that has something to tell encodings apart by: lines beyond ASCII, from wherever they are."""
    found: list[bytes] = []
    length = 0
    while length < SAMPLE and (line := stream.readline(_CHUNK)):
        if not line.isascii():
            found.append(line)
            length += len(line)
    stream.seek(0)
    return b"".join(found)


def _detected(sample: bytes) -> list[str]:
    """Return the encodings that may be meant, the most likely first."""
    from charset_normalizer import from_bytes

    beyond = bytes(code for code in sample if code > 127)
    # So few bytes tell a detector nothing, and it would take an é for half-width katakana.
    if len(beyond) < _FEW and all(map(_is_written, beyond.decode("cp1252", "replace"))):
        return ["cp1252"]
    matches = list(from_bytes(sample, cp_isolation=[name for name, _ in OFFERED]))
    # Of two that fit equally well, the encoding of most Western files is the better guess.
    western = [match for match in matches if match.encoding == "cp1252" and match.chaos <= matches[0].chaos]
    return list(dict.fromkeys([match.encoding for match in (*western, *matches)] or ["cp1252"]))


def _is_written(character: str) -> bool:
    return character.isprintable() and character != "\ufffd"
