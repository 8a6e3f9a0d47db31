"""Loads JSON files safely and finds records in them, wherever a sender wrapped them."""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from transcripts.formats.base import UnreadableTranscript, named

Json: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None
_DEPTH = 8


def load(text: str, filename: str) -> list[Json]:
    """The JSON documents of a file: usually one, or several one after the other."""
    decoder = json.JSONDecoder()
    documents: list[Json] = []
    position, end = 0, len(text)
    try:
        while (position := _skip_blank(text, position)) < end:
            document, position = decoder.raw_decode(text, position)
            documents.append(document)
    except (ValueError, RecursionError):
        raise UnreadableTranscript(
            f"{named(filename)} is not valid JSON; export it again and upload the new file."
        ) from None
    return documents


def _skip_blank(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n,":
        position += 1
    return position


def find(document: Json, key: str, depth: int = _DEPTH) -> Iterator[Json]:
    """Every value under this key, outermost first, not deeper than a few wrappings."""
    if depth and isinstance(document, dict):
        if key in document:
            yield document[key]
        for name, value in document.items():
            if name != key:
                yield from find(value, key, depth - 1)
    elif depth and isinstance(document, list):
        for value in document[:1000]:
            yield from find(value, key, depth - 1)


def records(values: Json) -> list[dict[str, Any]]:
    """The objects of a list; whatever else stands in it is left out."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def text_in(record: dict[str, Any], *keys: str) -> str:
    """The first of these fields that holds words, else an empty string."""
    return next((value for key in keys if isinstance(value := record.get(key), str) and value.strip()), "")


def number_in(record: dict[str, Any], *keys: str) -> float | None:
    """The first of these fields that holds a number of zero or more, also when it is written as text."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, str) and value.replace(".", "", 1).isdecimal():
            value = float(value[:20])
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**12:
            return float(value)
    return None
