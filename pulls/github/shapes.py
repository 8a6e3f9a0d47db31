"""GitHub's answers as rows: what is checked, and what may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator

from pulls.github.values import Count, Moment, Shape, Text, many, one

__all__ = ["CommentShape", "File", "Pull", "PullDetails", "Repo", "ReviewShape", "User", "many", "one"]


class User(Shape):
    """An account. Where it is gone, GitHub says null in its place."""

    id: int
    login: Text
    avatar_url: Text = ""
    type: Text = ""

    def row(self) -> dict[str, Any]:
        """Return the contributor's columns."""
        bot = self.type == "Bot" or self.login.endswith("[bot]")
        return {"github_id": self.id, "username": self.login[:100], "avatar_url": self.avatar_url[:500], "is_bot": bot}


# The account "ghost", under which GitHub shows what deleted accounts have left: many people, so nobody.
_GHOST = 10137


def _somebody(value: Any) -> Any:
    return None if isinstance(value, dict) and value.get("id") == _GHOST else value


Account = Annotated[User | None, BeforeValidator(_somebody)]


class Owner(Shape):
    """Who has a repository."""

    login: Text


class Repo(Shape):
    """A repository."""

    id: int
    name: Text
    owner: Owner
    full_name: Text = ""


class End(Shape):
    """Head or base of a pull request; the repository is null once a fork is deleted."""

    ref: Text = ""
    sha: Text = ""
    repo: Repo | None = None


class Label(Shape):
    """A label."""

    name: Text
    color: Text = ""


class Pull(Shape):
    """A pull request as lists have it: without additions, files and comments, which are unknown then, not zero."""

    id: int
    number: Count
    title: Text
    body: Text = ""
    state: Text
    draft: bool | None = None
    locked: bool | None = None
    user: Account = None
    base: End
    head: End
    labels: Sequence[Label] = ()
    merge_commit_sha: Text = ""
    created_at: Moment
    updated_at: Moment
    closed_at: Moment | None = None
    merged_at: Moment | None = None

    def users(self) -> list[User]:
        """Return the accounts it names."""
        return [self.user] if self.user else []

    def row(self, repository: int, people: dict[int, int]) -> dict[str, Any]:
        """Return the pull request's columns; people: our keys by GitHub's."""
        fork = self.head.repo
        return {
            "repository_id": repository,
            "github_id": self.id,
            "number": self.number,
            "title": self.title[:1000],
            "body": self.body,
            "state": self.state[:10],
            "draft": bool(self.draft),
            "locked": bool(self.locked),
            "author_id": people.get(self.user.id) if self.user else None,
            "base_ref": self.base.ref[:500],
            "base_sha": self.base.sha[:64],
            "head_ref": self.head.ref[:500],
            "head_sha": self.head.sha[:64],
            "head_repository": (fork.full_name or f"{fork.owner.login}/{fork.name}")[:220] if fork else "",
            "labels": [label.model_dump() for label in self.labels],
            "merge_commit_sha": self.merge_commit_sha[:64],
            **{name: getattr(self, name) for name in ("created_at", "updated_at", "closed_at", "merged_at")},
            "mergeable_state": "",
            "review_state": "",
        }


class PullDetails(Pull):
    """A pull request by itself."""

    additions: Count
    deletions: Count
    changed_files: Count
    commits: Count
    comments: Count
    review_comments: Count
    mergeable: bool | None = None
    mergeable_state: Text = ""
    merged_by: Account = None

    def users(self) -> list[User]:
        """Return the accounts it names."""
        return [user for user in (self.user, self.merged_by) if user]

    def row(self, repository: int, people: dict[int, int]) -> dict[str, Any]:
        """Return all columns."""
        return super().row(repository, people) | {
            **{name: getattr(self, name) for name in ("additions", "deletions", "changed_files", "commits")},
            "comment_count": self.comments,
            "review_comment_count": self.review_comments,
            "mergeable": self.mergeable,
            "mergeable_state": self.mergeable_state[:40],
            "merged_by_id": people.get(self.merged_by.id) if self.merged_by else None,
        }


class File(Shape):
    """A changed file."""

    filename: Text
    previous_filename: Text = ""
    status: Text = ""
    additions: Count = 0
    deletions: Count = 0
    sha: Text = ""

    def row(self, pull_request: int, position: int) -> dict[str, Any]:
        """Return the file's columns."""
        return {
            "pull_request_id": pull_request,
            "position": position,
            "filename": self.filename[:4096],
            "previous_filename": self.previous_filename[:4096],
            "status": self.status[:20],
            "additions": self.additions,
            "deletions": self.deletions,
            "sha": self.sha[:64],
        }


class ReviewShape(Shape):
    """A review; null times are of pending ones."""

    id: int
    user: Account = None
    state: Text
    body: Text = ""
    commit_id: Text = ""
    submitted_at: Moment | None = None

    def row(self, pull_request: int, people: dict[int, int]) -> dict[str, Any]:
        """Return the review's columns."""
        return {
            "pull_request_id": pull_request,
            "github_id": self.id,
            "author_id": people.get(self.user.id) if self.user else None,
            "state": self.state.upper()[:20],
            "body": self.body,
            "commit_sha": self.commit_id[:64],
            "submitted_at": self.submitted_at,
        }


class CommentShape(Shape):
    """A comment of either kind; those of the conversation have no place in the code."""

    id: int
    user: Account = None
    body: Text = ""
    in_reply_to_id: int | None = None
    pull_request_review_id: int | None = None
    path: Text = ""
    line: Count | None = None
    original_line: Count | None = None
    side: Text = ""
    diff_hunk: Text = ""
    commit_id: Text = ""
    created_at: Moment
    updated_at: Moment

    def row(self, pull_request: int, people: dict[int, int], kind: str) -> dict[str, Any]:
        """Return the comment's columns."""
        return {
            "pull_request_id": pull_request,
            "github_id": self.id,
            "kind": kind,
            "author_id": people.get(self.user.id) if self.user else None,
            "body": self.body,
            "in_reply_to": self.in_reply_to_id,
            "review_github_id": self.pull_request_review_id,
            "path": self.path[:4096],
            "line": self.line,
            "original_line": self.original_line,
            "side": self.side[:10],
            "diff_hunk": self.diff_hunk,
            "commit_sha": self.commit_id[:64],
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }
