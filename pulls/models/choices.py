"""The words that columns are limited to."""

from django.db import models


class Level(models.TextChoices):
    """How soon work is wanted."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class CommentKind(models.TextChoices):
    """Where a comment stands: at a line of code, or in the conversation."""

    REVIEW = "review"
    ISSUE = "issue"


class JobType(models.TextChoices):
    """What a fan-out captures."""

    DETAILS = "details"
    REVIEWS = "reviews"
    COMMENTS = "comments"


class Outcome(models.TextChoices):
    """How one capture of a fan-out has ended."""

    OPEN = "", "Open"
    SUCCESS = "success"
    FAILURE = "failure"
