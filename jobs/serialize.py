"""JSON as the engine stores it: text that comes back as it went in."""

import dataclasses
import functools
import json
import math
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

_DEEPEST = 200

MAX_OUTPUT = 4 * 1024 * 1024
"""Bytes of JSON that one step or run may return."""

MAX_STATE = 32 * 1024 * 1024
"""The same for all steps of one run together."""


def dumps(value: Any) -> str:
    """Return JSON text, raising TypeError or ValueError for what JSON cannot carry.

    Besides JSON's own types it takes datetime, date, time, timedelta (ISO 8601), Decimal, UUID, Enum, dataclasses,
    pydantic models, sets and tuples. Bytes are refused: nothing would tell how to read them back.
    """
    text = _ENCODER.encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry only as an escape
        text = _ASCII_ENCODER.encode(value)
    return text


def trouble(value: Any, place: str = "", depth: int = 0) -> str:
    """Return which part of a value JSON cannot carry, as a sentence's end: its type and its place in the value."""
    if depth > _DEEPEST:
        return "it is nested too deeply, or holds itself"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is no JSON number{_at(place)}"
    if isinstance(value, dict):
        wrong = next((key for key in value if not isinstance(key, str | int | float | bool | None)), None)
        if wrong is not None:
            return f"a key of type {type(wrong).__name__} is no JSON{_at(place)}"
        parts: Iterable[tuple[str, Any]] = ((f"{place}[{key!r:.40}]", part) for key, part in value.items())
    elif isinstance(value, list | tuple | set | frozenset):
        parts = ((f"{place}[{number}]", part) for number, part in enumerate(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = ((f"{place}.{one.name}", getattr(value, one.name)) for one in dataclasses.fields(value))
    else:
        return _trouble_of_leaf(value, place)
    return next(filter(None, (trouble(part, where, depth + 1) for where, part in parts)), "")


def _trouble_of_leaf(value: Any, place: str) -> str:
    try:
        dumps(value)
    except (TypeError, ValueError, RecursionError):
        return f"{type(value).__name__} is no JSON{_at(place)}"
    return ""


def _at(place: str) -> str:
    return f" (at {place[:200]})" if place else ""


def loads(text: str | bytes) -> Any:
    """Return the value of JSON text; NaN and Infinity, which JSON does not know, are a ValueError."""
    return _DECODER.decode(text if isinstance(text, str) else text.decode(json.detect_encoding(text)))


def size(text: str) -> int:
    """Return how many bytes JSON text takes."""
    return len(text) if text.isascii() else len(text.encode())


def visible(text: str) -> str:
    """Return a string as PostgreSQL's text type takes it: NUL and lone surrogates made visible."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def restore(value: Any, output_type: Any) -> Any:
    """Return a JSON value as the type it had before it was stored."""
    return _adapter(output_type).validate_python(value)


@functools.lru_cache(maxsize=512)
def _adapter(output_type: Any) -> TypeAdapter[Any]:
    return TypeAdapter(output_type)


class Serializer(Protocol):
    """How a client turns outputs that have an `output_type` into JSON values and back."""

    def serialize(self, obj: object, typ: object) -> object:
        """Return the JSON value of an object of this type."""

    def deserialize(self, obj: object, typ: object) -> object:
        """Return the object of this type that a JSON value stands for."""


class PydanticSerializer:
    """Serialises whatever pydantic knows a type adapter for."""

    def serialize(self, obj: object, typ: object) -> object:
        """Return the JSON value of an object of this type."""
        return _adapter(typ).dump_python(obj, mode="json")

    def deserialize(self, obj: object, typ: object) -> object:
        """Return the object of this type that a JSON value stands for."""
        return _adapter(typ).validate_python(obj)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {digits[:40]} is too large")
    return number


def _duration(value: timedelta) -> str:
    return TypeAdapter(timedelta).dump_python(value, mode="json")  # type: ignore[no-any-return]


_PLAIN: dict[type, Callable[[Any], Any]] = {
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: _duration,
    Decimal: str,
    UUID: str,
    set: list,
    frozenset: list,
}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    for kind, plain in _PLAIN.items():
        if isinstance(value, kind):
            return plain(value)
    raise TypeError(f"{type(value).__name__} is not JSON serialisable")


# Made once: json.dumps and json.loads would make one for every call that is not all defaults.
_ENCODER = json.JSONEncoder(default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ASCII_ENCODER = json.JSONEncoder(default=_plain, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
