"""Lists of tenders: filters as values, and what they leave, for the pages, exports, the API and alerts alike."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.core.cache import cache

from tenders.models import Tender, TenderQuerySet
from tenders.ocds import kinds

PER_PAGE = 25
# Nobody turns 40 pages; whoever wants all of them exports.
MOST = 40 * PER_PAGE
_OPTIONS_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Filters:
    """How a list of tenders is narrowed down; empty values narrow nothing."""

    q: str = ""
    source: str = ""
    province: str = ""
    category: str = ""
    buyer: str = ""
    type_class: str = ""
    closing: int | None = None
    value_from: Decimal | None = None
    value_to: Decimal | None = None
    sort: str = ""


def found(filters: Filters) -> TenderQuerySet:
    """Return the tenders that the filters leave, in the order asked for."""
    return _ordered(_left_by(filters), filters)


def first_of(filters: Filters) -> tuple[TenderQuerySet, int]:
    """Return the same for pages, and how many there are, counted to MOST at the furthest.

    Asked for the newest 25 with a rare word, PostgreSQL may walk all tenders by date. So the few that match are found
    first; where there are many, the walk is short.
    """
    left = _left_by(filters)
    pks = list(left.order_by().values_list("pk", flat=True)[:MOST])
    few = Tender.objects.filter(pk__in=pks) if len(pks) < MOST else left
    return _ordered(few, filters), len(pks)


def _left_by(filters: Filters) -> TenderQuerySet:
    tenders = Tender.objects.search(filters.q).bought_by(filters.buyer)
    equal = {
        "source": filters.source,
        "province": filters.province,
        "detailed_category": filters.category,
        "type_class": filters.type_class,
    }
    tenders = tenders.filter(**{name: value for name, value in equal.items() if value})
    if filters.closing is not None:
        tenders = tenders.closing_within(filters.closing)
    return tenders.worth(filters.value_from, filters.value_to)


def _ordered(tenders: TenderQuerySet, filters: Filters) -> TenderQuerySet:
    return tenders.order_by("closes_at", "pk") if _by_closing(filters) else tenders.newest_first()


def _by_closing(filters: Filters) -> bool:
    return filters.sort == "closing" or (filters.sort == "" and filters.closing is not None)


def options() -> dict[str, list[Any]]:
    """Return what the filters offer: provinces and categories that tenders have; looked up every five minutes."""
    known = cache.get("tenders.options")
    if known is None:
        known = {
            "province": _values("province"),
            "category": _values("detailed_category"),
        }
        cache.set("tenders.options", known, _OPTIONS_SECONDS)
    return known | {"type_class": classes()}


@lru_cache(maxsize=1)
def classes() -> list[tuple[str, str]]:
    """Return the classes with their words."""
    return list(kinds.CLASSES.items())


def _values(field: str) -> list[str]:
    used = Tender.objects.exclude(**{field: ""}).order_by(field).values_list(field, flat=True).distinct()
    return list(used[:300])
