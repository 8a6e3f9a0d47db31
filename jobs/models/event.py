"""Events as they came in, and the ids that keep one from counting twice."""

from django.db import models

from jobs.models.fields import JSONTextField
from jobs.types import Event as EventValue
from jobs.types import Source


class Event(models.Model):
    """One event; kept until retention prunes it."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=255)
    data = JSONTextField(default=dict)
    ts = models.BigIntegerField(help_text="When it happened, in milliseconds since 1970.")
    received_at = models.DateTimeField()
    external_id = models.CharField(max_length=255, blank=True, default="")
    duplicate = models.BooleanField(default=False, help_text="Its id had been seen within 24 hours: it starts nothing.")
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.EVENT)
    note = models.TextField(blank=True, default="", help_text="Why it did not start a function, one in each line.")
    sender = models.CharField(max_length=100, blank=True, default="", help_text="The key or the person it came from.")
    transaction = models.BigIntegerField(
        null=True, help_text="Which database transaction stored it: tells whether a wait had seen it."
    )

    class Meta:
        indexes = [models.Index(fields=["name", "-received_at"], name="event_by_name")]

    def __str__(self) -> str:
        return f"{self.name} {str(self.id)[-8:]}"

    def as_value(self) -> EventValue:
        """Return it as functions see it."""
        return EventValue.model_construct(
            name=self.name, data=self.data, id=self.external_id or str(self.pk), ts=self.ts
        )


class SeenId(models.Model):
    """An event id that was seen: until `expires_at`, another event with it is a duplicate."""

    id = models.CharField(primary_key=True, max_length=255)
    event = models.UUIDField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id
