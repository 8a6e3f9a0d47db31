"""The steps of reading a portal: which span, one page after the other, and where to go on next time."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from tenders import importing, joblogs, requests, sources
from tenders.enrichment import give_back
from tenders.models import Pace, SavedPage, SourceState, Tender, storing
from tenders.ocds import dialects
from tenders.sources import Page, Place, Source
from tenders.sources.za_etenders import SmallerPageNeeded

FIRST_SPAN = timedelta(hours=24)


def scheduled() -> list[str]:
    """Return the sources that are on schedule."""
    known = SourceState.objects.filter(scheduled=True, source__in=sources.BY_ID)
    return list(known.order_by("source").values_list("source", flat=True))


def date_range(log_id: int, asked: requests.Span, handed_over: dict[str, Any] | None) -> dict[str, Any]:
    """Return the span to read, and its first place: from the cursor less the overlap, or the last 24 hours.

    handed_over: the span of an earlier run of the same job, which is then the span.
    """
    if handed_over:
        return handed_over
    span = _span(asked)
    joblogs.update_open(log_id, total=span["windows"])
    return span


def _span(asked: requests.Span) -> dict[str, Any]:
    source, now = sources.get(asked.source), timezone.now()
    state, _ = SourceState.objects.get_or_create(source=source.id)
    start = asked.start or ((state.cursor - source.overlap) if state.cursor else now - FIRST_SPAN)
    place = source.first(start, asked.until or now)
    # Only a sync that ends now and begins where the last one ended may move the cursor.
    moves = asked.until is None and (asked.start is None or (state.cursor is not None and start <= state.cursor))
    return {
        "place": place.model_dump(mode="json"),
        "windows": source.windows(place.start, place.until),
        "cursor": now.isoformat() if moves else None,
    }


def check_health(source_id: str) -> bool:
    """Ask the portal for as little as possible, so that an outage is told before anything is begun."""
    source = sources.get(source_id)
    _wait_for_turn(source)
    source.check_health()
    return True


def read_page(log_id: int, source_id: str, number: int, place: dict[str, Any], origin: str) -> dict[str, Any]:
    """Fetch a page and store it; returns where the next one is. origin: where the span begins.

    The releases, the counters and the note that this page is stored are one transaction, so a step that is repeated
    after a crash finds its page and does not ask the portal again. No connection is held while the portal answers.
    """
    if known := SavedPage.outcome_of(log_id, number):
        return known
    source = sources.get(source_id)
    _wait_for_turn(source)
    page = _fetch(source, Place.model_validate(place))
    return _save(log_id, source, number, page, datetime.fromisoformat(origin))


def _wait_for_turn(source: Source) -> None:
    seconds = Pace.reserve(source.id, timedelta(seconds=source.interval))
    give_back()
    time.sleep(seconds)


def _fetch(source: Source, place: Place) -> Page:
    remembered = SourceState.objects.filter(source=source.id).values_list("page_size", flat=True).first()
    give_back()
    if remembered and remembered < place.size and place.offset % remembered == 0:
        place = place.model_copy(update={"size": remembered})
    try:
        return source.fetch(place)
    except SmallerPageNeeded as error:
        # The place is journaled with the size it was asked for first; the next attempt begins smaller.
        SourceState.objects.filter(source=source.id).update(page_size=error.size)
        raise


@transaction.atomic
def _save(log_id: int, source: Source, number: int, page: Page, origin: datetime) -> dict[str, Any]:
    taken = importing.take(importing.of_page(page.releases), storing.publication_id(page.published))
    after = page.after
    outcome = {
        "next": after.model_dump(mode="json") if after else None,
        "releases": len(page.releases),
        "windows_done": (after.start - origin) / source.window if after else None,
        **taken.counters,
    }
    problems = [f"Page {number}: {words}" for words in taken.problems]
    joblogs.count_page(log_id, taken.counters, problems, outcome["windows_done"])
    SavedPage.objects.create(log_id=log_id, number=number, outcome=outcome)
    SourceState.objects.filter(source=source.id).update(page_size=after.size if after else 0)
    return outcome


def move_cursor(source_id: str, cursor: str | None) -> str | None:
    """Note that the source was read to its last page, and move its cursor there; it never goes back."""
    states = SourceState.objects.filter(source=source_id)
    states.update(last_success_at=timezone.now())
    if cursor is None:
        return None
    states.update(cursor=Greatest(F("cursor"), datetime.fromisoformat(cursor)))
    return cursor


def to_enrich(source_id: str, since: datetime | None, until: datetime | None, limit: int) -> list[str]:
    """Return the newest tenders of a span that no look-up was tried for; none where there is no look-up."""
    if not sources.get(source_id).looks_up or limit <= 0:
        return []
    found = Tender.objects.to_enrich(source_id)
    if since is not None:
        found = found.filter(released_at__gte=since)
    if until is not None:
        found = found.filter(released_at__lt=until)
    return list(found.newest_first().values_list("ocid", flat=True)[:limit])


def today(source_id: str) -> datetime:
    """Return the beginning of today on the clocks of a source."""
    return timezone.now().astimezone(dialects.zone_of(source_id)).replace(hour=0, minute=0, second=0, microsecond=0)
