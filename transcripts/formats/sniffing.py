"""Tells by its content what an uploaded file is; its name only helps to word a refusal."""

import io
import re
import zipfile

from common import encoding
from transcripts.formats.base import ACCEPTED, Format, UnreadableTranscript, named
from transcripts.formats.captions import TIMING

_HEAD = 20_000
_PICTURE = "a picture"
_RECORDING = "a recording"
# First bytes and what they mean to a person.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", _PICTURE),
    (b"\xff\xd8\xff", _PICTURE),
    (b"GIF8", _PICTURE),
    (b"BM\x00", _PICTURE),
    (b"II*\x00", _PICTURE),
    (b"MM\x00*", _PICTURE),
    (b"ID3", _RECORDING),
    (b"\xff\xfb", _RECORDING),
    (b"OggS", _RECORDING),
    (b"fLaC", _RECORDING),
    (b"\x1aE\xdf\xa3", _RECORDING),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"{\\rtf", "an RTF document"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"%!PS", "a PostScript document"),
    (b"SQLite format 3", "a database"),
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WEB_PAGE = re.compile(
    r"^\s*(?:<!--.*?-->\s*)?<(?:!doctype html|html|head|body|svg|\?xml|tt\b)", re.IGNORECASE | re.DOTALL
)
_ZIPPED = (("xl/", "an Excel workbook"), ("ppt/", "a PowerPoint presentation"), ("META-INF/", "a program archive"))


def sniff_binary(content: bytes, filename: str) -> Format | None:
    """DOCX or PDF, None for what may be text; everything else is refused by what it is."""
    if content.lstrip()[:5] == b"%PDF-" or (b"%PDF-" in content[:1024] and b"\x00" in content[:100_000]):
        return Format.PDF
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _sniff_zip(content, filename)
    if content.startswith(_OLD_OFFICE):
        raise UnreadableTranscript(_old_office(content, filename))
    if any(content.startswith(mark) for mark, _ in encoding.BYTE_ORDER_MARKS):
        return None
    kind = next((kind for signature, kind in _SIGNATURES if content.startswith(signature)), None) or _container(content)
    if kind is not None:
        raise UnreadableTranscript(f"{named(filename)} is {kind}, not a transcript; upload {ACCEPTED}.")
    return None


def _container(content: bytes) -> str | None:
    if content[:4] == b"RIFF":
        return _PICTURE if content[8:12] == b"WEBP" else _RECORDING
    if content[4:8] == b"ftyp":
        return _PICTURE if content[8:12] in {b"heic", b"avif", b"mif1"} else _RECORDING
    return None


def _sniff_zip(content: bytes, filename: str) -> Format:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise UnreadableTranscript(
            f"{named(filename)} is a damaged Word or ZIP file; save it again and upload the new file."
        ) from None
    if "word/document.xml" in names:
        return Format.DOCX
    kind = next((kind for start, kind in _ZIPPED if any(name.startswith(start) for name in names)), "a ZIP archive")
    raise UnreadableTranscript(f"{named(filename)} is {kind}, not a transcript; upload {ACCEPTED}.")


def _old_office(content: bytes, filename: str) -> str:
    # A Word file with a password is wrapped in the old container; the stream's name is UTF-16.
    if "EncryptedPackage".encode("utf-16-le") in content:
        return f"{named(filename)} is protected by a password; remove the protection and upload it again."
    return f"{named(filename)} is an old Office file (.doc); save it as .docx and upload that."


def decoded(content: bytes, filename: str) -> str:
    """The text of a file that is no known binary, refusing empty files and web pages."""
    try:
        text = encoding.decoded(content)
    except encoding.UnknownEncoding:
        raise UnreadableTranscript(
            f"{named(filename)} is not a text file that can be read; save it as UTF-8 and try again."
        ) from None
    if not text.strip():
        raise UnreadableTranscript(f"{named(filename)} is empty; there are no words in it.")
    if _WEB_PAGE.match(text[:5000]):
        raise UnreadableTranscript(f"{named(filename)} is a web page or XML file, not a transcript; upload {ACCEPTED}.")
    return text


def caption_format(text: str) -> Format | None:
    """WebVTT or SubRip when the text has caption times; a WebVTT file may have lost its first line."""
    if re.match(r"WEBVTT(?:\s|$)", text.lstrip()[:10]):
        return Format.WEBVTT
    times = next((found[1] for line in text[:_HEAD].splitlines() if (found := TIMING.match(line[:200]))), None)
    if times is None:
        return None
    return Format.WEBVTT if "." in times else Format.SRT


def looks_like_json(text: str, filename: str) -> bool:
    """Whether to insist on JSON: a transcript may also begin with `[00:05]`."""
    start = text.lstrip()[:_HEAD]
    if filename.lower().endswith(".json"):
        return True
    return re.match(r"\{\s*[\"}]|\[\s*(?:[\[{\"\]]|\Z)", start) is not None
