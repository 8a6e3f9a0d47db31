"""Filling what a release leaves empty, cheapest first; each filled field remembers who filled it."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from jobs.errors import RetryAfterError
from tenders import categorizing, joblogs, lookup, matching
from tenders.merging import EMPTY
from tenders.models import ENRICHED, Pace, Tender
from tenders.ocds import categories, estimates, kinds, quality, values
from tenders.sources.http import PortalRefused, PortalUnavailable

PORTAL = "portal"
TRANSIENT = (PortalUnavailable, RetryAfterError)


def enrich(ocid: str, *, force: bool = False, interval: float | None = None) -> str:
    """Look one tender up and fill its empty fields; returns in words what came of it.

    Raises what a portal raises; nothing is filled then. interval: seconds to keep between look-ups, if more than the
    site's own.
    """
    tender = Tender.objects.filter(ocid=ocid).first()
    if tender is None:
        return "no such tender"
    if tender.enriched_at and not force:
        return "already"
    found = _looked_up(tender, interval)
    found |= categorizing.category_for(tender, found)
    found |= {name: pair for name, pair in estimates.of(tender).items() if name not in found}
    note = found.pop("", ("no confident match", ""))[0]
    return _fill(tender.pk, found, note)


def _looked_up(tender: Tender, interval: float | None) -> dict[str, tuple[Any, str]]:
    if tender.source != "za-etenders" or not tender.number:
        return {"": ("its own fields only", "")}
    wait_for_turn(interval)
    wanted = matching.Wanted(
        tender.ocid.rpartition("-")[2], tender.number, tender.buyer, f"{tender.title} {tender.description}"
    )
    match = matching.best(wanted, lookup.rows_for(tender.number))
    if match is None:
        return {}
    filled = {name: (value, PORTAL) for name, value in _fields(match.row).items() if value not in EMPTY}
    return {**filled, "": (match.why, "")}


def wait_for_turn(interval: float | None = None) -> None:
    """Wait for the next moment at which a look-up may go out, whichever worker asks; without a connection."""
    least = max(settings.TENDERS_LOOKUP_INTERVAL, interval or 0)
    seconds = Pace.reserve(PORTAL, timedelta(seconds=least))
    give_back()
    time.sleep(seconds)


def give_back() -> None:
    """Return the connection while this thread waits for somebody else's answer."""
    if not connection.in_atomic_block:
        connection.close()


def _fields(row: lookup.Row) -> dict[str, Any]:
    kind = values.line(row.type, 200)
    email = values.line(row.email, 254)
    return {
        "detailed_category": categories.known(row.category) or values.line(row.category, 200),
        "province": values.line(row.province, 100),
        "delivery_location": values.line(row.delivery, 500),
        "special_conditions": values.text(row.conditions),
        "contact_name": values.line(row.contact_name, 200),
        "contact_email": email if "@" in email else "",
        "contact_phone": values.line(row.telephone, 60),
        "has_briefing": row.has_briefing,
        "briefing_compulsory": row.briefing_compulsory if row.has_briefing else None,
        "briefing_at": row.briefed_at() if row.has_briefing else None,
        "briefing_venue": values.line(row.briefing_venue, 500) if row.has_briefing else "",
        "tender_type": kind,
        "type_class": kinds.class_of(kind),
        "documents": row.files(),
        "organ_type": kinds.organ_of(row.buyer),
        "e_submission": row.e_submission,
        "city": values.line(row.town, 100),
    }


@transaction.atomic
def _fill(pk: int, found: dict[str, tuple[Any, str]], note: str) -> str:
    """Write what is empty still, under a lock: a sync may be writing the same tender right now."""
    tender = Tender.objects.select_for_update().get(pk=pk)
    for name, (value, by) in found.items():
        if getattr(tender, name) in EMPTY or tender.filled_by.get(name) == by:
            setattr(tender, name, value)
            tender.filled_by[name] = by
    tender.data_quality_score = quality.score(vars(tender))
    tender.enriched_at, tender.enrichment_note = timezone.now(), note[:200]
    tender.save(update_fields=[*ENRICHED, "filled_by", "data_quality_score", "enriched_at", "enrichment_note"])
    return note


def enrich_many(log_id: int, ocids: Sequence[str], interval: float | None = None) -> dict[str, int]:
    """Enrich a few tenders one after the other; a failure is counted, and the next one has its turn."""
    done = {"enriched": 0, "enrichment_failed": 0}
    for ocid in ocids:
        try:
            enrich(ocid, interval=interval)
        except (*TRANSIENT, PortalRefused):
            done["enrichment_failed"] += 1
        else:
            done["enriched"] += 1
    joblogs.count_enriched(log_id, done)
    return done
