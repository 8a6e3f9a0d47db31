"""Worker processes and the heartbeats that say they live."""

from django.db import models


class Worker(models.Model):
    """One worker process. The table is unlogged: after a database crash it is empty, which means unknown, not dead."""

    id = models.UUIDField(primary_key=True, help_text="Fresh at each start of a process, never its pid.")
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    slots = models.IntegerField(default=0)
    busy = models.IntegerField(default=0)
    starving = models.IntegerField(default=0, help_text="Threads that have waited long for a database connection.")
    stuck_seconds = models.FloatField(default=0, help_text="For how long it has not come round to take runs.")
    version = models.CharField(max_length=40, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"
