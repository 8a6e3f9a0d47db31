"""From an uploaded file to speaker turns: `read` takes every format we know and refuses the rest in words."""

from dataclasses import dataclass

from transcripts.formats.base import (
    ACCEPTED,
    MAX_BYTES,
    MAX_CHARACTERS,
    MIN_CHARACTERS,
    Format,
    Participant,
    Reading,
    Turn,
    UnreadableTranscript,
    clean,
    named,
)
from transcripts.formats.captions import read_captions
from transcripts.formats.fireflies import is_fireflies, read_fireflies
from transcripts.formats.gong import is_gong, read_gong
from transcripts.formats.lines import read_lines
from transcripts.formats.pdf import text_of_pdf
from transcripts.formats.sniffing import caption_format, decoded, looks_like_json, sniff_binary
from transcripts.formats.structured import Json, load
from transcripts.formats.whisper import is_whisper, read_whisper
from transcripts.formats.word import text_of_docx

__all__ = [
    "ACCEPTED",
    "MAX_BYTES",
    "MAX_CHARACTERS",
    "MIN_CHARACTERS",
    "Format",
    "Participant",
    "Reading",
    "Turn",
    "UnreadableTranscript",
    "check_length",
    "clean",
    "parse",
    "read",
    "sniff",
]


SNIFFED = 100_000
# How many characters of a file at most stand for one that is spoken: times, tags and repeated names are the rest.
OVERHEAD = 10


@dataclass(frozen=True, slots=True)
class _Sniffed:
    """What the content turned out to be, with what was unpacked to find that out."""

    format: Format
    text: str = ""
    documents: tuple[Json, ...] = ()


def read(content: bytes, filename: str) -> Reading:
    """The turns of a file whose text is long enough to analyze and not too long; else `UnreadableTranscript`."""
    reading = parse(content, filename)
    check_length(reading)
    return reading


def parse(content: bytes, filename: str) -> Reading:
    """The turns of a file, however short; `UnreadableTranscript` when there are none."""
    sniffed = _sniff(content, filename)
    _check_size(sniffed.text)
    reading = _reading(sniffed, content, filename)
    if not reading.turns:
        raise UnreadableTranscript(f"{named(filename)} has no spoken words in it.")
    return reading


def sniff(content: bytes, filename: str) -> Format:
    """The format by content, whatever the file is called."""
    return _sniff(content, filename).format


def check_length(reading: Reading) -> None:
    """Refuse what is too short to say anything (counted without names and times) or too long for one analysis."""
    spoken = sum(len(turn.text) for turn in reading.turns)
    if spoken < MIN_CHARACTERS:
        raise UnreadableTranscript(
            f"Transcript appears too short to analyze: {spoken} characters, at least {MIN_CHARACTERS} are needed."
        )
    if (length := len(reading.text)) > MAX_CHARACTERS:
        raise _too_long(length)


def _check_size(text: str) -> None:
    """Refuse, before the slow work, what has too many characters even if most of them are times and tags."""
    if len(text) > OVERHEAD * MAX_CHARACTERS:
        raise _too_long(len(text))


def _too_long(length: int) -> UnreadableTranscript:
    return UnreadableTranscript(
        f"Transcript is too long to analyze: {length:,} characters, at most {MAX_CHARACTERS:,} are possible."
    )


def _sniff(content: bytes, filename: str) -> _Sniffed:
    if not content:
        raise UnreadableTranscript(f"{named(filename)} is empty; there are no words in it.")
    if len(content) > MAX_BYTES:
        raise UnreadableTranscript(
            f"{named(filename)} is larger than {MAX_BYTES // 1024**2} MB, the most a transcript may have."
        )
    if (binary := sniff_binary(content, filename)) is not None:
        return _Sniffed(binary)
    text = decoded(content, filename)
    if (captions := caption_format(text)) is not None:
        return _Sniffed(captions, text)
    if looks_like_json(text, filename):
        return _sniff_json(text, filename)
    # Which layout it is shows early; reading all of a large file takes minutes, and this happens in a request.
    return _Sniffed(read_lines(text[:SNIFFED]).format, text)


def _sniff_json(text: str, filename: str) -> _Sniffed:
    documents = load(text, filename)
    if is_gong(documents):
        return _Sniffed(Format.GONG_JSON, documents=tuple(documents))
    if is_fireflies(documents):
        return _Sniffed(Format.FIREFLIES_JSON, documents=tuple(documents))
    if is_whisper(documents):
        return _Sniffed(Format.WHISPER_JSON, documents=tuple(documents))
    raise UnreadableTranscript(
        f"{named(filename)} is JSON, but neither a Gong nor a Fireflies transcript, nor one of Whisper."
    )


def _reading(sniffed: _Sniffed, content: bytes, filename: str) -> Reading:
    match sniffed.format:
        case Format.WEBVTT | Format.SRT:
            turns = tuple(read_captions(sniffed.text))
            if not turns:
                raise UnreadableTranscript(
                    f"{named(filename)} has no spoken words in it: there is no caption with text."
                )
            return Reading(sniffed.format, turns)
        case Format.GONG_JSON:
            return read_gong(list(sniffed.documents), filename)
        case Format.FIREFLIES_JSON:
            return read_fireflies(list(sniffed.documents))
        case Format.WHISPER_JSON:
            return read_whisper(list(sniffed.documents))
        case Format.DOCX:
            return _from_lines(text_of_docx(content, filename), Format.DOCX)
        case Format.PDF:
            return _from_lines(text_of_pdf(content, filename), Format.PDF)
        case _:
            return _from_lines(sniffed.text, sniffed.format)


def _from_lines(text: str, format_: Format) -> Reading:
    _check_size(text)
    call = read_lines(text)
    return Reading(format_, tuple(call.turns), call.title, call.participants)
