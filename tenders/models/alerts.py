"""Saved searches, and which tenders each has been told about."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class SavedSearch(models.Model):
    """A question that is asked again after each sync; its owner hears of each new match once."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=100)
    email = models.EmailField()
    q = models.CharField("words", max_length=200, blank=True)
    category = models.CharField(max_length=200, blank=True)
    province = models.CharField(max_length=100, blank=True)
    buyer = models.CharField(max_length=200, blank=True)
    value_from = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    value_to = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, help_text="Tenders seen before are no news.")
    checked_until = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "pk"]
        verbose_name_plural = "saved searches"

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """One tender that one search found; `mailed_at` says that its owner knows."""

    search = models.ForeignKey(SavedSearch, on_delete=models.CASCADE, related_name="alerts")
    tender = models.ForeignKey("tenders.Tender", on_delete=models.CASCADE, related_name="alerts")
    found_at = models.DateTimeField(default=timezone.now)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["search", "tender"], name="alert_once")]
        indexes = [models.Index(fields=["search"], name="alert_to_mail", condition=models.Q(mailed_at=None))]

    def __str__(self) -> str:
        return f"{self.search_id}: {self.tender_id}"
