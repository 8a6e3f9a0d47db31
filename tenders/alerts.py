"""Saved searches after a sync: new matches are noted first, then mailed, and marked in the row that was noted."""

from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from tenders import listing
from tenders.models import Alert, SavedSearch, Tender

MOST_IN_A_MAIL = 50
# A sync of another source may commit rows that are a little older than those noted last.
_OVERLAP = timedelta(hours=1)


def active_searches() -> list[int]:
    """Return the searches whose owners want to hear of matches."""
    active = SavedSearch.objects.filter(active=True, owner__is_active=True)
    return list(active.order_by("pk").values_list("pk", flat=True))


def filters_of(search: SavedSearch) -> listing.Filters:
    """Return what a search asks for."""
    return listing.Filters(
        q=search.q,
        category=search.category,
        province=search.province,
        buyer=search.buyer,
        value_from=search.value_from,
        value_to=search.value_to,
    )


def note_matches(search_id: int) -> int:
    """Note the tenders that are new for a search, each once for ever; returns how many."""
    search = SavedSearch.objects.select_for_update().filter(pk=search_id, active=True).first()
    if search is None:
        return 0
    now = timezone.now()
    since = max(search.created_at, search.checked_until - _OVERLAP)
    # Enrichment may make a tender match that did not at first.
    fresh = listing.found(filters_of(search)).filter(first_seen_at__gte=search.created_at, changed_at__gte=since)
    new = fresh.exclude(alerts__search=search).order_by().values_list("pk", flat=True)
    noted = Alert.objects.bulk_create(
        [Alert(search=search, tender_id=pk) for pk in new.iterator()], ignore_conflicts=True, batch_size=500
    )
    search.checked_until = now
    search.save(update_fields=["checked_until"])
    return len(noted)


def with_unsent() -> list[int]:
    """Return the searches with matches that nobody was told of yet."""
    unsent = Alert.objects.filter(mailed_at=None, search__active=True, search__owner__is_active=True)
    return list(unsent.order_by("search").values_list("search", flat=True).distinct())


@transaction.atomic
def mail(search_id: int) -> int:
    """Mail what was noted for a search and mark it; returns how many tenders that were.

    The rows stay locked until the mail is out, so two workers never mail the same. A worker that dies between the mail
    server's answer and the commit leaves them unmarked: then the mail goes out again under the same Message-ID.
    """
    noted = list(
        Alert.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(search=search_id, mailed_at=None)
        .order_by("pk")
    )
    if not noted:
        return 0
    search = SavedSearch.objects.get(pk=search_id)
    tenders = list(Tender.objects.filter(pk__in=[alert.tender_id for alert in noted]).newest_first())
    _message(search, tenders, noted[0].pk).send()
    Alert.objects.filter(pk__in=[alert.pk for alert in noted]).update(mailed_at=timezone.now())
    return len(noted)


def _message(search: SavedSearch, tenders: list[Tender], first: int) -> EmailMessage:
    shown, site = tenders[:MOST_IN_A_MAIL], settings.SITE_URL
    context = {"search": search, "tenders": shown, "more": len(tenders) - len(shown), "site": site}
    count = f"{len(tenders)} new tender{'s' if len(tenders) != 1 else ''}"
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    return EmailMessage(
        subject=f"{count}: {' '.join(search.name.split())}",
        body=render_to_string("tenders/mail.txt", context),
        to=[search.email],
        headers={"Message-ID": f"<alert-{search.pk}-{first}@{host}>"},
    )
