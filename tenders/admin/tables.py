"""The lists of tenders, releases and saved searches; only what people write themselves can be changed here."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

import jobs
from tenders import events
from tenders.models import Release, SavedSearch, Tender, TenderQuerySet


class ReadOnly(admin.ModelAdmin):
    """What comes from publishers is looked at, not edited."""

    list_per_page = 25

    def has_add_permission(self, request: HttpRequest) -> bool:
        """It comes by a sync or a file."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The next sync would write over it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The next sync would bring it back."""
        return False


@admin.register(Tender)
class TenderAdmin(ReadOnly):
    """Tenders, with a look-up for chosen ones."""

    list_display = ("display_title", "source", "province", "detailed_category", "data_quality_score", "closes_at")
    list_filter = ("source", "type_class", "enriched_at")
    search_fields = ("words",)
    exclude = ("words",)
    actions = ("enrich_again",)

    def get_queryset(self, request: HttpRequest) -> TenderQuerySet:
        """Leave the long texts in the database."""
        found: TenderQuerySet = super().get_queryset(request)
        return found.select_related("publication").defer("words")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Tender], search_term: str
    ) -> tuple[QuerySet[Tender], bool]:
        """Search by the index of words, as the public list does."""
        found: Any = queryset
        return found.search(search_term), False

    def has_sync_permission(self, request: HttpRequest) -> bool:
        """Whether this person may start jobs."""
        return request.user.has_perm("tenders.sync_tenders")

    @admin.action(description="Look up again", permissions=["sync"])
    def enrich_again(self, request: HttpRequest, chosen: QuerySet[Tender]) -> None:
        """Start a look-up for each chosen tender."""
        ocids = list(chosen.values_list("ocid", flat=True)[:1000])
        each = [jobs.Event(name=events.ENRICH, data={"ocid": ocid, "force": True}) for ocid in ocids]
        with transaction.atomic():
            jobs.send_sync(each)
        messages.success(request, f"{len(each)} tender{'s are' if len(each) != 1 else ' is'} looked up again.")


@admin.register(Release)
class ReleaseAdmin(ReadOnly):
    """Releases, word for word."""

    list_display = ("ocid", "release_id", "source", "released_at", "received_at")
    list_filter = ("source",)
    search_fields = ("ocid__startswith",)
    exclude = ("digest",)
    ordering = ("-pk",)


@admin.register(SavedSearch)
class SavedSearchAdmin(admin.ModelAdmin):
    """Everybody's saved searches."""

    list_display = ("name", "owner", "email", "active", "checked_until")
    list_filter = ("active",)
    list_select_related = ("owner",)
    search_fields = ("name", "email", "q")
    raw_id_fields = ("owner",)
    readonly_fields = ("created_at", "checked_until")
