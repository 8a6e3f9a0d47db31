"""The journal: what each step of a run returned, and what was logged meanwhile."""

from django.db import models

from jobs.models.fields import JSONTextField
from jobs.models.run import Run
from jobs.types import StepStatus


class Step(models.Model):
    """One step of a run; once finished, its row never changes and its handler never runs again in that run."""

    # No database constraint towards the run: checking it would lock the run's row once more for every step.
    pk = models.CompositePrimaryKey("run_id", "key")
    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="journal"
    )
    key = models.CharField(max_length=40, help_text="sha1 of the step's id; of `id:n` for its n-th repeat.")
    name = models.CharField(max_length=255)
    index = models.IntegerField(help_text="Its place among the steps the body met.")
    op = models.CharField(max_length=16)
    status = models.CharField(max_length=9, choices=StepStatus.choices)
    attempts = JSONTextField(null=True, help_text="Failed attempts: n, started, ended and error of each.")
    tries = models.SmallIntegerField(default=0, help_text="Failed attempts that count: retrying a run starts anew.")
    output = JSONTextField(null=True)
    error = JSONTextField(null=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    wake_at = models.DateTimeField(null=True, help_text="When it ends a sleep or a wait, or may be tried again.")
    child = models.UUIDField(null=True, help_text="The run that it invoked.")

    class Meta:
        ordering = ["index", "started_at"]

    def __str__(self) -> str:
        return self.name


class LogLine(models.Model):
    """One line that a run logged, or that a person's action left on it."""

    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="log_lines")
    step = models.CharField(max_length=255, blank=True, default="")
    level = models.CharField(
        max_length=8, default="INFO", help_text="A logging level, or ACTION for what a person did."
    )
    message = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.message[:80]
