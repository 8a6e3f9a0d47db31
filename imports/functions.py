"""The durable functions of imports. Each reads like its list of steps; what they do is in the other modules."""

from datetime import timedelta
from typing import Any

import jobs
from imports import events, records, verbs
from imports.models import SUBJECT
from jobs.types import FUNCTION_CANCELLED

RETRIES = 2
MOST_BATCHES = 250
"""A run has at most so many batches of its own; a larger file is cut into slices, each a run."""
PATIENCE = timedelta(days=1)
OF_FILE = SUBJECT + "{batchId}"
CANCELLED_BY = [jobs.Cancel(event=events.CANCEL, if_exp="event.data.batchId == async.data.batchId")]


def note_failure(ctx: jobs.ContextSync) -> bool:
    """Write down in one sentence why an import failed."""
    failed = ctx.event.data
    return ctx.step.run("note-failure", records.note_failure, failed["run_id"], failed.get("error"))


@jobs.create_function(
    fn_id="process-bulk-csv",
    name="Import a file of rows",
    trigger=jobs.TriggerEvent(event=events.PROCESS),
    retries=RETRIES,
    cancel=CANCELLED_BY,
    subject=OF_FILE,
    on_failure=note_failure,
)
def process_bulk_csv(ctx: jobs.ContextSync) -> dict[str, int]:
    """Import the rows of a file, a few at the same time, and go on where it stopped whatever happens."""
    plan = ctx.step.run("initialize-job", records.initialize, ctx.event.data, ctx.run_id)
    if plan["batches"] <= MOST_BATCHES:
        process_batches(ctx, plan, 1, plan["batches"], after=0)
    else:
        process_slices(ctx, plan)
    ended: dict[str, int] = ctx.step.transaction("finalize-job", records.finalize, plan["batch"])
    return ended


def process_batches(ctx: jobs.ContextSync, plan: dict[str, Any], first: int, until: int, after: int) -> int:
    """Take these batches one after the other, with a rest between; returns the line of the last row."""
    for number in range(first, until + 1):
        after = process_batch(ctx, plan, number, after)
        progress = ctx.step.run(f"update-progress-{number}", records.update_progress, plan, number)
        ctx.progress(progress["done"], progress["total"], f"batch {number} of {plan['batches']}")
        if plan["delay"] and number < plan["batches"]:
            ctx.step.sleep(f"batch-delay-{number}", timedelta(seconds=plan["delay"]))
    return after


def process_batch(ctx: jobs.ContextSync, plan: dict[str, Any], number: int, after: int) -> int:
    """Take one batch, once no pause keeps it; returns the line of its last row."""
    while True:
        last_try = ctx.attempt >= RETRIES
        done = ctx.step.run(f"process-batch-{number}", records.process_batch, plan, after, last_try)
        if done["pause"] is None:
            line: int = done["line"]
            return line
        hold_while_paused(ctx, plan, done["pause"])


def process_slices(ctx: jobs.ContextSync, plan: dict[str, Any]) -> None:
    """Have a large file processed slice by slice; this run only counts."""
    after = 0
    for nth, first in enumerate(range(1, plan["batches"] + 1, MOST_BATCHES), 1):
        until = min(first + MOST_BATCHES - 1, plan["batches"])
        data = {"batchId": plan["batch"], "plan": plan, "first": first, "until": until, "after": after}
        after = ctx.step.invoke(f"process-slice-{nth}", function=process_csv_slice, data=data)
        progress = ctx.step.run(f"update-progress-{nth}", records.update_progress, plan, until)
        ctx.progress(progress["done"], progress["total"], f"batch {until} of {plan['batches']}")


@jobs.create_function(
    fn_id="process-csv-slice",
    name="Import a slice of a file",
    trigger=jobs.TriggerEvent(event=events.SLICE),
    retries=RETRIES,
    cancel=CANCELLED_BY,
    subject=OF_FILE,
)
def process_csv_slice(ctx: jobs.ContextSync) -> int:
    """Take some batches of a large file; returns the line of the last row."""
    data = ctx.event.data
    return process_batches(ctx, data["plan"], data["first"], data["until"], data["after"])


def hold_while_paused(ctx: jobs.ContextSync, plan: dict[str, Any], pause: int | None) -> None:
    """Wait without holding a worker until this very pause is over."""
    while pause is not None:
        resumed = f"async.data.batchId == {plan['batch']} && async.data.pause == {pause}"
        # Looking back finds a resume that came before this run had begun to wait for it.
        ctx.step.wait_for_event("paused", event=events.RESUMED, if_exp=resumed, timeout=PATIENCE, lookback=PATIENCE)
        pause = ctx.step.run("look-whether-paused", records.pause_of, plan["batch"])


@jobs.create_function(
    fn_id="note-cancelled-import",
    name="Note a cancelled import",
    trigger=jobs.TriggerEvent(
        event=FUNCTION_CANCELLED,
        expression="event.data.function_id.endsWith('-process-bulk-csv')"
        " || event.data.function_id.endsWith('-process-csv-slice')",
    ),
    retries=3,
)
def note_cancelled_import(ctx: jobs.ContextSync) -> Any:
    """Mark the file of a cancelled run, so that it does not seem to be imported for ever."""
    cancelled = ctx.event.data
    return ctx.step.run("note", verbs.note_cancelled, cancelled["run_id"], cancelled["event"]["data"].get("batchId"))
