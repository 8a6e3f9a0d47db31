"""Accounts, opportunities, the transcripts of their calls, and the contacts made from them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Coalesce, Concat, Lower
from django.urls import reverse
from django.utils import timezone

from jobs.models import Run
from jobs.models.fields import JSONTextField

SUBJECT = "transcripts.transcript/"
PARSE_SUFFIX = "-parse-transcript"


class Account(models.Model):
    """A company that buys, or may."""

    name = models.CharField(max_length=200, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class NoteType(models.TextChoices):
    """Whose call it was; each kind has a history of its own on the opportunity."""

    CUSTOMER = "customer", "Customer"
    INTERNAL = "internal", "Internal"
    PROSPECT = "prospect", "Prospect"


class Opportunity(models.Model):
    """A sale in the making."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="opportunities")
    name = models.CharField(max_length=200)
    next_step = models.TextField(blank=True, default="")
    customer_history = models.TextField(blank=True, default="")
    internal_history = models.TextField(blank=True, default="")
    prospect_history = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["account__name", "name"]
        verbose_name_plural = "opportunities"
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="opportunity_once")]

    def __str__(self) -> str:
        return f"{self.account}: {self.name}"


class Status(models.TextChoices):
    """Where one transcript is."""

    PENDING = "PENDING", "Pending"
    """Stored; its run has not begun."""
    PARSING = "PARSING", "Parsing"
    """Its run reads and parses it."""
    COMPLETED = "COMPLETED", "Completed"
    """The insights are saved."""
    FAILED = "FAILED", "Failed"
    """The error says why, in one sentence."""


OPEN = (Status.PENDING, Status.PARSING)


class TranscriptQuerySet(models.QuerySet["Transcript"]):
    """What pages and verbs ask of transcripts."""

    def without_live_run(self) -> TranscriptQuerySet:
        """Return those that no run is parsing or about to parse."""
        by_id, by_subject = _live_runs_of(OuterRef("run"), OuterRef("pk"))
        return self.filter(~Exists(by_id), ~Exists(by_subject))

    def abandoned(self) -> TranscriptQuerySet:
        """Return those that wait for a run that is not there or has ended: nothing will finish them."""
        return self.filter(status__in=OPEN).without_live_run()

    def stuck(self) -> TranscriptQuerySet:
        """Return the abandoned ones and those already marked as failed for that reason."""
        return self.filter(Q(status__in=OPEN) | Q(interrupted=True)).without_live_run()

    def search(self, words: str) -> TranscriptQuerySet:
        """Return those in which every word occurs: in the title, the file's name, the opportunity or the account."""
        found = self
        for word in words.split():
            fields = ("title", "filename", "opportunity__name", "opportunity__account__name", "gong_call_id")
            found = found.filter(Q(*((f"{field}__icontains", word) for field in fields), _connector=Q.OR))
        return found


def _live_runs_of(run: Any, pk: Any) -> tuple[models.QuerySet[Run], models.QuerySet[Run]]:
    # Runs of on_failure and of the cancel handler are about it as well, but parse nothing.
    parsing = Run.objects.live().filter(function__endswith=PARSE_SUFFIX)
    subject = Concat(Value(SUBJECT), Cast(pk, models.CharField()))
    # Two questions, and the second repeats the index's condition: else PostgreSQL would read the whole run table.
    return parsing.filter(pk=run), parsing.filter(subject=subject).exclude(subject="")


class Transcript(models.Model):
    """One sales call: its file, its words, and what was found in them."""

    Status = Status
    NoteType = NoteType

    title = models.CharField(max_length=200)
    opportunity = models.ForeignKey(
        Opportunity, null=True, blank=True, on_delete=models.SET_NULL, related_name="transcripts"
    )
    note_type = models.CharField("kind of call", max_length=8, choices=NoteType.choices, default=NoteType.CUSTOMER)
    call_date = models.DateField("day of the call", null=True, blank=True)
    source_url = models.URLField("link to the recording", max_length=500, blank=True, default="")
    gong_call_id = models.CharField(max_length=40, blank=True, default="", help_text="Up to 20 digits, as text.")
    file = models.FileField(upload_to="transcripts/%Y/%m/", max_length=200, blank=True)
    filename = models.CharField(max_length=255, blank=True, default="", help_text="As the uploader called it.")
    size = models.PositiveIntegerField(default=0, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    format = models.CharField(max_length=20, blank=True, default="")
    text = models.TextField(blank=True, default="", help_text="The call as lines `[mm:ss] Name: text`.")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    error = models.TextField(blank=True, default="", help_text="Why it failed, in one sentence for people.")
    interrupted = models.BooleanField(default=False, help_text="Its run ended without a verdict on the call.")
    insights = JSONTextField(null=True)
    raw_answer = models.TextField(blank=True, default="", help_text="What the parser answered, word for word.")
    parsed_by = models.CharField(max_length=40, blank=True, default="")
    model = models.CharField(max_length=100, blank=True, default="")
    parsed_at = models.DateTimeField(null=True, blank=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    uploaded_at = models.DateTimeField(default=timezone.now)
    run = models.UUIDField(null=True, blank=True, help_text="The run that may write here; a newer one takes its place.")

    objects = TranscriptQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at", "-pk"]
        permissions = [("retry_transcript", "Can retry parsing")]
        constraints = [
            models.UniqueConstraint(fields=["sha256"], condition=~Q(sha256=""), name="transcript_file_once"),
            models.UniqueConstraint(
                fields=["gong_call_id"], condition=~Q(gong_call_id=""), name="transcript_call_once"
            ),
        ]
        indexes = [
            models.Index(fields=["-uploaded_at", "-id"], name="transcript_newest"),
            models.Index(fields=["run"], name="transcript_run"),
            # The sweep for abandoned ones runs with every page, so it must stay small.
            models.Index(fields=["status"], condition=Q(status__in=["PENDING", "PARSING"]), name="transcript_open"),
            models.Index(fields=["id"], condition=Q(interrupted=True), name="transcript_interrupted"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the address of its insights page."""
        return reverse("transcripts:detail", args=[self.pk])

    @property
    def subject(self) -> str:
        """What its runs carry as their subject."""
        return f"{SUBJECT}{self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether a run is to finish it."""
        return self.status in OPEN

    @property
    def held_on(self) -> Any:
        """The day of the call; without one, the day it came in."""
        return self.call_date or self.uploaded_at.date()

    @property
    def is_local(self) -> bool:
        """Whether the insights were found without a model."""
        return self.parsed_by == "local"

    def live_run(self) -> UUID | None:
        """Return the run that parses it now, if any."""
        by_id, by_subject = _live_runs_of(self.run, Value(self.pk))
        return (by_id | by_subject).order_by("-pk").values_list("pk", flat=True).first()


class Role(models.TextChoices):
    """What part a person plays in the decision."""

    DECISION_MAKER = "decision_maker", "Decision maker"
    INFLUENCER = "influencer", "Influencer"
    CHAMPION = "champion", "Champion"
    BLOCKER = "blocker", "Blocker"
    END_USER = "end_user", "End user"


class Contact(models.Model):
    """A person to stay in touch with, imported from the people of a call."""

    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE, related_name="contacts")
    name = models.CharField(max_length=200)
    organization = models.CharField(max_length=200, blank=True, default="")
    role = models.CharField(max_length=200, blank=True, default="")
    classified_role = models.CharField(max_length=20, choices=Role.choices, blank=True, default="")
    transcript = models.ForeignKey(
        Transcript, null=True, blank=True, on_delete=models.SET_NULL, related_name="contacts"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"), Lower("organization"), Coalesce("account_id", Value(0)), name="contact_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.organization})" if self.organization else self.name
