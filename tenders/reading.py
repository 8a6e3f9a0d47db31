"""The two long parts of a job inside its run: reading a span page by page, and looking tenders up."""

from typing import Any

import jobs
from tenders import enrichment, events, syncing
from tenders.sources.http import PortalUnavailable

# A run may have 1,000 steps. Long before that the rest is handed over to a next run of the same job.
PAGES_PER_RUN = 400
INLINE = 50
A_FEW = 10


def read_span(ctx: jobs.ContextSync, log: int, source: str, span: dict[str, Any]) -> bool:
    """Read the pages of a span, a step for each; False if the rest was handed over to a next run."""
    place, number = ctx.event.data.get("place") or span["place"], int(ctx.event.data.get("page") or 1)
    for _ in range(PAGES_PER_RUN):
        origin = span["place"]["start"]
        outcome = ctx.step.run(f"fetch-page-{number}", syncing.read_page, log, source, number, place, origin)
        done = outcome["windows_done"]
        ctx.progress(span["windows"] if done is None else int(done), span["windows"], f"page {number} is stored")
        place, number = outcome["next"], number + 1
        if place is None:
            return True
    rest = {"log": log, "span": span, "place": place, "page": number}
    ctx.step.send_event("hand-over", jobs.Event(name=ctx.event.name, data={**ctx.event.data, **rest}))
    return False


def enrich(ctx: jobs.ContextSync, log: int, ocids: list[str], *, interval: float | None = None) -> dict[str, int]:
    """Look tenders up, a few in each step; a failure is counted and the job goes on."""
    total = {"enriched": 0, "enrichment_failed": 0}
    for start in range(0, len(ocids), A_FEW):
        some = ocids[start : start + A_FEW]
        done = ctx.step.run(f"enrich-{start // A_FEW + 1}", enrichment.enrich_many, log, some, interval)
        total = {name: number + done[name] for name, number in total.items()}
        ctx.progress(start + len(some), len(ocids), "looked up")
    return total


def enrich_or_fan_out(ctx: jobs.ContextSync, log: int, ocids: list[str], *, required: bool) -> None:
    """Look few tenders up here; many get a run each, unless the job is not to end without them."""
    if len(ocids) > INLINE and not required:
        each = [jobs.Event(name=events.ENRICH, data={"ocid": ocid, "log": log}) for ocid in ocids]
        ctx.step.send_event("fan-out", each)
        return
    done = enrich(ctx, log, ocids)
    if required and done["enrichment_failed"]:
        raise EnrichmentRequired(f"{done['enrichment_failed']} of {len(ocids)} look-ups failed, and all were required.")


class EnrichmentRequired(jobs.NonRetriableError, PortalUnavailable):
    """The look-ups that this job must not end without have failed."""
