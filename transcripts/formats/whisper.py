"""Reads what Whisper writes as JSON: OpenAI's own segments, WhisperX with speakers, whisper.cpp's transcription."""

from typing import Any

from transcripts.formats.base import Format, Reading, Turn, one_line, seconds_of
from transcripts.formats.names import speaker_names, spoken_by
from transcripts.formats.openings import Layout, opening_of
from transcripts.formats.structured import Json, find, number_in, records, text_in

_KEYS = ("segments", "transcription")


def is_whisper(documents: list[Json]) -> bool:
    """Whether one of the documents holds segments of speech, each with its words and its times."""
    return any(_segments(document) for document in documents)


def read_whisper(documents: list[Json]) -> Reading:
    """One turn per segment. Times come in seconds, whisper.cpp's as clock times or milliseconds."""
    segments = [segment for document in documents for segment in _segments(document)]
    names = speaker_names(one_line(text_in(segment, "text")) for segment in segments)
    turns = [turn for segment in segments if (turn := _turn(segment, names)).text]
    return Reading(Format.WHISPER_JSON, tuple(turns))


def _segments(document: Json) -> list[dict[str, Any]]:
    found = (segment for key in _KEYS for values in find(document, key) for segment in records(values))
    return [segment for segment in found if text_in(segment, "text") and _is_timed(segment)]


def _is_timed(segment: dict[str, Any]) -> bool:
    return any(key in segment for key in ("start", "timestamps", "offsets", "timestamp"))


def _turn(segment: dict[str, Any], names: frozenset[str]) -> Turn:
    words = one_line(text_in(segment, "text"))
    speaker = one_line(text_in(segment, "speaker")) or None
    if isinstance(number := segment.get("speaker"), int) and not isinstance(number, bool):
        speaker = f"Speaker {number}"
    if speaker is None:
        opening = opening_of(words)
        numbered = opening is not None and opening.layout is Layout.NAMED
        speaker, words = (opening.speaker, opening.words) if opening and numbered else spoken_by(words, names)
    return Turn(speaker, words, _start(segment))


def _start(segment: dict[str, Any]) -> float | None:
    if (start := number_in(segment, "start")) is not None:
        return start
    times, offsets, pair = segment.get("timestamps"), segment.get("offsets"), segment.get("timestamp")
    stamp = text_in(times, "from") if isinstance(times, dict) else ""
    if ":" in stamp and all(part.replace(",", "").replace(".", "").isdecimal() for part in stamp.split(":")):
        return seconds_of(stamp)
    if isinstance(offsets, dict) and (from_ := number_in(offsets, "from")) is not None:
        return from_ / 1000
    return number_in({"start": pair[0]}, "start") if isinstance(pair, list) and pair else None
