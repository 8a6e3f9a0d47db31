"""Cron triggers as rows: when each ticks next."""

from django.db import models


class Schedule(models.Model):
    """One cron trigger of one function; rows follow the code at each start of a worker."""

    function = models.CharField(max_length=200)
    cron = models.CharField(max_length=100)
    timezone = models.CharField(max_length=64, default="UTC")
    next_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True)
    last_run = models.UUIDField(null=True)
    paused = models.BooleanField(default=False, help_text="Its ticks start nothing and are not caught up.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["function", "cron", "timezone"], name="schedule_once")]
        indexes = [models.Index(fields=["next_at"], name="schedule_due")]

    def __str__(self) -> str:
        return f"{self.function} {self.cron}"
