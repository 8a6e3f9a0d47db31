"""Reads answers of Gong's API: `/v2/calls/transcript`, with names from `/v2/calls/extensive` if the file has them."""

from typing import Any

from transcripts.formats.base import Format, Participant, Reading, Turn, UnreadableTranscript, named, one_line
from transcripts.formats.structured import Json, find, number_in, records, text_in


def is_gong(documents: list[Json]) -> bool:
    """Whether one of the documents has a shape of Gong's: transcripts, calls with parties, or an answer with errors."""
    keys = ("callTranscripts", "parties")
    return any(next(find(document, key), None) is not None for document in documents for key in keys) or bool(
        _errors(documents)
    )


def read_gong(documents: list[Json], filename: str) -> Reading:
    """Join the monologues with their speakers' names. Times come in milliseconds, ids as texts of up to 20 digits."""
    transcripts = [
        record for document in documents for found in find(document, "callTranscripts") for record in records(found)
    ]
    calls = [record for document in documents for found in find(document, "calls") for record in records(found)]
    if not transcripts:
        raise UnreadableTranscript(_why_empty(documents, calls, filename))
    if len({_id(transcript.get("callId")) for transcript in transcripts}) > 1:
        raise UnreadableTranscript(f"{named(filename)} holds {len(transcripts)} Gong calls; upload one call per file.")
    call = _call_of(_id(transcripts[0].get("callId")), calls)
    parties = records(call.get("parties"))
    turns = [turn for transcript in transcripts for turn in _turns(transcript, _names(parties))]
    title = one_line(text_in(_meta(call), "title")) or None
    return Reading(Format.GONG_JSON, tuple(turns), title, tuple(_participants(parties)))


def _why_empty(documents: list[Json], calls: list[dict[str, Any]], filename: str) -> str:
    if errors := _errors(documents):
        return f"{named(filename)} is an error answer of Gong ({errors[0]}), not a transcript; export the call again."
    if calls:
        return (
            f"{named(filename)} has a Gong call's details but not its words; upload the answer of /v2/calls/transcript."
        )
    return f"{named(filename)} is an answer of Gong without any transcript in it."


def _errors(documents: list[Json]) -> list[str]:
    found = [
        value for document in documents if next(find(document, "requestId"), None) for value in find(document, "errors")
    ]
    return [one_line(str(error))[:200].rstrip(".") for errors in found if isinstance(errors, list) for error in errors]


def _id(value: object) -> str:
    """Ids are texts; a sender that let them become numbers still matches."""
    return str(value) if isinstance(value, str | int) else ""


def _meta(call: dict[str, Any]) -> dict[str, Any]:
    meta = call.get("metaData")
    return meta if isinstance(meta, dict) else {}


def _call_of(call_id: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """The details of this very call; if the file has those of one call only and no id says otherwise, those."""
    same = [call for call in calls if _id(_meta(call).get("id")) == call_id]
    anonymous = [call for call in calls if not _id(_meta(call).get("id"))]
    return next(iter(same or anonymous), {})


def _names(parties: list[dict[str, Any]]) -> dict[str, str]:
    names = {}
    for party in parties:
        speaker, name = _id(party.get("speakerId")), one_line(text_in(party, "name", "emailAddress"))
        if speaker and name:
            names[speaker] = name
    return names


def _turns(transcript: dict[str, Any], names: dict[str, str]) -> list[Turn]:
    turns = []
    numbers: dict[str, int] = {}
    for monologue in records(transcript.get("transcript")):
        sentences = records(monologue.get("sentences"))
        words = one_line(" ".join(text_in(sentence, "text") for sentence in sentences))
        start = number_in(sentences[0], "start") if sentences else None
        if words:
            speaker = _speaker(_id(monologue.get("speakerId")), names, numbers)
            turns.append(Turn(speaker, words, start / 1000 if start is not None else None))
    return turns


def _speaker(speaker_id: str, names: dict[str, str], numbers: dict[str, int]) -> str | None:
    """The party's name, else `Speaker 1`, `Speaker 2`, ...; nobody when Gong itself does not know."""
    if not speaker_id:
        return None
    return names.get(speaker_id) or f"Speaker {numbers.setdefault(speaker_id, len(numbers) + 1)}"


def _participants(parties: list[dict[str, Any]]) -> list[Participant]:
    found = [(one_line(text_in(party, "name")), one_line(text_in(party, "title")) or None) for party in parties]
    return [Participant(name, None, role) for name, role in dict(found).items() if name]
