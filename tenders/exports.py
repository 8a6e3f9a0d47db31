"""Tenders for other programs: as JSON objects, and as files that are sent row by row."""

import csv
import json
from array import array
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import StreamingHttpResponse

from jobs import database
from tenders.models import Tender, TenderQuerySet

FIELDS = (
    *("ocid", "release_id", "released_at", "source", "number", "title", "display_title", "description", "status"),
    *("buyer", "organ_type", "category", "detailed_category", "tender_type", "type_class", "e_submission"),
    *("value", "value_low", "value_high", "currency", "opens_at", "closes_at", "province", "city"),
    *("delivery_location", "special_conditions", "contact_name", "contact_email", "contact_phone", "has_briefing"),
    *("briefing_compulsory", "briefing_at", "briefing_venue", "documents", "data_quality_score", "filled_by"),
)
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CHUNK = 500


def as_object(tender: Tender) -> dict[str, Any]:
    """Return a tender as JSON has it: times in UTC, sums as text, so that none is rounded."""
    found = {name: _plain(getattr(tender, name)) for name in FIELDS}
    published = tender.publication
    found["publisher"] = published.publisher if published else ""
    found["licence"] = published.licence if published else ""
    return found


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Decimal():
            return str(value)
    return value


def as_csv(tenders: TenderQuerySet) -> StreamingHttpResponse:
    """Return a CSV file; a cell that a spreadsheet would execute begins with an apostrophe."""
    return _file(_csv_lines(_by_pages(tenders)), "text/csv; charset=utf-8", "tenders.csv")


def _by_pages(tenders: TenderQuerySet) -> Iterator[Tender]:
    """Yield what the keys that are there now stand for; between pages no connection is held, however slow a reader."""
    keys = array("q", tenders.values_list("pk", flat=True))
    for begin in range(0, len(keys), _CHUNK):
        chunk = keys[begin : begin + _CHUNK]
        found = Tender.objects.select_related("publication").defer("words").in_bulk(chunk.tolist())
        database.give_back()
        yield from (found[key] for key in chunk if key in found)


def _csv_lines(tenders: Iterable[Tender]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow([*FIELDS, "publisher", "licence"])
    for tender in tenders:
        yield writer.writerow([_cell(value) for value in as_object(tender).values()])


class _Echo:
    """A file that returns what is written, so that csv can be asked for a line."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def as_json(tenders: TenderQuerySet) -> StreamingHttpResponse:
    """Return a JSON file with a list `tenders`."""
    return _file(_json_lines(_by_pages(tenders)), "application/json", "tenders.json")


def _json_lines(tenders: Iterable[Tender]) -> Iterator[str]:
    separator = '{"tenders": [\n'
    for tender in tenders:
        yield separator + json.dumps(as_object(tender), ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n" if separator == ",\n" else '{"tenders": []}\n'


def _file(lines: Iterator[str], content_type: str, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
