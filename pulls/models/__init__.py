"""The product's tables; all of its SQL is in this package."""

from pulls.models.batch import Batch, BatchItem, Delivery
from pulls.models.budget import Budget
from pulls.models.choices import CommentKind, JobType, Level, Outcome
from pulls.models.pull import Comment, PageTag, PullRequest, PullRequestFile, PullRequestQuerySet, Review
from pulls.models.repository import STALE_AFTER, Contributor, Repository

__all__ = [
    "STALE_AFTER",
    "Batch",
    "BatchItem",
    "Budget",
    "Comment",
    "CommentKind",
    "Contributor",
    "Delivery",
    "JobType",
    "Level",
    "Outcome",
    "PageTag",
    "PullRequest",
    "PullRequestFile",
    "PullRequestQuerySet",
    "Repository",
    "Review",
]
