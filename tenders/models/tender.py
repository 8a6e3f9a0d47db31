"""Tenders, the releases they were read from, and who published those."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Left
from django.urls import reverse
from django.utils import timezone

from tenders.ocds import dialects

# What a look-up may fill where the release has nothing.
ENRICHED = (
    "detailed_category",
    "province",
    "delivery_location",
    "special_conditions",
    "contact_name",
    "contact_email",
    "contact_phone",
    "has_briefing",
    "briefing_compulsory",
    "briefing_at",
    "briefing_venue",
    "tender_type",
    "type_class",
    "documents",
    "organ_type",
    "e_submission",
    "value_low",
    "value_high",
    "city",
)
# What a tender is worth at most and at least; where only one bound is known, it is both.
MOST = Coalesce("value_high", "value_low")
LEAST = Coalesce("value_low", "value_high")
# PostgreSQL refuses more than 1 MB of words in one row, and nobody searches the end of an annex.
_SEARCHED = 20_000


class Publication(models.Model):
    """A publisher and the licence its data came under."""

    publisher = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["publisher", "licence"], name="publication_once")]

    def __str__(self) -> str:
        return self.publisher or "Unknown publisher"


class TenderQuerySet(models.QuerySet["Tender"]):
    """What can be asked about tenders."""

    def search(self, words: str) -> TenderQuerySet:
        """Return those with all of these words; quotes, `or` and `-` work as people know them from the web."""
        return self.filter(words=SearchQuery(words, config="english", search_type="websearch")) if words else self

    def bought_by(self, buyer: str) -> TenderQuerySet:
        """Return those of buyers with these words in their name."""
        if not buyer:
            return self
        named = self.annotate(buyer_words=SearchVector("buyer", config="simple"))
        return named.filter(buyer_words=SearchQuery(buyer, config="simple", search_type="plain"))

    def worth(self, least: Decimal | None, most: Decimal | None) -> TenderQuerySet:
        """Return those whose value, or whose range, can lie between two sums; without either they are left out."""
        found = self if least is None else self.annotate(most=MOST).filter(most__gte=least)
        return found if most is None else found.annotate(least=LEAST).filter(least__lte=most)

    def closing_within(self, days: int) -> TenderQuerySet:
        """Return those that can still be answered, for at most so many days."""
        now = timezone.now()
        return self.filter(closes_at__gte=now, closes_at__lt=now + timedelta(days=days))

    def newest_first(self) -> TenderQuerySet:
        """Order by the day of the release; undated ones come last."""
        return self.order_by(F("released_at").desc(nulls_last=True), "-pk")

    def to_enrich(self, source: str, *, again: bool = False) -> TenderQuerySet:
        """Return those that no look-up has been tried for yet."""
        found = self.filter(source=source)
        return found if again else found.filter(enriched_at=None)


class Tender(models.Model):
    """One contracting process as its releases tell it together, with what look-ups filled in."""

    ocid = models.CharField(max_length=200, unique=True)
    source = models.CharField(max_length=40)
    publication = models.ForeignKey(Publication, null=True, on_delete=models.PROTECT, related_name="tenders")
    release_id = models.CharField(max_length=200, help_text="The newest release that these fields come from.")
    released_at = models.DateTimeField(null=True, blank=True)
    tag = models.CharField(max_length=80, blank=True)
    number = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=500, blank=True)
    display_title = models.CharField(max_length=80, blank=True)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=40, blank=True)
    buyer = models.CharField(max_length=300, blank=True)
    organ_type = models.CharField("kind of buyer", max_length=40, blank=True)
    category = models.CharField(max_length=40, blank=True, help_text="goods, works or services.")
    detailed_category = models.CharField(max_length=200, blank=True)
    tender_type = models.CharField(max_length=200, blank=True)
    type_class = models.CharField("class", max_length=20, blank=True)
    e_submission = models.BooleanField(null=True, blank=True)
    value = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    value_low = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    value_high = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    province = models.CharField(max_length=100, blank=True)
    city = models.CharField(max_length=100, blank=True)
    delivery_location = models.CharField(max_length=500, blank=True)
    special_conditions = models.TextField(blank=True)
    contact_name = models.CharField(max_length=200, blank=True)
    contact_email = models.CharField(max_length=254, blank=True)
    contact_phone = models.CharField(max_length=60, blank=True)
    has_briefing = models.BooleanField(null=True, blank=True)
    briefing_compulsory = models.BooleanField(null=True, blank=True)
    briefing_at = models.DateTimeField(null=True, blank=True)
    briefing_venue = models.CharField(max_length=500, blank=True)
    documents = models.JSONField(default=list, blank=True)
    awards = models.JSONField(default=list, blank=True)
    suppliers = models.TextField(blank=True, help_text="Who was awarded, by name.")
    data_quality_score = models.PositiveSmallIntegerField(default=0)
    filled_by = models.JSONField(default=dict, blank=True, help_text="Which look-up filled which field.")
    enriched_at = models.DateTimeField(null=True, blank=True)
    enrichment_note = models.CharField(max_length=200, blank=True)
    first_seen_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    words = models.GeneratedField(
        # Lists go by date, not by rank, so there are no weights: one call costs a third of several.
        expression=SearchVector(
            *("title", "number", "buyer", "detailed_category", "province", "city"),
            Left("description", _SEARCHED),
            Left("suppliers", _SEARCHED),
            config="english",
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = TenderQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        permissions = [("sync_tenders", "Can start and cancel tender jobs")]
        indexes = [
            models.Index(F("released_at").desc(nulls_last=True), F("id").desc(), name="tender_newest"),
            models.Index("source", F("released_at").desc(nulls_last=True), F("id").desc(), name="tender_of_source"),
            models.Index("province", F("released_at").desc(nulls_last=True), F("id").desc(), name="tender_in_province"),
            models.Index("type_class", F("released_at").desc(nulls_last=True), name="tender_of_class"),
            models.Index(MOST, name="tender_most"),
            models.Index(LEAST, name="tender_least"),
            models.Index("detailed_category", F("released_at").desc(nulls_last=True), name="tender_in_category"),
            models.Index(fields=["closes_at", "id"], name="tender_closing"),
            models.Index(fields=["first_seen_at"], name="tender_first_seen"),
            models.Index(fields=["source", "released_at"], name="tender_unenriched", condition=Q(enriched_at=None)),
            GinIndex(fields=["words"], name="tender_words"),
            GinIndex(SearchVector("buyer", config="simple"), name="tender_buyer_words"),
        ]

    def __str__(self) -> str:
        return self.display_title or self.ocid

    def get_absolute_url(self) -> str:
        """Return the address of its public page."""
        return reverse("tenders:detail", args=[self.ocid])

    def local(self, moment: object) -> object:
        """Return a point in time on the clocks of its source."""
        return moment.astimezone(dialects.zone_of(self.source)) if moment else None  # type: ignore[attr-defined]

    @property
    def is_open(self) -> bool:
        """Whether it can still be answered."""
        return self.closes_at is not None and self.closes_at > timezone.now()


class Release(models.Model):
    """One release word for word; `digest` tells whether it came again unchanged."""

    ocid = models.CharField(max_length=200)
    release_id = models.CharField(max_length=200)
    source = models.CharField(max_length=40)
    publication = models.ForeignKey(Publication, null=True, on_delete=models.PROTECT, related_name="releases")
    released_at = models.DateTimeField(null=True, help_text="Empty if the release has no date; never the time it came.")
    received_at = models.DateTimeField(default=timezone.now)
    digest = models.BinaryField(max_length=20)
    raw = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ocid", "release_id"], name="release_once")]

    def __str__(self) -> str:
        return f"{self.ocid} {self.release_id}"
