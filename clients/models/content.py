"""What is written for a client: the queries people may ask, and briefs for content."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from clients.models.client import Client

BRIEF = "clients.contentbrief/"


class Query(models.Model):
    """A question that people may put to a search engine or a chatbot."""

    class Intent(models.TextChoices):
        """What somebody wants who asks it."""

        INFORMATIONAL = "informational", "Informational"
        NAVIGATIONAL = "navigational", "Navigational"
        TRANSACTIONAL = "transactional", "Transactional"
        COMMERCIAL = "commercial", "Commercial"
        LOCAL = "local", "Local"
        SUPPORT = "support", "Support"
        EDUCATIONAL = "educational", "Educational"
        OPINION = "opinion", "Opinion"

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="queries")
    text = models.CharField(max_length=500)
    keyword = models.CharField(max_length=200)
    intent = models.CharField(max_length=13, choices=Intent.choices)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["keyword", "intent", "pk"]
        verbose_name_plural = "queries"
        constraints = [models.UniqueConstraint(fields=["client", "text"], name="query_once")]

    def __str__(self) -> str:
        return self.text


class ContentBrief(models.Model):
    """What somebody who writes needs to know: sections with their points, written one by one."""

    class Status(models.TextChoices):
        """Where the brief is."""

        PENDING = "PENDING", "Waiting"
        WRITING = "WRITING", "Being written"
        COMPLETED = "COMPLETED", "Completed"
        FAILED = "FAILED", "Failed"

    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.CASCADE, related_name="briefs")
    title = models.CharField(max_length=200)
    keywords = models.JSONField(blank=True, default=list)
    purpose = models.TextField(blank=True, default="")
    audience = models.TextField(blank=True, default="")
    platforms = models.JSONField(blank=True, default=list)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    error = models.TextField(blank=True, default="", help_text="Why it failed, in one sentence for people.")
    sections = models.JSONField(blank=True, default=list, help_text="Each with heading, summary and points.")
    planned = models.PositiveSmallIntegerField(default=0, help_text="How many sections it will have.")
    model = models.CharField(max_length=100, blank=True, default="")
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    run = models.UUIDField(null=True, blank=True, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("clients:brief", args=[self.pk])

    @property
    def subject(self) -> str:
        """What its runs carry as their subject."""
        return f"{BRIEF}{self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether a run is to finish it."""
        return self.status in (self.Status.PENDING, self.Status.WRITING)

    @property
    def written(self) -> int:
        """How many of its sections are written."""
        return len(self.sections)


class ClientUser(models.Model):
    """Somebody of the client's own people, who may see its page."""

    class Role(models.TextChoices):
        """What they may do with their client."""

        VIEWER = "viewer", "Viewer"
        """Read its page."""
        EDITOR = "editor", "Editor"
        """Read and edit its page."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="client_memberships")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="users")
    role = models.CharField(max_length=6, choices=Role.choices)
    invited_at = models.DateTimeField(null=True, blank=True, help_text="When the invitation was mailed.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["user__last_name", "user__first_name", "pk"]
        permissions = [("invite_clientuser", "Can invite users of clients")]
        constraints = [models.UniqueConstraint(fields=["user", "client"], name="client_user_once")]

    def __str__(self) -> str:
        return f"{self.user} of {self.client}"
