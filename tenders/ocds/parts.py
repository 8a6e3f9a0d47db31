"""The parts of a release: objects and lists inside it, each asked for with the place it must stand at."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from zoneinfo import ZoneInfo

from tenders.ocds import values

MOST_DOCUMENTS = 200
_NONE: dict[str, Any] = {}


class BadRelease(ValueError):
    """A release that cannot be stored; the message names the place and what is wrong there."""


class Place(str):
    """Where a part stands, word for word, and what was odd there or below: an odd part costs no more than itself."""

    __slots__ = ("problems",)

    def __new__(cls, words: str, problems: list[str] | None = None) -> Self:
        """Begin a list of problems, or go on with one."""
        place = super().__new__(cls, words)
        place.problems = [] if problems is None else problems
        return place

    def at(self, key: str) -> Self:
        """Return the place of an inner part."""
        return type(self)(f"{self}.{key}", self.problems)

    def odd(self, words: str) -> None:
        """Note what is odd, once."""
        if words not in self.problems:
            self.problems.append(words)


def object_at(parent: Mapping[str, Any], key: str, place: Place) -> Mapping[str, Any]:
    """Return an inner object, empty where there is none; anything else is noted as odd."""
    found = parent.get(key)
    if found is None:
        return _NONE
    if not isinstance(found, dict):
        place.odd(f"{place}.{key} must be an object, not {_kind(found)}")
        return _NONE
    return found


def list_at(parent: Mapping[str, Any], key: str, place: Place) -> list[Any]:
    """Return an inner list, empty where there is none; anything else is noted as odd."""
    found = parent.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        place.odd(f"{place}.{key} must be a list, not {_kind(found)}")
        return []
    return found


def time_at(parent: Mapping[str, Any], key: str, place: Place, zone: ZoneInfo | None) -> datetime | None:
    """Return a point in time, None where there is none; what is no date is noted as odd."""
    found = parent.get(key)
    if found is None:
        return None
    if not isinstance(found, str):
        place.odd(f"{place}.{key} must be a date, not {_kind(found)}")
        return None
    try:
        return values.moment(found.strip(), zone)
    except values.BadValue as error:
        place.odd(f"{place}.{key}: {error}")
        return None


def money_at(parent: Mapping[str, Any], key: str, place: Place) -> tuple[Decimal | None, str]:
    """Return (amount, currency) of an OCDS value; an amount that cannot be read is noted as odd."""
    value = object_at(parent, key, place)
    said = value.get("amount")
    if (
        said is not None
        and (isinstance(said, bool) or not isinstance(said, int | float))
        and values.amount(said) is None
    ):
        place.odd(f"{place}.{key}.amount must be a number, not {_kind(said)}")
    return values.money(value)


def documents(tender: Mapping[str, Any], place: Place) -> list[dict[str, str]]:
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


def party(release: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
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
