"""The durable functions of the product. Each reads like its list of steps; what they do is in the other modules."""

from typing import Any

import jobs
from clients import briefs, enriching, events, invitations, mirror, queries, records, requests
from clients.models import BRIEF, SUBJECT
from jobs.types import FUNCTION_CANCELLED


def note_failure(ctx: jobs.ContextSync) -> bool:
    """Write down in one sentence why the client could not be enhanced."""
    failed = ctx.event.data
    return ctx.step.run("mark-failed", records.fail_with, failed["run_id"], records.sentence(failed.get("error")))


@jobs.create_function(
    fn_id="enhance-client-with-ai",
    name="Enhance client with AI",
    trigger=jobs.TriggerEvent(event=events.ENHANCE),
    retries=2,
    concurrency=[jobs.Concurrency(limit=3)],
    singleton=jobs.Singleton(mode="skip", key="string(event.data.clientId)"),
    subject=SUBJECT + "{clientId}",
    on_failure=note_failure,
)
def enhance_client_with_ai(ctx: jobs.ContextSync) -> dict[str, Any]:
    """Ask a model about a client once, and store what people have not filled themselves."""
    client = records.number(ctx.event.data.get("clientId"), "clientId")
    reply = ctx.step.run(events.PAID, enriching.ask, client, ctx.run_id)
    found = ctx.step.run("process-data", lambda: enriching.process(reply, *enriching.facts_of(client)))
    filled = ctx.step.transaction("update-client", enriching.update, client, ctx.run_id, found["fields"], reply)
    rivals = ctx.step.transaction("upsert-competitors", enriching.add_competitors, client, ctx.run_id, found)
    for one in rivals["failed"]:
        ctx.logger.warning("Left out: %s", one["error"])
    if mirror.is_configured():
        ctx.step.run("mirror-to-supabase", mirror.push, client, ctx.run_id)
    return {
        "success": True,
        "clientId": ctx.event.data["clientId"],
        "enhanced": bool(filled),
        "competitorsAdded": rivals["added"],
        "competitorsFailed": len(rivals["failed"]),
    }


@jobs.create_function(
    fn_id="mirror-client",
    name="Copy a client to Supabase",
    trigger=jobs.TriggerEvent(event=events.MIRROR),
    retries=3,
    subject=SUBJECT + "{clientId}",
)
def mirror_client(ctx: jobs.ContextSync) -> dict[str, Any]:
    """Copy a client as it is stored here; for those that were enhanced as rows of a file."""
    client = records.number(ctx.event.data.get("clientId"), "clientId")
    return ctx.step.run("mirror-to-supabase", mirror.push, client, None)


@jobs.create_function(
    fn_id="generate-queries",
    name="Generate queries",
    trigger=jobs.TriggerEvent(event=events.QUERIES),
    retries=2,
    subject=SUBJECT + "{client_id}",
)
def generate_queries(ctx: jobs.ContextSync) -> dict[str, Any]:
    """Ask for the queries of each keyword; a keyword that fails is reported, and nothing takes its place."""
    asked = requests.read(requests.QueriesRequest, ctx.event.data)
    replies = []
    for done, keyword in enumerate(asked.keywords):
        ctx.progress(done, len(asked.keywords), keyword)
        try:
            about = (asked.client_id, keyword, asked.count, asked.intents)
            replies.append(ctx.step.run(f"ask: {keyword}", queries.ask, *about))
        except jobs.StepError as error:
            words = records.sentence({"name": error.name, "message": error.message})
            replies.append({"keyword": keyword, "error": words})
    saved = ctx.step.transaction("save-queries", queries.save, asked.client_id, replies, asked.count, asked.intents)
    for one in saved["failed"]:
        ctx.logger.warning("No queries for %s: %s", one["keyword"], one["error"])
    if len(saved["failed"]) == len(asked.keywords):
        raise jobs.NonRetriableError(f"No keyword brought queries. The first says: {saved['failed'][0]['error']}")
    return {"success": True, "clientId": asked.client_id, **saved}


def note_failed_brief(ctx: jobs.ContextSync) -> bool:
    """Write down in one sentence why the brief could not be finished."""
    failed = ctx.event.data
    return ctx.step.run("mark-failed", briefs.fail_with, failed["run_id"], records.sentence(failed.get("error")))


@jobs.create_function(
    fn_id="content-brief",
    name="Write a content brief",
    trigger=jobs.TriggerEvent(event=events.BRIEF),
    retries=2,
    concurrency=[jobs.Concurrency(limit=3)],
    subject=BRIEF + "{brief_id}",
    on_failure=note_failed_brief,
)
def content_brief(ctx: jobs.ContextSync) -> dict[str, Any]:
    """Plan a brief and write its sections one by one; those that are written can be read meanwhile."""
    brief = ctx.step.transaction("create-brief", briefs.begin, ctx.event.data, ctx.run_id)
    plan = ctx.step.run("plan-sections", briefs.plan, brief)
    sections = ctx.step.transaction("save-plan", briefs.save_plan, brief, ctx.run_id, plan)
    for number, section in enumerate(sections, start=1):
        ctx.progress(number - 1, len(sections), section["heading"])
        reply = ctx.step.run(f"write-section-{number}", briefs.write, brief, section)
        ctx.step.transaction(f"save-section-{number}", briefs.save_section, brief, ctx.run_id, section, reply)
    written = ctx.step.transaction("complete-brief", briefs.complete, brief, ctx.run_id)
    return {"success": True, "briefId": brief, "sections": written}


@jobs.create_function(
    fn_id="create-client-user",
    name="Invite a client's user",
    trigger=jobs.TriggerEvent(event=events.USER),
    retries=3,
    subject=SUBJECT + "{client_id}",
)
def create_client_user(ctx: jobs.ContextSync) -> dict[str, Any]:
    """Make an account for somebody of a client and mail them where to choose a password."""
    asked = requests.read(requests.UserRequest, ctx.event.data)
    made = ctx.step.transaction("create-user", invitations.create, asked)
    mailed = ctx.step.run("send-invitation", lambda: invitations.mail(made["member"], ctx.run_id, resend=asked.resend))
    return {"success": True, "userId": made["user"], "created": made["created"], "invited": mailed}


@jobs.create_function(
    fn_id="note-cancelled-enhancement",
    name="Note a cancelled enhancement or brief",
    trigger=jobs.TriggerEvent(
        event=FUNCTION_CANCELLED,
        expression=(
            f"event.data.function_id.endsWith('{events.ENHANCE_SUFFIX}') || "
            f"event.data.function_id.endsWith('{events.BRIEF_SUFFIX}')"
        ),
    ),
    retries=3,
)
def note_cancelled(ctx: jobs.ContextSync) -> bool:
    """Mark the client or brief of a cancelled run as failed, so that it does not seem to be worked on for ever."""
    note = briefs.fail_with if ctx.event.data["function_id"].endswith(events.BRIEF_SUFFIX) else records.fail_with
    return ctx.step.run("mark-failed", note, ctx.event.data["run_id"], records.CANCELLED)
