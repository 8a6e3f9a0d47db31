"""One release becomes one notice: the fields of a tender as its publisher gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tenders.ocds import awards, dialects, kinds, parts, titles, values
from tenders.ocds.delivery import city_of, contact_of, place_of
from tenders.ocds.dialects import Dialect
from tenders.ocds.parts import BadRelease, Place

LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Notice:
    """What a release says, or several together. `fields` has the columns of a tender; empty ones are there as well."""

    ocid: str
    release_id: str
    released_at: datetime | None
    fields: dict[str, Any]
    problems: list[str] = field(default_factory=list)


def read(data: Any, where: str) -> Notice:
    """Read a release; raises BadRelease, naming the place, for one that cannot be stored.

    An odd part of it is left out, and named in the notice's problems.
    """
    place = Place(where)
    if not isinstance(data, dict):
        raise BadRelease(f"{place} must be an object")
    ocid, release_id = _id(data, "ocid", place), _id(data, "id", place)
    dialect = dialects.of(ocid)
    released_at = parts.time_at(data, "date", place, dialect.zone)
    return Notice(ocid, release_id, released_at, _fields(data, place.at("tender"), place, dialect), place.problems)


def _id(data: Mapping[str, Any], key: str, place: Place) -> str:
    found = data.get(key)
    if isinstance(found, bool) or not isinstance(found, str | int) or not str(found).strip():
        raise BadRelease(f"{place} has no {key}")
    words = values.text(str(found))
    if len(words) > LONGEST_ID:
        raise BadRelease(f"{place}.{key} is longer than {LONGEST_ID} characters")
    return words


def _fields(data: Mapping[str, Any], inside: Place, place: Place, dialect: Dialect) -> dict[str, Any]:
    tender = parts.object_at(data, "tender", place)
    buyer, party = parts.object_at(data, "buyer", place), parts.party(data, place)
    name = values.line(buyer.get("name") or party.get("name"), 300)
    return {
        "source": dialect.source,
        "tag": ", ".join(values.line(tag, 40) for tag in parts.list_at(data, "tag", place))[:80],
        "buyer": name,
        "organ_type": kinds.organ_of(name),
        **_subject(data, tender, dialect),
        **_procedure(tender),
        **_value(tender, inside),
        **_times(tender, inside, dialect),
        **place_of(tender, party, inside, dialect),
        **contact_of(tender, party, inside),
        **_briefing(tender, inside, dialect),
        "documents": parts.documents(tender, inside),
        **awards.awarded(data),
        "city": city_of(tender, party, dialect),
    }


def _subject(data: Mapping[str, Any], tender: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    title = values.line(tender.get("title") or data.get("title"), 500)
    description = values.text(tender.get("description") or data.get("description"))
    # The portal's number is the title there; elsewhere it is the tender's own id.
    number = title if dialect.extended else values.line(tender.get("id"), 200)
    classification = tender.get("classification")
    detailed = classification.get("description") if isinstance(classification, dict) else tender.get("category")
    detailed = values.line(detailed, 200) or _of_items(tender)
    return {
        "number": number[:200],
        "title": title,
        "description": description,
        "display_title": titles.display(title, description, number),
        "category": values.line(tender.get("mainProcurementCategory"), 40),
        "detailed_category": detailed,
        "status": values.line(tender.get("status"), 40),
    }


def _of_items(tender: Mapping[str, Any]) -> str:
    """Return what the first item that is classified is classified as."""
    items = tender.get("items")
    found = (item.get("classification") for item in items if isinstance(item, dict)) if isinstance(items, list) else ()
    words = (values.line(each.get("description"), 200) for each in found if isinstance(each, dict))
    return next(filter(None, words), "")


def _procedure(tender: Mapping[str, Any]) -> dict[str, Any]:
    kind = values.line(tender.get("procurementMethodDetails"), 200).removesuffix(" -")
    methods = tender.get("submissionMethod")
    electronic = "electronicSubmission" in methods if isinstance(methods, list) and methods else None
    return {
        "tender_type": kind,
        "type_class": kinds.class_of(kind),
        "e_submission": electronic,
        "special_conditions": values.text(tender.get("specialConditions")),
    }


def _value(tender: Mapping[str, Any], inside: Place) -> dict[str, Any]:
    amount, currency = parts.money_at(tender, "value", inside)
    least, least_currency = parts.money_at(tender, "minValue", inside)
    if amount is not None and least is not None and least > amount:
        least = None
    return {
        "value": amount,
        "currency": currency or least_currency,
        "value_low": least if least is not None else amount,
        "value_high": amount,
    }


def _times(tender: Mapping[str, Any], inside: Place, dialect: Dialect) -> dict[str, Any]:
    period = parts.object_at(tender, "tenderPeriod", inside)
    within = inside.at("tenderPeriod")
    return {
        "opens_at": parts.time_at(period, "startDate", within, dialect.zone),
        "closes_at": parts.time_at(period, "endDate", within, dialect.zone),
    }


def _briefing(tender: Mapping[str, Any], inside: Place, dialect: Dialect) -> dict[str, Any]:
    session = parts.object_at(tender, "briefingSession", inside)
    held = values.yes_or_no(session.get("isSession"))
    at = parts.time_at(session, "date", inside.at("briefingSession"), dialect.zone) if held else None
    return {
        "has_briefing": held,
        "briefing_compulsory": values.yes_or_no(session.get("compulsory")) if held else None,
        "briefing_at": at,
        "briefing_venue": values.line(session.get("venue"), 500) if held else "",
    }
