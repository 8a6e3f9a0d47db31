"""The parts of a release: objects and lists inside it, each asked for with the place it must stand at."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tenders.ocds import values

MOST_DOCUMENTS = 200
_NONE: dict[str, Any] = {}


class BadRelease(ValueError):
    """A release that cannot be stored; the message names the place and what is wrong there."""


def object_at(parent: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    """Return an inner object, empty where there is none; raises BadRelease for anything else."""
    found = parent.get(key)
    if found is None:
        return _NONE
    if not isinstance(found, dict):
        raise BadRelease(f"{place}.{key} must be an object, not {_kind(found)}")
    return found


def list_at(parent: Mapping[str, Any], key: str, place: str) -> list[Any]:
    """Return an inner list, empty where there is none; raises BadRelease for anything else."""
    found = parent.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise BadRelease(f"{place}.{key} must be a list, not {_kind(found)}")
    return found


def time_at(parent: Mapping[str, Any], key: str, place: str, zone: ZoneInfo | None) -> datetime | None:
    """Return a point in time, None where there is none; raises BadRelease for what is no date."""
    found = parent.get(key)
    if found is None:
        return None
    if not isinstance(found, str):
        raise BadRelease(f"{place}.{key} must be a date, not {_kind(found)}")
    try:
        return values.moment(found.strip(), zone)
    except values.BadValue as error:
        raise BadRelease(f"{place}.{key}: {error}") from None


def documents(tender: Mapping[str, Any], place: str) -> list[dict[str, str]]:
    """Return the documents that can be opened: title, address and format of each."""
    found = []
    for entry in list_at(tender, "documents", place)[:MOST_DOCUMENTS]:
        if not isinstance(entry, dict):
            continue
        url = values.line(entry.get("url"), 1000)
        if url.startswith(("https://", "http://")):
            title = values.line(entry.get("title") or entry.get("description") or entry.get("documentType"), 200)
            found.append({"title": title or "Document", "url": url, "format": values.line(entry.get("format"), 40)})
    return found


def party(release: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """Return the party that buys: the one the buyer's id names, else the first in such a role."""
    wanted = object_at(release, "buyer", place).get("id")
    parties = [entry for entry in list_at(release, "parties", place) if isinstance(entry, dict)]
    named = (entry for entry in parties if wanted is not None and entry.get("id") == wanted)
    buying = (entry for entry in parties if {"buyer", "procuringEntity"} & _roles(entry))
    return next(named, None) or next(buying, _NONE)


def _roles(entry: Mapping[str, Any]) -> set[Any]:
    roles = entry.get("roles")
    return {role for role in roles if isinstance(role, str)} if isinstance(roles, list) else set()


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "true or false"
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return f"the text “{value[:40]}”"
        case _:
            return f"the number {value}"[:60]
