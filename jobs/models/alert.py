"""What people were told of failures, so that they are not told the same every second."""

from django.db import models


class Alert(models.Model):
    """One kind of failure on one channel: when it was last told, and how many have waited since."""

    key = models.CharField(primary_key=True, max_length=40, help_text="sha1 of channel, function and error.")
    told_at = models.DateTimeField()
    waiting = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.key
