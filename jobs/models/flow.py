"""What flow control remembers: when each throttled key may go on, and which functions are paused."""

from django.db import models


class Throttle(models.Model):
    """The theoretical arrival time of the next start under a key, as the generic cell rate algorithm has it."""

    key = models.CharField(primary_key=True, max_length=255)
    arrival = models.DateTimeField()
    wake_at = models.DateTimeField(null=True, help_text="When runs that wait for this key are to be looked at again.")

    class Meta:
        indexes = [
            models.Index(name="throttle_wake", fields=["wake_at"], condition=models.Q(wake_at__isnull=False)),
            models.Index(name="throttle_old", fields=["arrival"]),
        ]

    def __str__(self) -> str:
        return self.key


class FreedKey(models.Model):
    """A key that has got room, for the next claim to look who waits behind it."""

    key = models.CharField(max_length=255)

    def __str__(self) -> str:
        return self.key


class FunctionState(models.Model):
    """What people changed about a function; the code says all else."""

    id = models.CharField(primary_key=True, max_length=200)
    paused = models.BooleanField(default=False)
    paused_at = models.DateTimeField(null=True)
    paused_by = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        permissions = [("pause_function", "Can pause and resume functions")]

    def __str__(self) -> str:
        return self.id
