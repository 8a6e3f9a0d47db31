"""The repositories that somebody has added, and the people who write in them."""

from __future__ import annotations

from datetime import timedelta

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from pulls.models.choices import Level

STALE_AFTER = timedelta(days=3)
_NAME = RegexValidator(r"\A[A-Za-z0-9._-]+\Z", "Letters, digits, dots, hyphens and underscores only.")


class RepositoryQuerySet(models.QuerySet["Repository"]):
    """What can be asked about repositories."""

    def active(self) -> RepositoryQuerySet:
        """Return those that are switched on."""
        return self.filter(active=True)

    def stale(self) -> RepositoryQuerySet:
        """Return those whose last complete sync is too long ago, or never was."""
        return self.filter(Q(last_synced_at=None) | Q(last_synced_at__lt=timezone.now() - STALE_AFTER))

    def named(self, owner: str, name: str) -> RepositoryQuerySet:
        """Return the one with this name; GitHub takes no notice of capitals."""
        return self.filter(owner__iexact=owner, name__iexact=name)


class Repository(models.Model):
    """A repository, asked for once it is active. Our key is `id`; GitHub's is `github_id`."""

    owner = models.CharField(max_length=100, validators=[_NAME])
    name = models.CharField(max_length=100, validators=[_NAME])
    github_id = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)
    active = models.BooleanField(default=False, help_text="Nothing is asked of GitHub before this is on.")
    priority = models.CharField(max_length=8, choices=Level.choices, default=Level.MEDIUM)
    sync_every = models.PositiveIntegerField(
        default=6, validators=[MinValueValidator(1)], help_text="Hours between two syncs on schedule."
    )
    last_synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    known_since = models.DateTimeField(
        null=True, editable=False, help_text="Everything that was updated from here to `known_until` is stored."
    )
    known_until = models.DateTimeField(null=True, editable=False)
    etag = models.CharField(max_length=200, blank=True, editable=False, help_text="Of the first page of its list.")
    error = models.CharField(max_length=500, blank=True, editable=False, help_text="Why the last sync failed.")

    objects = RepositoryQuerySet.as_manager()

    class Meta:
        ordering = ["owner", "name"]
        verbose_name_plural = "repositories"
        constraints = [
            models.UniqueConstraint(
                Lower("owner"),
                Lower("name"),
                name="repository_once",
                violation_error_message="This repository is there already.",
            )
        ]
        permissions = [("run_captures", "Can start syncs and captures of pull requests")]

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    def get_absolute_url(self) -> str:
        """Return the address of its pull requests."""
        return f"{reverse('pulls:list')}?repository={self.pk}"

    @property
    def is_stale(self) -> bool:
        """Whether it is switched on and its last complete sync is too long ago."""
        synced = self.last_synced_at
        return self.active and (synced is None or synced < timezone.now() - STALE_AFTER)

    @property
    def subject(self) -> str:
        """What its runs are about."""
        return f"pulls.repository/{self.pk}"


class Contributor(models.Model):
    """A person or a bot at GitHub. A ghost, whose account is gone, has no row: authors may be null."""

    github_id = models.BigIntegerField(unique=True)
    username = models.CharField(max_length=100, help_text="May pass to somebody else; the id does not.")
    avatar_url = models.CharField(max_length=500, blank=True)
    is_bot = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index("username", name="contributor_username")]

    def __str__(self) -> str:
        return self.username
