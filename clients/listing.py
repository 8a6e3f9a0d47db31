"""The list of clients: its filters, tabs and pages."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, F
from django.http import QueryDict

from clients.forms import FilterForm
from clients.models import AIStatus, ClientQuerySet

PER_PAGE = 25
TABS = (
    ("", "All", None),
    (AIStatus.PENDING.value, "Not enhanced", None),
    (AIStatus.PROCESSING.value, "Enhancing", "running"),
    (AIStatus.COMPLETED.value, "Enhanced", None),
    (AIStatus.FAILED.value, "Failed", "failed"),
)
_ORDERS = {
    "": ["name"],
    "enhanced": [F("ai_enhanced_at").desc(nulls_last=True), "name"],
    "stale": [F("ai_enhanced_at").asc(nulls_first=True), "name"],
    "new": ["-pk"],
}


def page_of(found: ClientQuerySet, filters: FilterForm, number: str | None) -> Page:
    """Return the page of the list that the filters and its number mean."""
    if status := filters.value("status"):
        found = found.filter(ai_status=status)
    return Paginator(found.order_by(*_ORDERS[filters.value("sort")]), PER_PAGE).get_page(number)


def tabs(found: ClientQuerySet, filters: FilterForm, given: QueryDict) -> list[dict[str, Any]]:
    """Return the tabs with how many clients each has."""
    counts = dict(found.order_by().values_list("ai_status").annotate(Count("pk")))
    counts[""] = sum(counts.values())
    chosen = filters.value("status")
    return [
        {
            "words": words,
            "count": counts.get(key, 0),
            "tone": tone,
            "current": key == chosen,
            "query": query_of(given, status=key),
        }
        for key, words, tone in TABS
    ]


def query_of(given: QueryDict, **changes: str) -> str:
    """Return a page's query string without what only polls add, and with these changes on its first page."""
    query = given.copy()
    for name in ("v", *(("page", *changes) if changes else ())):
        query.pop(name, None)
    query.update({name: value for name, value in changes.items() if value})
    return query.urlencode()
