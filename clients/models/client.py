"""A client, the fields that a model may fill, and its competitors."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from clients import domains
from clients.models.fields import ENRICHED, By, Focus

SUBJECT = "clients.client/"


class AIStatus(models.TextChoices):
    """Where the enrichment of one client is."""

    PENDING = "PENDING", "Not enhanced"
    """No model has been asked, or its answers were cleared."""
    PROCESSING = "PROCESSING", "Enhancing"
    """A run is at work, or will be as soon as a worker is free."""
    COMPLETED = "COMPLETED", "Enhanced"
    """The answer is stored."""
    FAILED = "FAILED", "Failed"
    """The error says why, in one sentence."""


class ClientQuerySet(models.QuerySet["Client"]):
    """What pages ask of clients."""

    def search(self, words: str) -> ClientQuerySet:
        """Return those in which every word occurs: in the name, the domain, the keywords or the industries."""
        found = self
        for word in words.split():
            fields = ("name", "domain", "keywords", "industry_primary", "sub_industry")
            found = found.filter(Q(*((f"{field}__icontains", word) for field in fields), _connector=Q.OR))
        return found


class Client(models.Model):
    """A company we work for. `filled_by` has an entry for each filled field: `person` or `model`."""

    name = models.CharField(max_length=200, unique=True)
    domain = models.CharField(max_length=253, blank=True, default="", help_text="As in example.com.")
    keywords = models.JSONField(blank=True, default=list)

    industry_primary = models.CharField(max_length=200, blank=True, default="")
    industry_secondary = models.CharField(max_length=200, blank=True, default="")
    sub_industry = models.CharField("sub-industry", max_length=200, blank=True, default="")
    business_model = models.CharField(max_length=200, blank=True, default="")
    geographic_focus = models.CharField(max_length=8, choices=Focus.choices, blank=True, default="")
    target_audience = models.JSONField(blank=True, default=list)
    key_products = models.JSONField(blank=True, default=list)
    unique_selling_props = models.JSONField("unique selling propositions", blank=True, default=list)
    geographic_regions = models.JSONField(blank=True, default=list)
    brand_voice = models.JSONField(blank=True, default=list)
    customer_problems = models.JSONField(blank=True, default=list)
    use_cases = models.JSONField(blank=True, default=list)
    industry_terminology = models.JSONField(blank=True, default=list)
    regulatory_considerations = models.JSONField(blank=True, default=list)
    filled_by = models.JSONField(blank=True, default=dict, help_text="Per filled field: person or model.")

    ai_status = models.CharField(max_length=10, choices=AIStatus.choices, default=AIStatus.PENDING)
    ai_error = models.TextField(blank=True, default="", help_text="Why it failed, in one sentence for people.")
    ai_enhanced_at = models.DateTimeField(null=True, blank=True)
    ai_enhancement_count = models.PositiveIntegerField(default=0)
    ai_model = models.CharField(max_length=100, blank=True, default="", help_text="The model that answered last.")
    ai_input_tokens = models.PositiveBigIntegerField(default=0, help_text="Of all enhancements together.")
    ai_output_tokens = models.PositiveBigIntegerField(default=0, help_text="Of all enhancements together.")
    run = models.UUIDField(null=True, blank=True, help_text="The run that enhances it; a newer one takes its place.")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ClientQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        permissions = [("enhance_client", "Can have clients enhanced by AI")]
        constraints = [models.UniqueConstraint(fields=["domain"], condition=~Q(domain=""), name="client_domain_once")]
        indexes = [
            models.Index(fields=["run"], name="client_run"),
            models.Index(fields=["ai_status", "name"], name="client_by_status"),
            models.Index(fields=["-ai_enhanced_at"], name="client_enhanced"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("clients:detail", args=[self.pk])

    @property
    def subject(self) -> str:
        """What its runs carry as their subject."""
        return f"{SUBJECT}{self.pk}"

    @property
    def shown_domain(self) -> str:
        """The domain as people read it."""
        return domains.shown(self.domain)

    @property
    def is_processing(self) -> bool:
        """Whether a run is to finish it."""
        return self.ai_status == AIStatus.PROCESSING

    @property
    def by_model(self) -> list[str]:
        """The fields that a model filled."""
        return [name for name in ENRICHED if self.filled_by.get(name) == By.MODEL]

    def enter(self, values: dict[str, Any]) -> list[str]:
        """Set fields as a person's; returns the names of those that changed. An emptied field is nobody's again."""
        changed = [name for name, value in values.items() if getattr(self, name) != value]
        for name in changed:
            setattr(self, name, values[name])
        for name in changed:
            if name in ENRICHED and values[name]:
                self.filled_by[name] = By.PERSON.value
            elif name in ENRICHED:
                self.filled_by.pop(name, None)
        return changed

    def fill(self, values: dict[str, Any]) -> list[str]:
        """Set fields as a model's, except those that a person filled; returns the names of those that it filled."""
        open_fields = [name for name, value in values.items() if value and self.filled_by.get(name) != By.PERSON]
        for name in open_fields:
            setattr(self, name, values[name])
            self.filled_by[name] = By.MODEL.value
        return open_fields


class Competitor(models.Model):
    """Somebody else who sells to the same people."""

    class Source(models.TextChoices):
        """Who named it."""

        MANUAL = "MANUAL", "A person"
        AI = "AI", "AI"

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="competitors")
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=253, help_text="As in example.com.")
    source = models.CharField(max_length=6, choices=Source.choices, default=Source.MANUAL)
    data = models.JSONField(blank=True, default=dict, help_text="What else is known about it.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-source", "name"]
        constraints = [
            models.UniqueConstraint(fields=["client", "domain"], name="competitor_once"),
            models.CheckConstraint(condition=~Q(domain=""), name="competitor_has_domain"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_domain(self) -> str:
        """The domain as people read it."""
        return domains.shown(self.domain)
