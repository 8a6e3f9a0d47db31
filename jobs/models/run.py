"""Runs: the table that is the queue, and the moves a run may make."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from jobs import clock
from jobs.models.event import Event
from jobs.models.fields import JSONTextField
from jobs.types import ENDED, ENTERED_FROM, LIVE, Status


def database_now() -> RawSQL:
    """Return the database's engine time, for updates through the ORM."""
    return RawSQL(clock.sql("{now}"), (), output_field=models.DateTimeField())


def database_rank() -> RawSQL:
    """Return the place of a run that is due now, for updates through the ORM; NULL where no priority moves it."""
    place = "CASE WHEN priority <> 0 THEN {now} - interval '1 second' * priority END"
    return RawSQL(clock.sql(place), (), output_field=models.DateTimeField())


class RunQuerySet(models.QuerySet["Run"]):
    """The verbs that move runs; each is one compare-and-set."""

    def live(self) -> RunQuerySet:
        """Return the runs that have not ended."""
        return self.filter(status__in=LIVE)

    def ended(self) -> RunQuerySet:
        """Return the runs that have ended."""
        return self.filter(status__in=ENDED)

    def about(self, subject: str) -> RunQuerySet:
        """Return the runs of one product object, newest first; `subject` is `app.model/pk`."""
        return self.filter(subject=subject).order_by("-id")

    def move(self, pk: Any, *, to: Status, **changes: Any) -> bool:
        """Move one run, taking it from whoever holds its lease. False means that it is in no state to go there."""
        allowed = self.filter(pk=pk, status__in=ENTERED_FROM[to])
        rank = database_rank() if to == Status.QUEUED else None
        return allowed.update(status=to, lease=models.F("lease") + 1, rank=rank, **changes) == 1


class Run(models.Model):
    """One durable run of a function."""

    Status = Status

    id = models.UUIDField(primary_key=True)
    function = models.CharField(max_length=200)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.QUEUED)
    run_at = models.DateTimeField(null=True, help_text="When it is due; empty while it runs and once it has ended.")
    rank = models.DateTimeField(null=True, help_text="Its place among due runs, where a priority moves it.")
    priority = models.SmallIntegerField(default=0, help_text="Seconds by which it counts as queued earlier.")
    lease = models.IntegerField(default=0, help_text="Grows with each claim and fences the writes of earlier ones.")
    worker = models.UUIDField(null=True, help_text="The worker process that holds or last held the lease.")
    attempt = models.SmallIntegerField(default=0, help_text="Failed attempts since a step last finished.")
    crashes = models.SmallIntegerField(default=0, help_text="Workers that died with it since it last made progress.")
    steps = models.IntegerField(default=0, help_text="Finished steps when it was last settled.")
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    trigger = models.CharField(max_length=255, help_text="The name of the event that started it.")
    subject = models.CharField(
        max_length=200, blank=True, default="", help_text="The object it is about: app.model/pk."
    )
    current_step = models.CharField(max_length=255, blank=True, default="")
    progress = JSONTextField(null=True, help_text="What the function last said: done, total and message.")
    output = JSONTextField(null=True)
    error = JSONTextField(null=True, help_text="code, name, message, stack and, where a step failed it, step.")
    rerun_of = models.UUIDField(null=True)
    events = models.ManyToManyField(Event, through="RunEvent", related_name="runs")

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="run_ended_iff_terminal",
                condition=Q(status__in=ENDED, ended_at__isnull=False) | Q(status__in=LIVE, ended_at__isnull=True),
            ),
            models.CheckConstraint(
                name="run_due_iff_pending",
                condition=Q(run_at__isnull=True) | Q(status__in=[Status.QUEUED, Status.SLEEPING, Status.WAITING]),
            ),
        ]
        indexes = [
            # The order of this index is the order of the claim, so a claim costs the same however many wait behind.
            models.Index(name="run_due", fields=["run_at", "id"], condition=Q(run_at__isnull=False, rank__isnull=True)),
            models.Index(name="run_ranked", fields=["rank", "id"], condition=Q(rank__isnull=False)),
            models.Index(name="run_held", fields=["worker"], condition=Q(status=Status.RUNNING)),
            models.Index(name="run_about", fields=["subject", "-id"], condition=~Q(subject="")),
            models.Index(name="run_failed", fields=["-id"], condition=Q(status=Status.FAILED)),
            # For the console. Of ended runs only, so that a run is written into them once, when it ends.
            models.Index(name="run_of_function", fields=["function", "-id"], condition=Q(ended_at__isnull=False)),
            models.Index(
                name="run_stopped", fields=["-id"], condition=Q(status__in=[Status.CANCELLED, Status.SKIPPED])
            ),
        ]
        permissions = [
            ("retry_run", "Can retry and run again"),
            ("cancel_run", "Can cancel runs"),
            ("send_event", "Can send events"),
            ("view_payload", "Can see event data, outputs and logs"),
        ]

    def __str__(self) -> str:
        return f"{self.function} {str(self.id)[-8:]}"

    @property
    def is_live(self) -> bool:
        """Whether it has not ended."""
        return self.status in LIVE

    @property
    def duration(self) -> float | None:
        """Seconds from its first start to its end, or to now."""
        if self.started_at is None:
            return None
        return max(0.0, ((self.ended_at or clock.now()) - self.started_at).total_seconds())


class RunEvent(models.Model):
    """One event of a run; a batch has many, in order."""

    # No database constraints towards runs and events: a check per row would lock the parent rows in every send.
    pk = models.CompositePrimaryKey("run_id", "position")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    event = models.ForeignKey(Event, on_delete=models.DO_NOTHING, db_constraint=False)
    position = models.SmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.event_id} of {self.run_id}"
