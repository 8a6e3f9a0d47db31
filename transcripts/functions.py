"""The durable functions of the product: one parses a call, one notes that a parse was cancelled."""

from collections.abc import Sequence
from typing import Any

import jobs
from jobs.types import FUNCTION_CANCELLED
from transcripts import events, history, parsers, records
from transcripts.insights import Person
from transcripts.models import SUBJECT


def note_failure(ctx: jobs.ContextSync) -> bool:
    """Write down in one sentence why the call could not be parsed."""
    failed = ctx.event.data
    return ctx.step.run("mark-failed", records.fail_with, failed["run_id"], records.sentence(failed.get("error")))


@jobs.create_function(
    fn_id="parse-transcript",
    name="Parse transcript",
    trigger=[jobs.TriggerEvent(event=events.UPLOADED), jobs.TriggerEvent(event=events.GONG)],
    retries=3,
    subject=SUBJECT + "{transcript_id}",
    on_failure=note_failure,
)
def parse_transcript(ctx: jobs.ContextSync) -> dict[str, int]:
    """Turn one sales call into insights; returns how many were found in each area."""
    run = ctx.run_id
    call = ctx.step.run("update-status-parsing", records.begin, ctx.event.data, run)
    ctx.step.run("read-file", records.read, call, run)
    parsed = ctx.step.run("parse-transcript", ask_parser, call, run)
    if parsed["dropped_people"]:
        ctx.logger.warning("%d people without a name were left out", parsed["dropped_people"])
    roles = _roles(ctx, call, parsed)
    counts = ctx.step.transaction("save-parsed-results", records.save_results, call, run, parsed, roles)
    ctx.step.run("update-opportunity-history", history.update, call)
    return counts


def ask_parser(transcript_id: int, run_id: str) -> dict[str, Any]:
    """Ask the parser; it raises when it has no answer, so that the next attempt asks again."""
    return parsers.current().parse(records.owned(transcript_id, run_id).text).to_json()


def _roles(ctx: jobs.ContextSync, transcript_id: int, parsed: dict[str, Any]) -> list[str] | None:
    """Return the part each person plays; None when it cannot be told, which does not fail the call."""
    people = parsed["insights"]["people"]
    if not people:
        return []
    try:
        answer = ctx.step.run("classify-people", classify, transcript_id, ctx.run_id, people)
    except jobs.StepError as error:
        answer = {"roles": None, "reason": error.message}
    if answer["roles"] is None:
        ctx.logger.warning("The roles of the people stay as they are: %s", answer["reason"])
    return answer["roles"]


def classify(transcript_id: int, run_id: str, people: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Ask the parser for the part each person plays; a permanent refusal is an answer here, not an error."""
    transcript = records.owned(transcript_id, run_id)
    known = [Person.model_validate(person) for person in people]
    try:
        roles = parsers.current().classify(known, transcript.text)
    except jobs.NonRetriableError as error:
        return {"roles": None, "reason": str(error)}
    return {"roles": [str(role) for role in roles], "reason": ""}


@jobs.create_function(
    fn_id="note-cancelled-transcript",
    name="Note a cancelled transcript",
    trigger=jobs.TriggerEvent(
        event=FUNCTION_CANCELLED, expression="event.data.function_id.endsWith('-parse-transcript')"
    ),
    retries=3,
)
def note_cancelled_transcript(ctx: jobs.ContextSync) -> bool:
    """Mark the call of a cancelled parse as failed, so that it does not seem to be parsing for ever."""
    return ctx.step.run("mark-failed", records.fail_with, ctx.event.data["run_id"], records.CANCELLED)
