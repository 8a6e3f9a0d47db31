"""From the body of a request to events: JSON or a form, checked one by one, refused in words."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from jobs import conf, serialize
from jobs.errors import InvalidEvent
from jobs.types import INTERNAL_PREFIXES, Event

EARLIEST_TS = 315_532_800_000
"""The start of 1980, in milliseconds since 1970."""
LATEST_TS = 4_102_444_800_000
"""The start of 2100."""
MAX_LENGTH = 255
MAX_DEPTH = 200
"""Levels of lists and objects; whatever reads or shows an event later must not run out of stack."""
MAX_FIELDS = 1000
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
# PostgreSQL's text knows no NUL, and UTF-8 no half of a surrogate pair. Data may have both, names may not.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class UnreadableBody(InvalidEvent):
    """This body cannot be read as events."""


class TooLarge(InvalidEvent):
    """This is larger than what one request may bring."""


@dataclass(frozen=True)
class Body:
    """The events of a request up to the first bad one, and what is wrong with that one."""

    events: list[Event]
    error: InvalidEvent | None = None


def read(request: HttpRequest) -> Body:
    """Return the events of a request in order; UnreadableBody and TooLarge concern the body as a whole."""
    body = _bytes(request, limit=_limit())
    kind = (request.content_type or "").lower()
    if kind == MULTIPART:
        return _checked([_from_fields(_multipart_fields(request, body))], measure=lambda _: len(body))
    # `curl -d` says "form" whatever it sends.
    if kind == FORM and not body.lstrip().startswith((b"{", b"[")):
        _within(len(body), settings.DATA_UPLOAD_MAX_MEMORY_SIZE, "A form")
        return _checked([_from_fields(_form_fields(body))], measure=lambda _: len(body))
    # One event is judged by its length: what is refused anyway need not be taken apart.
    if not body.lstrip().startswith(b"["):
        _within(len(body), conf.settings().MAX_EVENT_BYTES, "The event")
    value = _json(body)
    if not isinstance(value, list):
        return _checked([value], measure=lambda _: len(body))
    limit = conf.settings().MAX_EVENTS
    if len(value) > limit:
        raise TooLarge(f"One request may bring {limit:,} events, and this one brings {len(value):,}; send several.")
    return _checked(value, measure=_size if len(body) > conf.settings().MAX_EVENT_BYTES else lambda _: 0)


def read_object(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object that a request brings; UnreadableBody says what else it is."""
    value = _json(_bytes(request, limit=conf.settings().MAX_EVENT_BYTES))
    if not isinstance(value, dict):
        raise UnreadableBody("The body is not a JSON object.")
    if _is_deeper(value, MAX_DEPTH):
        raise UnreadableBody(f"The body is nested more than {MAX_DEPTH} levels deep.")
    return value


def _limit() -> int:
    """Return how many bytes one request may bring: an array takes a multiple of its length while it is read."""
    own = int(getattr(settings, "REQUEST_LIMIT", conf.settings().MAX_BODY_BYTES))
    return min(own, conf.settings().MAX_BODY_BYTES)


def _within(length: int, limit: int | None, what: str) -> None:
    if limit is not None and length > limit:
        size = f"{limit / 1024 / 1024:g} MiB"
        raise TooLarge(f"{what} is larger than {size}; send several, or send where the data is instead.")


def _bytes(request: HttpRequest, *, limit: int) -> bytes:
    """Return the body of a request whose key was checked; its length is known before anything is read."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    _within(length, limit, "This request")
    usual = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        # Django's own limit is that of forms.
        if usual is None or length <= usual or request.content_type == MULTIPART or hasattr(request, "_body"):
            return request.body or _unannounced(getattr(request, "environ", {}), limit)
    except RequestDataTooBig:
        raise TooLarge("This request is too large; send fewer events at once.") from None
    return request.read()


def _unannounced(environ: dict[str, Any], limit: int) -> bytes:
    """Return a chunked body, which has no length; Django takes it for empty, and servers that can end it say so."""
    if environ.get("CONTENT_LENGTH") or not environ.get("wsgi.input_terminated"):
        return b""
    body: bytes = environ["wsgi.input"].read(limit + 1)
    _within(len(body), limit, "This request")
    return body


def _json(body: bytes, *, what: str = "The body") -> Any:
    if not body.strip():
        raise UnreadableBody(f"{what} is empty; send an event as a JSON object, or several as an array.")
    try:
        return serialize.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"{what} is not UTF-8: byte {error.start + 1} is wrong.") from None
    except JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UnreadableBody(f"{what} is not JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise UnreadableBody(f"{what} is nested more than {MAX_DEPTH} levels deep.") from None
    except ValueError as error:
        raise UnreadableBody(f"{what} is not JSON: {error}.") from None


def _size(event: Any) -> int:
    return len(serialize.dumps(event).encode())


def _form_fields(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise UnreadableBody("The form is not UTF-8.") from None
    except ValueError:
        raise TooLarge(f"The form has more than {MAX_FIELDS:,} fields.") from None
    return iter(pairs)


def _multipart_fields(request: HttpRequest, body: bytes) -> Iterator[tuple[str, str]]:
    try:
        fields, files = request.POST, request.FILES
    except (MultiPartParserError, ValueError):
        raise UnreadableBody("The multipart form cannot be read; look at its boundary.") from None
    except TooManyFieldsSent:
        raise TooLarge(f"The form has more than {MAX_FIELDS:,} fields.") from None
    if files:
        raise UnreadableBody("An event carries no files; store the file, and send where it is.")
    pairs = [(name, str(value)) for name, values in fields.lists() for value in values]
    # Django puts U+FFFD where bytes were wrong; if the body has none itself, that has happened.
    if b"\xef\xbf\xbd" not in body and any("\ufffd" in name + value for name, value in pairs):
        raise UnreadableBody("The form is not UTF-8.")
    return iter(pairs)


def _from_fields(fields: Iterator[tuple[str, str]]) -> dict[str, Any]:
    """Return one event: name, id, ts and data (JSON) as they are, every other field inside data."""
    event: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in fields:
        place = event if name in ("name", "id", "ts", "data") else extra
        place[name] = _together(place[name], value) if name in place else value
    if str(event.get("ts", "")).strip().isdecimal():
        event["ts"] = int(event["ts"])
    data = event.get("data", {})
    if isinstance(data, str):
        data = _json(data.encode(), what="The field data")
    event["data"] = {**data, **extra} if isinstance(data, dict) else data
    return event


def _together(before: Any, value: str) -> list[str]:
    return [*before, value] if isinstance(before, list) else [before, value]


def _checked(values: list[Any], *, measure: Callable[[Any], int]) -> Body:
    events: list[Event] = []
    for position, value in enumerate(values, start=1):
        where = f"Event {position} of {len(values)}" if len(values) > 1 else "The event"
        try:
            events.append(_event(value, where=where, size=measure(value)))
        except InvalidEvent as error:
            return Body(events, error)
        except RecursionError:
            return Body(events, InvalidEvent(f"{where} is nested more than {MAX_DEPTH} levels deep."))
    return Body(events)


def _event(value: Any, *, where: str, size: int) -> Event:
    if not isinstance(value, dict):
        raise InvalidEvent(f"{where} is not a JSON object.")
    limit = conf.settings().MAX_EVENT_BYTES
    if size > limit:
        raise TooLarge(f"{where} is larger than {limit / 1024 / 1024:g} MiB; send where the data is instead.")
    data = value.get("data")
    if data is not None and not isinstance(data, dict):
        raise InvalidEvent(f"{where} has data that is not a JSON object.")
    if _is_deeper(data, MAX_DEPTH):
        raise InvalidEvent(f"{where} is nested more than {MAX_DEPTH} levels deep.")
    # Everything has been looked at: validating once more would copy all data.
    return Event.model_construct(
        name=_name(value, where), data=data or {}, id=_external_id(value, where), ts=_ts(value, where)
    )


def _name(value: dict[str, Any], where: str) -> str:
    name = value.get("name")
    if not isinstance(name, str):
        raise InvalidEvent(f"{where} has {'no name' if name is None else 'a name that is not a string'}.")
    if not name.strip():
        raise InvalidEvent(f"{where} has an empty name.")
    if len(name) > MAX_LENGTH:
        raise InvalidEvent(f"{where} has a name of {len(name):,} characters; {MAX_LENGTH} are possible.")
    if _UNSTORABLE.search(name):
        raise InvalidEvent(f"{where} has a name with a NUL character or half a surrogate pair.")
    if name.startswith(INTERNAL_PREFIXES):
        raise InvalidEvent(f"{where} is named {name}, and {' and '.join(INTERNAL_PREFIXES)} are reserved names.")
    return name


def _external_id(value: dict[str, Any], where: str) -> str:
    given = value.get("id")
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > MAX_LENGTH or _UNSTORABLE.search(given):
        raise InvalidEvent(f"{where} has an id that is not a string of at most {MAX_LENGTH} ordinary characters.")
    return given


def _ts(value: dict[str, Any], where: str) -> int:
    given = value.get("ts")
    if given is None or (given == 0 and not isinstance(given, bool)):
        return 0
    if isinstance(given, bool) or not isinstance(given, int | float) or given != int(given):
        raise InvalidEvent(f"{where} has a ts that is not a whole number of milliseconds since 1970.")
    if not EARLIEST_TS <= given < LATEST_TS:
        raise InvalidEvent(f"{where} has a ts outside the years 1980 to 2099; it is in milliseconds since 1970.")
    return int(given)


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    items = value.values() if isinstance(value, dict) else value
    # Looked at before the call: most items are plain values, and there may be a million of them.
    return any(_is_deeper(item, levels - 1) for item in items if isinstance(item, dict | list))
