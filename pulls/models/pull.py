"""Pull requests and what belongs to them, each with GitHub's own id and GitHub's own times."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import models
from django.db.models import Q
from django.urls import reverse

from pulls.models.choices import CommentKind
from pulls.models.repository import Contributor, Repository

SIZES = (("XS", 10), ("S", 50), ("M", 250), ("L", 1000))
"""A size, and the changed lines that are too many for it; what is larger is XL."""


BEHIND = (
    Q(details_of__lt=models.F("updated_at"))
    | Q(reviews_of__lt=models.F("updated_at"))
    | Q(comments_of__lt=models.F("updated_at"))
)
"""What has changed since a capture of it."""


class PullRequestQuerySet(models.QuerySet["PullRequest"]):
    """What can be asked about pull requests."""

    def about(self, words: str) -> PullRequestQuerySet:
        """Return those with these words in their title, or with this number."""
        text = words.strip().removeprefix("#")
        if not text:
            return self
        if text.isascii() and text.isdigit() and len(text) < 10:
            return self.filter(number=int(text))
        titled = self.annotate(words=SearchVector("title", config="simple"))
        return titled.filter(words=SearchQuery(text, config="simple", search_type="websearch"))

    def with_size(self, size: str) -> PullRequestQuerySet:
        """Return those of a size; those whose details are not captured have none."""
        least = 0
        for name, most in SIZES:
            if name == size:
                return self.filter(changed_lines__gte=least, changed_lines__lt=most)
            least = most
        return self.filter(changed_lines__gte=least)

    def lacking(self, kind: str) -> PullRequestQuerySet:
        """Return those whose details, reviews or comments were never captured."""
        return self.filter(**{f"{kind}_of": None})


class PullRequest(models.Model):
    """One pull request. `details_of` and its like: the `updated_at` for which that was captured last."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="pull_requests", db_index=False)
    github_id = models.BigIntegerField(unique=True)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=1000)
    body = models.TextField(blank=True)
    state = models.CharField(max_length=10)
    draft = models.BooleanField(default=False)
    locked = models.BooleanField(default=False)
    author = models.ForeignKey(Contributor, null=True, on_delete=models.PROTECT, related_name="pull_requests")
    base_ref = models.CharField(max_length=500, blank=True)
    base_sha = models.CharField(max_length=64, blank=True)
    head_ref = models.CharField(max_length=500, blank=True)
    head_sha = models.CharField(max_length=64, blank=True)
    head_repository = models.CharField(max_length=220, blank=True, help_text="Empty once the fork is deleted.")
    labels = models.JSONField(default=list, blank=True)
    merge_commit_sha = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(help_text="GitHub's own, never the time of a capture.")
    closed_at = models.DateTimeField(null=True, blank=True)
    merged_at = models.DateTimeField(null=True, blank=True)
    # Only the details say these; empty means unknown, not zero.
    additions = models.PositiveIntegerField(null=True, blank=True)
    deletions = models.PositiveIntegerField(null=True, blank=True)
    changed_files = models.PositiveIntegerField(null=True, blank=True)
    commits = models.PositiveIntegerField(null=True, blank=True)
    comment_count = models.PositiveIntegerField(null=True, blank=True)
    review_comment_count = models.PositiveIntegerField(null=True, blank=True)
    mergeable = models.BooleanField(null=True, blank=True)
    mergeable_state = models.CharField(max_length=40, blank=True)
    merged_by = models.ForeignKey(Contributor, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    review_state = models.CharField(max_length=20, blank=True, help_text="What its reviews amount to.")
    details_of = models.DateTimeField(null=True, blank=True)
    reviews_of = models.DateTimeField(null=True, blank=True)
    comments_of = models.DateTimeField(null=True, blank=True)
    changed_lines = models.GeneratedField(
        expression=models.F("additions") + models.F("deletions"),
        output_field=models.PositiveIntegerField(null=True),
        db_persist=True,
    )

    objects = PullRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["repository", "number"], name="pull_request_once")]
        indexes = [
            models.Index(fields=["-updated_at", "-id"], name="pull_newest"),
            models.Index(fields=["repository", "-updated_at", "-id"], name="pull_of_repository"),
            models.Index(fields=["created_at", "repository", "author"], name="pull_created"),
            models.Index(
                fields=["merged_at", "repository", "author"], name="pull_merged", condition=Q(merged_at__isnull=False)
            ),
            models.Index(fields=["-updated_at"], name="pull_open", condition=Q(state="open")),
            models.Index(fields=["repository"], name="pull_open_of", condition=Q(state="open")),
            models.Index(models.F("changed_lines").desc(nulls_last=True), models.F("id").desc(), name="pull_largest"),
            models.Index(fields=["repository"], name="pull_no_details", condition=Q(details_of=None)),
            models.Index(fields=["repository"], name="pull_no_reviews", condition=Q(reviews_of=None)),
            models.Index(fields=["repository"], name="pull_no_comments", condition=Q(comments_of=None)),
            models.Index(fields=["repository"], name="pull_behind", condition=BEHIND),
            GinIndex(SearchVector("title", config="simple"), name="pull_words"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("pulls:detail", args=[self.key])

    @property
    def key(self) -> str:
        """Repository and number, which its events carry too; an object made from such a key alone has it as its pk."""
        return f"{self.repository_id}-{self.number}" if self.number else str(self.pk)

    @property
    def subject(self) -> str:
        """What the runs of its captures are about."""
        return f"pulls.pullrequest/{self.key}"

    @property
    def size(self) -> str:
        """XS to XL by changed lines; empty while the details are unknown."""
        if self.changed_lines is None:
            return ""
        return next((name for name, most in SIZES if self.changed_lines < most), "XL")


class PullRequestFile(models.Model):
    """A changed file, kept under its place in GitHub's list: a force-push writes over what was there."""

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="files", db_index=False)
    position = models.PositiveIntegerField()
    filename = models.CharField(max_length=4096)
    previous_filename = models.CharField(max_length=4096, blank=True)
    status = models.CharField(max_length=20)
    additions = models.PositiveIntegerField()
    deletions = models.PositiveIntegerField()
    sha = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["pull_request", "position"], name="file_once")]

    def __str__(self) -> str:
        return self.filename


class Review(models.Model):
    """A review. A pending one has not been submitted; a dismissed one keeps its time."""

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="reviews", db_index=False)
    github_id = models.BigIntegerField(unique=True)
    author = models.ForeignKey(Contributor, null=True, on_delete=models.PROTECT, related_name="reviews", db_index=False)
    state = models.CharField(max_length=20)
    body = models.TextField(blank=True)
    commit_sha = models.CharField(max_length=64, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["submitted_at", "github_id"]
        indexes = [
            models.Index(fields=["pull_request", "submitted_at"], name="review_of_pull"),
            models.Index(fields=["submitted_at", "author"], name="review_submitted"),
            models.Index(fields=["author"], name="review_author"),
        ]

    def __str__(self) -> str:
        return f"{self.state} by {self.author or 'ghost'}"


class Comment(models.Model):
    """A comment at a line of code (review) or in the conversation (issue)."""

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="comments", db_index=False)
    github_id = models.BigIntegerField()
    kind = models.CharField(max_length=6, choices=CommentKind.choices)
    author = models.ForeignKey(Contributor, null=True, on_delete=models.PROTECT, related_name="comments")
    body = models.TextField(blank=True)
    in_reply_to = models.BigIntegerField(null=True, blank=True, help_text="GitHub's id of the comment it answers.")
    review_github_id = models.BigIntegerField(null=True, blank=True)
    path = models.CharField(max_length=4096, blank=True)
    line = models.PositiveIntegerField(null=True, blank=True, help_text="Empty where the line is no longer there.")
    original_line = models.PositiveIntegerField(null=True, blank=True)
    side = models.CharField(max_length=10, blank=True)
    diff_hunk = models.TextField(blank=True)
    commit_sha = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "github_id"]
        # GitHub counts the ids of both kinds by themselves, so the same number may come in each.
        constraints = [models.UniqueConstraint(fields=["kind", "github_id"], name="comment_once")]
        indexes = [models.Index(fields=["pull_request", "kind", "github_id"], name="comment_of_pull")]

    def __str__(self) -> str:
        return f"{self.kind} comment {self.github_id}"


class PageTag(models.Model):
    """What a page of GitHub's said when it was stored: asked with its etag, an unchanged one costs nothing."""

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="+", db_index=False)
    url = models.CharField(max_length=1000)
    etag = models.CharField(max_length=200)
    note = models.JSONField(help_text="What the step that stored it returned.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pull_request", "url"], name="page_tag_once")]

    def __str__(self) -> str:
        return self.url
