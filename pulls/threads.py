"""The comments of a pull request as people read them: by file and thread, and the conversation by time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from pulls.models import Comment, CommentKind


@dataclass(slots=True)
class Thread:
    """A comment at a line of code with the answers to it."""

    first: Comment
    replies: list[Comment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Discussion:
    """files: the threads of each file by its path. conversation: the other comments, oldest first."""

    files: dict[str, list[Thread]]
    conversation: list[Comment]


def discussion(comments: list[Comment]) -> Discussion:
    """Group comments, which come oldest first. An answer to a comment that is gone begins a thread of its own."""
    threads: dict[int, Thread] = {}
    files: dict[str, list[Thread]] = defaultdict(list)
    for comment in comments:
        if comment.kind != CommentKind.REVIEW:
            continue
        thread = threads.get(comment.in_reply_to or 0)
        if thread is None:
            thread = Thread(comment)
            files[comment.path].append(thread)
        else:
            thread.replies.append(comment)
        threads[comment.github_id] = thread
    talk = [comment for comment in comments if comment.kind == CommentKind.ISSUE]
    return Discussion(dict(sorted(files.items())), talk)
