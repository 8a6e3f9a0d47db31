"""The durable functions of the product. Each reads like its list of steps; what they do is in the other modules."""

from datetime import timedelta
from typing import Any

from django.conf import settings

import jobs
from jobs.types import FUNCTION_CANCELLED
from tenders import alerts, enrichment, events, files, joblogs, reading, requests, syncing
from tenders.models import JobType
from tenders.models.joblog import SUBJECT

# A portal in trouble needs minutes, not seconds.
BACKOFF = [10, 60, 300]
JOB = SUBJECT + "{log}"


def note_failure(ctx: jobs.ContextSync) -> bool:
    """Write down in one sentence why a job failed, and whose fault that is."""
    failed = ctx.event.data
    return ctx.step.run("update-job-log", joblogs.fail_run, failed["run_id"], failed.get("error"))


@jobs.create_function(
    fn_id="tender-sync",
    name="Sync tenders",
    trigger=[jobs.TriggerCron(cron="*/30 * * * *"), jobs.TriggerEvent(event=events.SYNC)],
    retries=3,
    backoff=BACKOFF,
    concurrency=[jobs.Concurrency(limit=1, key="event.data.source")],
    subject=JOB,
    on_failure=note_failure,
)
def tender_sync(ctx: jobs.ContextSync) -> str:
    """Bring one source up to date; without a source, start this for each that is on schedule."""
    data = ctx.event.data
    if not data.get("source"):
        return _sync_each(ctx)
    log = ctx.step.run("create-job-log", joblogs.begin, JobType.SYNC, data, ctx.run_id)
    asked: requests.SyncRequest = requests.read(requests.SyncRequest, data)
    span = ctx.step.run("determine-date-range", syncing.date_range, log, asked, data.get("span"))
    if not data.get("span"):
        ctx.step.run("check-api-health", syncing.check_health, asked.source)
    if not reading.read_span(ctx, log, asked.source, span):
        return "goes on in another run"
    ocids = ctx.step.run("configure-enrichment", _latest, log, asked)
    reading.enrich_or_fan_out(ctx, log, ocids, required=asked.require_enrichment)
    ctx.step.transaction("update-sync-state", syncing.move_cursor, asked.source, span["cursor"])
    note = ctx.step.transaction("update-job-log", joblogs.succeed, log)
    ctx.step.send_event("tell-alerts", jobs.Event(name=events.SYNCED, data={"source": asked.source, "log": log}))
    return note


def _sync_each(ctx: jobs.ContextSync) -> str:
    names = ctx.step.run("sources-on-schedule", syncing.scheduled)
    if not names and ctx.event.name == events.SYNC:
        raise requests.BadRequest("The event names no source, and none is on schedule; switch one on or name it.")
    asked = {"triggeredBy": "schedule", **{k: v for k, v in ctx.event.data.items() if k not in ("cron", "log")}}
    each = [jobs.Event(name=events.SYNC, data={**asked, "source": name}) for name in names]
    if each:
        ctx.step.send_event("sync-each", each)
    return f"{len(names)} sources"


def _latest(log: int, asked: requests.SyncRequest) -> list[str]:
    return joblogs.plan_enrichment(log, syncing.to_enrich(asked.source, None, None, asked.max_enrichment))


@jobs.create_function(
    fn_id="enrich-today",
    name="Enrich today's tenders",
    trigger=jobs.TriggerEvent(event=events.ENRICH_TODAY),
    retries=2,
    backoff=BACKOFF,
    concurrency=[jobs.Concurrency(limit=2)],
    subject=JOB,
    on_failure=note_failure,
)
def enrich_today(ctx: jobs.ContextSync) -> str:
    """Look up the tenders that were released today."""
    log = ctx.step.run("create-job-log", joblogs.begin, JobType.ENRICH_TODAY, ctx.event.data, ctx.run_id)
    asked: requests.EnrichTodayRequest = requests.read(requests.EnrichTodayRequest, ctx.event.data)
    ocids = ctx.step.run("find-tenders", _of_today, log, asked)
    reading.enrich(ctx, log, ocids, interval=asked.rate_limit / 1000)
    return ctx.step.transaction("update-job-log", joblogs.succeed, log)


def _of_today(log: int, asked: requests.EnrichTodayRequest) -> list[str]:
    since = syncing.today(asked.source)
    return joblogs.plan_enrichment(log, syncing.to_enrich(asked.source, since, None, asked.max_enrichment))


def count_failure(ctx: jobs.ContextSync) -> bool:
    """Count a look-up that failed for good in the job that asked for it."""
    asked = requests.EnrichRequest.model_validate(ctx.event.data["event"]["data"])
    if asked.log is None:
        return False
    ctx.step.transaction("count", joblogs.count_enriched, asked.log, {"enrichment_failed": 1})
    return True


@jobs.create_function(
    fn_id="enrich-tender",
    name="Enrich one tender",
    trigger=jobs.TriggerEvent(event=events.ENRICH),
    retries=3,
    backoff=BACKOFF,
    throttle=jobs.Throttle(limit=1, period=timedelta(seconds=settings.TENDERS_LOOKUP_INTERVAL)),
    on_failure=count_failure,
)
def enrich_tender(ctx: jobs.ContextSync) -> str:
    """Look one tender up and fill what its release leaves empty."""
    asked: requests.EnrichRequest = requests.read(requests.EnrichRequest, ctx.event.data)
    note = ctx.step.run("look-up", lambda: enrichment.enrich(asked.ocid, force=asked.force))
    if asked.log is not None:
        ctx.step.transaction("count", joblogs.count_enriched, asked.log, {"enriched": 1})
    return note


@jobs.create_function(
    fn_id="enrich-backfill",
    name="Backfill tenders",
    trigger=jobs.TriggerEvent(event=events.BACKFILL),
    retries=3,
    backoff=BACKOFF,
    concurrency=[jobs.Concurrency(limit=1)],
    subject=JOB,
    on_failure=note_failure,
)
def enrich_backfill(ctx: jobs.ContextSync) -> str:
    """Read a span of the past, day by day, and look its tenders up; pause and resume it like any function."""
    data = ctx.event.data
    log = ctx.step.run("create-job-log", joblogs.begin, JobType.BACKFILL, data, ctx.run_id)
    asked: requests.BackfillRequest = requests.read(requests.BackfillRequest, data)
    if asked.fetch:
        span = ctx.step.run("determine-date-range", syncing.date_range, log, asked, data.get("span"))
        if not reading.read_span(ctx, log, asked.source, span):
            return "goes on in another run"
    ocids = ctx.step.run("find-tenders", _of_span, log, asked)
    reading.enrich(ctx, log, ocids)
    note = ctx.step.transaction("update-job-log", joblogs.succeed, log)
    ctx.step.send_event("tell-alerts", jobs.Event(name=events.SYNCED, data={"source": asked.source, "log": log}))
    return note


def _of_span(log: int, asked: requests.BackfillRequest) -> list[str]:
    found = syncing.to_enrich(asked.source, asked.start, asked.until, asked.max_enrichment)
    return joblogs.plan_enrichment(log, found)


@jobs.create_function(
    fn_id="import-tender-file",
    name="Import a tender file",
    trigger=jobs.TriggerEvent(event=events.FILE),
    retries=2,
    backoff=BACKOFF,
    subject=JOB,
    on_failure=note_failure,
)
def import_tender_file(ctx: jobs.ContextSync) -> str:
    """Store the releases of an uploaded package, all of them or none."""
    log = ctx.step.run("create-job-log", joblogs.begin, JobType.IMPORT, ctx.event.data, ctx.run_id)
    ctx.step.transaction("import-file", files.take_in, log, str(ctx.event.data.get("file") or ""))
    note = ctx.step.transaction("update-job-log", joblogs.succeed, log)
    ctx.step.send_event("tell-alerts", jobs.Event(name=events.SYNCED, data={"source": "file", "log": log}))
    return note


@jobs.create_function(
    fn_id="cleanup-stuck-jobs",
    name="Clean up stuck tender jobs",
    trigger=[jobs.TriggerCron(cron="23 4 * * *"), jobs.TriggerEvent(event=events.CLEANUP)],
    retries=3,
)
def cleanup_stuck_jobs(ctx: jobs.ContextSync) -> int:
    """End the jobs that no live run works on any more, so that none seems to be running for ever."""
    minutes = ctx.event.data.get("timeoutMinutes", 60)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 0 <= minutes <= 525_600:
        raise requests.BadRequest(f"timeoutMinutes is “{str(minutes)[:40]}”; write minutes, from 0 to a year.")
    return ctx.step.run("end-stuck-jobs", joblogs.cleanup, minutes)


@jobs.create_function(
    fn_id="process-alerts",
    name="Mail new matches of saved searches",
    trigger=jobs.TriggerEvent(event=events.SYNCED),
    retries=4,
    concurrency=[jobs.Concurrency(limit=1)],
)
def process_alerts(ctx: jobs.ContextSync) -> dict[str, int]:
    """Note what is new for each saved search, then mail it; what is noted is mailed once, whatever happens between."""
    searches = ctx.step.run("find-searches", alerts.active_searches)
    found = sum(ctx.step.transaction(f"match-{pk}", alerts.note_matches, pk) for pk in searches)
    mailed = sum(_mailed(ctx, pk) for pk in ctx.step.run("find-unsent", alerts.with_unsent))
    return {"found": found, "mailed": mailed}


def _mailed(ctx: jobs.ContextSync, search: int) -> int:
    try:
        return ctx.step.run(f"mail-{search}", alerts.mail, search)
    except jobs.StepError as error:
        # One wrong address keeps nobody else from their mail; the matches stay noted for the next time.
        ctx.logger.warning("Search %d could not be mailed: %s", search, error.message)
        return 0


@jobs.create_function(
    fn_id="note-cancelled-tender-job",
    name="Note a cancelled tender job",
    trigger=jobs.TriggerEvent(
        event=FUNCTION_CANCELLED,
        expression="event.data.function_id.endsWith('-tender-sync') || event.data.function_id.endsWith('-enrich-today')"
        " || event.data.function_id.endsWith('-enrich-backfill')"
        " || event.data.function_id.endsWith('-import-tender-file')",
    ),
    retries=3,
)
def note_cancelled_tender_job(ctx: jobs.ContextSync) -> Any:
    """Mark the job of a cancelled run, so that it does not seem to be running for ever."""
    return ctx.step.run("update-job-log", joblogs.note_cancelled, ctx.event.data["run_id"])
