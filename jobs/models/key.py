"""Keys with which other programs send events and read results."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models

from jobs import clock

PREFIX_LENGTH = 8
_TOUCH_EVERY = timedelta(minutes=1)


class Scope(models.TextChoices):
    """What a key may do with the engine; the label of a product's app is a scope as well."""

    SEND = "send", "Send events"
    READ = "read", "Read events, runs and metrics"
    ACT = "act", "Send signals and cancel runs"
    PROTECTED = "protected", "Send protected events"
    EVERYTHING = "everything", "Everything"
    """What keys held before there were scopes; new ones name what they may."""


def send_only() -> list[str]:
    """Return what a key may do that was given nothing else."""
    return [Scope.SEND.value]


class EventKey(models.Model):
    """One key, stored hashed and shown once."""

    name = models.CharField(max_length=100, unique=True)
    hash = models.CharField(max_length=64, editable=False)
    prefix = models.CharField(max_length=PREFIX_LENGTH, db_index=True, editable=False)
    active = models.BooleanField(default=True)
    scopes = ArrayField(models.CharField(max_length=100), default=send_only, help_text="What it may do.")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "event key"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def make(cls, name: str, scopes: Iterable[str] = (Scope.SEND,)) -> tuple[Self, str]:
        """Create a key that may do this, and return it with its secret, which is never to be seen again."""
        secret = secrets.token_urlsafe(32)
        held = sorted(str(scope) for scope in scopes)
        key = cls.objects.create(name=name, hash=_hash(secret), prefix=secret[:PREFIX_LENGTH], scopes=held)
        return key, secret

    def may(self, scope: str) -> bool:
        """Whether it may do this."""
        return scope in self.scopes or Scope.EVERYTHING in self.scopes

    @classmethod
    def find(cls, secret: str) -> Self | None:
        """Return the active key with this secret, comparing in constant time, and note that it was used."""
        digest = _hash(secret)
        for key in cls.objects.filter(prefix=secret[:PREFIX_LENGTH], active=True):
            if hmac.compare_digest(key.hash, digest):
                key._touch()
                return key
        return None

    def _touch(self) -> None:
        # Once a minute is enough for a person to see, and keeps a busy key from becoming a hot row.
        if self.last_used_at is None or clock.now() - self.last_used_at > _TOUCH_EVERY:
            type(self).objects.filter(pk=self.pk).update(last_used_at=clock.now())


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
