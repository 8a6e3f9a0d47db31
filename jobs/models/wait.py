"""What live runs wait for, and what has come for them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from jobs import serialize
from jobs.models.fields import JSONTextField
from jobs.types import SIGNAL_SENT


class Wait(models.Model):
    """One event name that a step waits for, or that cancels a run; deleted when it was met or the run has ended."""

    run = models.UUIDField()
    step = models.CharField(max_length=40, blank=True, default="", help_text="The step's journal key; empty: cancels.")
    event = models.CharField(max_length=255)
    expression = models.TextField(blank=True, default="")
    # What an index can answer of the expression; see jobs.matching.
    path = models.CharField(max_length=200, blank=True, default="")
    value = models.CharField(max_length=200, blank=True, default="")
    registered_at = models.DateTimeField()
    since = models.DateTimeField(help_text="No event received before this can have been unseen when it registered.")
    snapshot = models.TextField(help_text="What was visible when it was registered: whatever was not has come later.")
    unsure = ArrayField(
        models.TextField(), null=True, help_text="Senders that may not have seen it yet and have not committed."
    )
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(name="wait_by_event", fields=["event", "path", "value"]),
            models.Index(name="wait_by_run", fields=["run", "step"]),
        ]

    def __str__(self) -> str:
        return self.event

    @property
    def signal(self) -> str:
        """The signal it waits for; empty if it is another event."""
        return str(serialize.loads(self.value)) if self.event == SIGNAL_SENT and self.value else ""


class Delivery(models.Model):
    """What came for a live run, stored with the sender's rows; a worker hands it over as soon as it is committed."""

    run = models.UUIDField()
    step = models.CharField(max_length=40, blank=True, default="", help_text="The step's journal key; empty: cancels.")
    event = models.UUIDField(null=True, help_text="The event that was waited for, or that cancels.")
    output = JSONTextField(null=True)
    error = JSONTextField(null=True, help_text="How an invoked run failed.")

    class Meta:
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"for {self.run}"
