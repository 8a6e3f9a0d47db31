"""The durable functions of the product. Each reads like its list of steps; what they do is in the other modules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jobs
from jobs.types import FUNCTION_CANCELLED
from pulls import capturing, deliveries, events, fanout, syncing
from pulls.asking import ask
from pulls.models import CommentKind, JobType, Outcome

BACKOFF = [30, 120, 600]
MINUTE = timedelta(minutes=1)
PER_REPOSITORY = jobs.Concurrency(limit=10, key="event.data.repositoryId")
PRIORITY = jobs.Priority(
    run="event.data.priority == 'critical' ? 600 : event.data.priority == 'high' ? 300 :"
    " event.data.priority == 'low' ? -300 : 0"
)
PULL = "pulls.pullrequest/{repositoryId}-{prNumber}"
# Two steps a page, and two for each wait for GitHub's limit; a run has a thousand.
PAGES_PER_RUN = 300


def note_failure(ctx: jobs.ContextSync) -> bool:
    """Count a capture that failed for good in its fan-out."""
    data = ctx.event.data["event"]["data"]
    return ctx.step.transaction("note-end", fanout.end_of, data, Outcome.FAILURE)


@jobs.create_function(
    fn_id="capture-pr-details",
    name="Capture details of a pull request",
    trigger=jobs.TriggerEvent(event=events.DETAILS),
    retries=3,
    backoff=BACKOFF,
    concurrency=[PER_REPOSITORY],
    throttle=jobs.Throttle(limit=50, period=MINUTE, key="event.data.priority"),
    priority=PRIORITY,
    subject=PULL,
    on_failure=note_failure,
)
def capture_pr_details(ctx: jobs.ContextSync) -> str:
    """Fetch one pull request with its size, its merge and its files."""
    asked = events.read(events.Capture, ctx.event.data)
    found = ask(ctx, "capture-pull-request", capturing.save_pull, asked.repository, asked.number)
    address, files = None, 0
    while address != "":
        page = ask(ctx, "capture-files", capturing.save_files, found["pull"], address, files)
        address, files = page["next"], page["count"]
    _end(ctx, asked, capturing.finish_details, found["pull"], found["of"], files)
    return f"{files} files"


def _end(ctx: jobs.ContextSync, asked: events.Capture, finish: Callable[..., None], *args: Any) -> None:
    """Note what was captured and, in the same transaction, that this one of its fan-out has ended."""

    def note() -> None:
        finish(*args)
        fanout.end(asked.batch, asked.number, Outcome.SUCCESS)

    ctx.step.transaction("note-captured", note)


@jobs.create_function(
    fn_id="capture-pr-reviews",
    name="Capture reviews of a pull request",
    trigger=jobs.TriggerEvent(event=events.REVIEWS),
    retries=3,
    backoff=BACKOFF,
    concurrency=[PER_REPOSITORY],
    throttle=jobs.Throttle(limit=100, period=MINUTE),
    priority=PRIORITY,
    subject=PULL,
    on_failure=note_failure,
)
def capture_pr_reviews(ctx: jobs.ContextSync) -> str:
    """Fetch all reviews of one pull request."""
    asked = events.read(events.Capture, ctx.event.data)
    found = ask(ctx, "find-pull-request", capturing.find_pull, asked.repository, asked.number)
    address, reviews = None, 0
    while address != "":
        page = ask(ctx, "capture-reviews", capturing.save_reviews, found["pull"], address)
        address, reviews = page["next"], reviews + page["count"]
    _end(ctx, asked, capturing.finish_reviews, found["pull"], found["of"])
    return f"{reviews} reviews"


@jobs.create_function(
    fn_id="capture-pr-comments",
    name="Capture comments of a pull request",
    trigger=jobs.TriggerEvent(event=events.COMMENTS),
    retries=3,
    backoff=BACKOFF,
    concurrency=[PER_REPOSITORY],
    throttle=jobs.Throttle(limit=100, period=MINUTE),
    priority=PRIORITY,
    subject=PULL,
    on_failure=note_failure,
)
def capture_pr_comments(ctx: jobs.ContextSync) -> str:
    """Fetch all comments of one pull request, at lines of code and in the conversation."""
    asked = events.read(events.Capture, ctx.event.data)
    found = ask(ctx, "find-pull-request", capturing.find_pull, asked.repository, asked.number)
    seen: dict[str, list[int]] = {}
    for kind in CommentKind.values:
        address, seen[kind] = None, []
        while address != "":
            page = ask(ctx, f"capture-{kind}-comments", capturing.save_comments, found["pull"], address, kind)
            address, seen[kind] = page["next"], seen[kind] + page["ids"]
    _end(ctx, asked, capturing.finish_comments, found["pull"], found["of"], seen)
    return f"{sum(map(len, seen.values()))} comments"


def note_sync_failure(ctx: jobs.ContextSync) -> bool:
    """Keep why a sync failed at its repository, and close what it had fanned out until then."""
    failed = ctx.event.data
    words = str((failed.get("error") or {}).get("message") or "").strip().split("\n")[-1]
    data = failed["event"]["data"]
    ctx.step.transaction("close-fan-out", fanout.close, _origin(data, failed["run_id"]))
    return ctx.step.run("note-error", syncing.note_error, data.get("repositoryId"), words)


@jobs.create_function(
    fn_id="capture-repository-sync",
    name="Sync a repository",
    trigger=jobs.TriggerEvent(event=events.SYNC),
    retries=2,
    backoff=BACKOFF,
    concurrency=[jobs.Concurrency(limit=5), jobs.Concurrency(limit=1, key="event.data.repositoryId")],
    singleton=jobs.Singleton(mode="skip", key="event.data.cursor == null ? event.data.repositoryId : false"),
    priority=PRIORITY,
    subject="pulls.repository/{repositoryId}",
    on_failure=note_sync_failure,
)
def capture_repository_sync(ctx: jobs.ContextSync) -> str:
    """Read the pull requests that changed lately, and have captured what changed of them."""
    asked = events.read(events.Sync, ctx.event.data)
    origin = _origin(ctx.event.data, ctx.run_id)
    span = asked.cursor.span if asked.cursor else ctx.step.run("determine-span", syncing.span, asked)
    if "skip" in span:
        return str(span["skip"])
    if not asked.cursor and not ctx.step.run("is-known", syncing.is_known, asked.repository):
        ask(ctx, "look-up-repository", syncing.look_up, asked.repository)
    first = _read_pages(ctx, asked, span, origin)
    if first is None:
        return "goes on in another run"
    if first["moved"]:
        ask(ctx, "look-up-repository", syncing.look_up, asked.repository)
    missed = ctx.step.run("find-missed", syncing.find_missed, asked.repository, span["since"], origin)
    _fan_out(ctx, asked, origin, missed)
    batches = ctx.step.transaction("finish", syncing.finish, asked.repository, span, first, origin)
    return f"unchanged, {len(batches)} fan-outs" if first.get("unchanged") else f"{len(batches)} fan-outs"


def _origin(data: Any, run_id: str) -> str:
    cursor = data.get("cursor")
    return str((cursor.get("origin") if isinstance(cursor, dict) else "") or f"sync-{run_id}")


def _read_pages(ctx: jobs.ContextSync, asked: events.Sync, span: Any, origin: str) -> Any:
    """Return the note of the first page of the list; None where the next pages are another run's."""
    cursor, first = asked.cursor, asked.cursor.first if asked.cursor else None
    address = cursor.next if cursor else ctx.step.run("first-page", syncing.first_page, asked.repository)
    for number in range(cursor.page if cursor else 1, (cursor.page if cursor else 1) + PAGES_PER_RUN):
        etag = span["etag"] if first is None else ""
        args = (asked.repository, address, etag, span["stop"], origin)
        page = ask(ctx, f"read-page-{number}", syncing.read_page, *args)
        _fan_out(ctx, asked, origin, page)
        first = first or {key: page.get(key) for key in ("etag", "moved", "newest", "unchanged")}
        address = page["next"]
        if not address:
            return first
    going = {"next": address, "page": number + 1, "span": span, "first": first, "origin": origin}
    ctx.step.send_event("hand-over", jobs.Event(name=events.SYNC, data={**ctx.event.data, "cursor": going}))
    return None


def _fan_out(ctx: jobs.ContextSync, asked: events.Sync, origin: str, note: Any) -> None:
    wanted = fanout.requests(asked.repository, origin, note["wanted"], note["batches"], asked.priority)
    for portion in events.in_portions(wanted):
        ctx.step.send_event("fan-out", portion)


@jobs.create_function(
    fn_id="schedule-repository-syncs",
    name="Sync repositories on schedule",
    trigger=jobs.TriggerCron(cron="*/15 * * * *"),
    retries=2,
)
def schedule_repository_syncs(ctx: jobs.ContextSync) -> str:
    """Start a sync of each active repository whose turn has come."""
    due = ctx.step.run("find-due", syncing.due)
    each = [
        events.sync(repository["id"], days=repository["days"], priority=repository["priority"], reason="schedule")
        for repository in due
    ]
    if each:
        ctx.step.send_event("sync-each", each)
    ctx.step.run("forget-deliveries", deliveries.forget)
    return f"{len(each)} repositories"


@jobs.create_function(
    fn_id="note-cancelled-capture",
    name="Note a cancelled capture",
    trigger=jobs.TriggerEvent(
        event=FUNCTION_CANCELLED,
        expression="event.data.function_id.contains('-capture-pr-')"
        " || event.data.function_id.endsWith('-capture-repository-sync')",
    ),
    retries=3,
)
def note_cancelled_capture(ctx: jobs.ContextSync) -> Any:
    """Count a cancelled capture as failed, and close what a cancelled sync had fanned out, so that no batch waits."""
    cancelled = ctx.event.data
    data = cancelled["event"]["data"]
    if cancelled["function_id"].endswith("-capture-repository-sync"):
        return ctx.step.transaction("close-fan-out", fanout.close, _origin(data, cancelled["run_id"]))
    return ctx.step.transaction("note-end", fanout.end_of, data, Outcome.FAILURE)


CAPTURES = {
    JobType.DETAILS: capture_pr_details,
    JobType.REVIEWS: capture_pr_reviews,
    JobType.COMMENTS: capture_pr_comments,
}
