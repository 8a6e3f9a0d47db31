"""Reads Fireflies transcripts: the GraphQL answer, its transcript alone, or the exported list of sentences."""

from typing import Any

from transcripts.formats.base import Format, Reading, Turn, one_line, seconds_of
from transcripts.formats.structured import Json, find, number_in, records, text_in


def is_fireflies(documents: list[Json]) -> bool:
    """Whether one of the documents holds sentences with speakers."""
    return any(_sentences(document) for document in documents)


def read_fireflies(documents: list[Json]) -> Reading:
    """One turn per sentence, as Fireflies cuts them. Times come in seconds."""
    sentences = [sentence for document in documents for sentence in _sentences(document)]
    turns = [turn for sentence in sentences if (turn := _turn(sentence)).text]
    titles = (title for document in documents for title in find(document, "title") if isinstance(title, str))
    return Reading(Format.FIREFLIES_JSON, tuple(turns), one_line(next(titles, "")) or None)


def _sentences(document: Json) -> list[dict[str, Any]]:
    listed = [document] if isinstance(document, list) else list(find(document, "sentences"))
    found = [sentence for values in listed for sentence in records(values)]
    return [
        sentence for sentence in found if text_in(sentence, "text", "raw_text", "sentence") and _has_speaker(sentence)
    ]


def _has_speaker(sentence: dict[str, Any]) -> bool:
    return any(key in sentence for key in ("speaker_name", "speaker_id", "speakerName", "speaker"))


def _turn(sentence: dict[str, Any]) -> Turn:
    speaker = one_line(text_in(sentence, "speaker_name", "speakerName", "speaker"))
    if not speaker and isinstance(number := sentence.get("speaker_id"), int):
        speaker = f"Speaker {number + 1}"
    return Turn(speaker or None, one_line(text_in(sentence, "text", "raw_text", "sentence")), _start(sentence))


def _start(sentence: dict[str, Any]) -> float | None:
    keys = ("start_time", "startTime", "start")
    stamp = text_in(sentence, *keys)
    if ":" in stamp and all(part.replace(".", "", 1).isdecimal() for part in stamp.split(":")):
        return seconds_of(stamp)
    return number_in(sentence, *keys)
