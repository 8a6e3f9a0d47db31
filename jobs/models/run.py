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


def place(due: str, run: str = "") -> str:
    """Return SQL for a run's place among those that are due at `due`; NULL where that is its place.

    A priority moves it, and runs that have to ask before they start have a queue of their own.
    """
    prefix = f"{run}." if run else ""
    moved = f"{due} - interval '1 second' * {prefix}priority"
    return f"CASE WHEN {prefix}priority <> 0 OR {prefix}gated THEN {moved} END"


def database_rank() -> RawSQL:
    """Return the place of a run that is due now, for updates through the ORM."""
    return RawSQL(clock.sql(place("{now}")), (), output_field=models.DateTimeField())


def database_deadline() -> RawSQL:
    """Return when a run that starts anew must have ended, for updates through the ORM; NULL where it has no limit."""
    deadline = "{now} + interval '1 second' * finish_within"
    return RawSQL(clock.sql(deadline), (), output_field=models.DateTimeField())


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
        changes = {"blocked_by": None, "collecting": None, "woken": False, **changes}
        return allowed.update(status=to, lease=models.F("lease") + 1, rank=rank, **changes) == 1


class Run(models.Model):
    """One durable run of a function."""

    Status = Status

    id = models.UUIDField(primary_key=True)
    function = models.CharField(max_length=200)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.QUEUED)
    run_at = models.DateTimeField(null=True, help_text="When it is due; empty while it runs and once it has ended.")
    rank = models.DateTimeField(null=True, help_text="Its place among due runs, where that is not `run_at` itself.")
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
    parent_run = models.UUIDField(null=True, help_text="The run whose step invoked it.")
    # The database knows the defaults too, so that the insert of a plain run need not name what it does not use.
    parent_step = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="The journal key of that step."
    )
    gated = models.BooleanField(
        default=False, db_default=False, help_text="Has to ask for a slot or its turn before it starts."
    )
    concurrency_1 = models.CharField(max_length=255, null=True, help_text="The key whose slot it takes while it runs.")
    concurrency_2 = models.CharField(max_length=255, null=True, help_text="The second such key.")
    throttle_key = models.CharField(
        max_length=255, null=True, help_text="The key whose turn its first start waits for."
    )
    blocked_by = models.CharField(
        max_length=255, null=True, help_text="Due, but waiting for this key's slot or turn, or for a paused function."
    )
    collecting = models.CharField(
        max_length=255, null=True, help_text="The debounce or batch that goes on adding events to it until it starts."
    )
    collected = models.IntegerField(default=0, db_default=0, help_text="Events that a debounce or batch has added.")
    singleton_key = models.CharField(max_length=255, null=True)
    woken = models.BooleanField(default=False, db_default=False, help_text="What it waits for came while it still ran.")
    deadline = models.DateTimeField(null=True, help_text="When it is cancelled if it has not started, or ended.")
    finish_within = models.FloatField(null=True, help_text="Seconds that it may take from its first start.")
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
            # One open debounce or batch for each key, whoever sends.
            models.UniqueConstraint(
                name="run_collecting", fields=["collecting"], condition=Q(collecting__isnull=False)
            ),
        ]
        indexes = [
            # The order of this index is the order of the claim, so a claim costs the same however many wait behind.
            models.Index(name="run_due", fields=["run_at", "id"], condition=Q(run_at__isnull=False, rank__isnull=True)),
            models.Index(
                name="run_ranked",
                fields=["rank", "id"],
                condition=Q(rank__isnull=False, gated=False, blocked_by__isnull=True),
            ),
            # The same for runs with limits: first those to be looked at, then those behind each key that has no room.
            models.Index(
                name="run_gated",
                fields=["rank", "id"],
                condition=Q(rank__isnull=False, gated=True, blocked_by__isnull=True, priority=0),
            ),
            models.Index(
                name="run_gated_moved",
                fields=["rank", "id"],
                condition=Q(rank__isnull=False, gated=True, blocked_by__isnull=True) & ~Q(priority=0),
            ),
            models.Index(
                name="run_blocked", fields=["blocked_by", "rank", "id"], condition=Q(blocked_by__isnull=False)
            ),
            models.Index(name="run_held", fields=["worker"], condition=Q(status=Status.RUNNING)),
            # Slots are counted, never kept: whatever ends a run frees its slots.
            models.Index(
                name="run_slot_1",
                fields=["concurrency_1"],
                condition=Q(status=Status.RUNNING, concurrency_1__isnull=False),
            ),
            models.Index(
                name="run_slot_2",
                fields=["concurrency_2"],
                condition=Q(status=Status.RUNNING, concurrency_2__isnull=False),
            ),
            models.Index(
                name="run_singleton",
                fields=["singleton_key"],
                condition=Q(singleton_key__isnull=False, ended_at__isnull=True),
            ),
            models.Index(
                name="run_deadline", fields=["deadline"], condition=Q(deadline__isnull=False, ended_at__isnull=True)
            ),
            models.Index(name="run_children", fields=["parent_run"], condition=Q(parent_run__isnull=False)),
            models.Index(name="run_about", fields=["subject", "-id"], condition=~Q(subject="")),
            models.Index(name="run_failed", fields=["-id"], condition=Q(status=Status.FAILED)),
            # For the console. Of ended runs only, so that a run is written into them once, when it ends.
            models.Index(name="run_ended", fields=["-id"], condition=Q(ended_at__isnull=False)),
            models.Index(name="run_of_function", fields=["function", "-id"], condition=Q(ended_at__isnull=False)),
            models.Index(
                name="run_stopped", fields=["-id"], condition=Q(status__in=[Status.CANCELLED, Status.SKIPPED])
            ),
            models.Index(name="run_asleep", fields=["-id"], condition=Q(status__in=[Status.SLEEPING, Status.WAITING])),
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
    position = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.event_id} of {self.run_id}"
