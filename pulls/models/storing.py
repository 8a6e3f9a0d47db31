"""Writing what GitHub said: one statement for a page of rows, and no write where nothing has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from jobs import serialize

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Where rows go. columns: their names and types. key: what makes two rows the same. fixed: written once only.

    grows: a time that must not go back; what is older than the stored row changes nothing.
    """

    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    fixed: tuple[str, ...] = ()
    grows: str = ""

    def statement(self) -> str:
        """Return the INSERT that takes all rows as one JSON parameter."""
        names = ", ".join(self.columns)
        types = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        changing = [name for name in self.columns if name not in self.key and name not in self.fixed]
        old, new = (", ".join(f"{side}.{name}" for name in changing) for side in ("known", "excluded"))
        newest = f"known.{self.grows} <= excluded.{self.grows} AND " if self.grows else ""
        updates = ", ".join(f"{name} = excluded.{name}" for name in changing)
        return f"""
            INSERT INTO {self.name} AS known ({names})
            SELECT {names} FROM jsonb_to_recordset(%s::jsonb) AS new ({types})
            ON CONFLICT ({", ".join(self.key)}) DO UPDATE SET {updates}
            WHERE {newest}({old}) IS DISTINCT FROM ({new})
        """

    def store(self, rows: Sequence[Row]) -> int:
        """Insert or update rows, each key once; returns how many were written."""
        if not rows:
            return 0
        # In one order, so that two workers with the same rows never wait for each other in a circle.
        once = {tuple(row[name] for name in self.key): row for row in rows}
        ordered = [once[key] for key in sorted(once)]
        with connection.cursor() as cursor:
            cursor.execute(self.statement(), [serialize.dumps(ordered)])
            return cursor.rowcount


CONTRIBUTORS = Table(
    "pulls_contributor",
    ("github_id",),
    {"github_id": "bigint", "username": "text", "avatar_url": "text", "is_bot": "boolean"},
)
_LISTED = {
    "repository_id": "bigint",
    "github_id": "bigint",
    "number": "integer",
    "title": "text",
    "body": "text",
    "state": "text",
    "draft": "boolean",
    "locked": "boolean",
    "author_id": "bigint",
    "base_ref": "text",
    "base_sha": "text",
    "head_ref": "text",
    "head_sha": "text",
    "head_repository": "text",
    "labels": "jsonb",
    "merge_commit_sha": "text",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "closed_at": "timestamptz",
    "merged_at": "timestamptz",
}
_DETAILED = {
    "additions": "integer",
    "deletions": "integer",
    "changed_files": "integer",
    "commits": "integer",
    "comment_count": "integer",
    "review_comment_count": "integer",
    "mergeable": "boolean",
    "mergeable_state": "text",
    "merged_by_id": "bigint",
}
# What a new row needs and a known one keeps.
_BLANK = {"mergeable_state": "text", "review_state": "text"}
LISTED = Table(
    "pulls_pullrequest", ("repository_id", "number"), _LISTED | _BLANK, fixed=tuple(_BLANK), grows="updated_at"
)
DETAILED = Table(
    "pulls_pullrequest",
    ("repository_id", "number"),
    _LISTED | _DETAILED | {"review_state": "text"},
    fixed=("review_state",),
    grows="updated_at",
)
FILES = Table(
    "pulls_pullrequestfile",
    ("pull_request_id", "position"),
    {
        "pull_request_id": "bigint",
        "position": "integer",
        "filename": "text",
        "previous_filename": "text",
        "status": "text",
        "additions": "integer",
        "deletions": "integer",
        "sha": "text",
    },
)
REVIEWS = Table(
    "pulls_review",
    ("github_id",),
    {
        "pull_request_id": "bigint",
        "github_id": "bigint",
        "author_id": "bigint",
        "state": "text",
        "body": "text",
        "commit_sha": "text",
        "submitted_at": "timestamptz",
    },
)
COMMENTS = Table(
    "pulls_comment",
    ("kind", "github_id"),
    {
        "pull_request_id": "bigint",
        "github_id": "bigint",
        "kind": "text",
        "author_id": "bigint",
        "body": "text",
        "in_reply_to": "bigint",
        "review_github_id": "bigint",
        "path": "text",
        "line": "integer",
        "original_line": "integer",
        "side": "text",
        "diff_hunk": "text",
        "commit_sha": "text",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
    },
    grows="updated_at",
)
TAGS = Table(
    "pulls_pagetag",
    ("pull_request_id", "url"),
    {"pull_request_id": "bigint", "url": "text", "etag": "text", "note": "jsonb"},
)

# The newest verdict of each reviewer counts; a comment is no verdict, and the author's own reviews are none either.
# Deleted accounts have no author_id, and each may be another person: one never replaces another's verdict.
_REVIEW_STATE = """
WITH verdicts AS (
    SELECT DISTINCT ON (coalesce(review.author_id, -review.github_id)) review.state
    FROM pulls_review AS review JOIN pulls_pullrequest AS pull ON pull.id = review.pull_request_id
    WHERE review.pull_request_id = %(pull)s AND review.state IN ('APPROVED', 'CHANGES_REQUESTED', 'DISMISSED')
        AND (review.author_id = pull.author_id) IS NOT TRUE
    ORDER BY coalesce(review.author_id, -review.github_id), review.submitted_at DESC NULLS LAST, review.github_id DESC
), verdict AS (
    SELECT CASE WHEN bool_or(state = 'CHANGES_REQUESTED') THEN 'CHANGES_REQUESTED'
        WHEN bool_or(state = 'APPROVED') THEN 'APPROVED'
        WHEN EXISTS (SELECT FROM pulls_review WHERE pull_request_id = %(pull)s AND state <> 'PENDING') THEN 'COMMENTED'
        ELSE '' END AS state
    FROM verdicts
)
UPDATE pulls_pullrequest AS pull SET review_state = verdict.state
FROM verdict WHERE pull.id = %(pull)s AND pull.review_state <> verdict.state
"""


def judge(pull_request: int) -> None:
    """Set a pull request's review state by its reviews."""
    with connection.cursor() as cursor:
        cursor.execute(_REVIEW_STATE, {"pull": pull_request})
