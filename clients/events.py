"""The events of the product, and how an enrichment is started for a stored client."""

from typing import Any
from uuid import UUID

from django.db import transaction

import jobs
from clients import model
from clients.models import AIStatus, Client, ContentBrief
from jobs import actions
from jobs.errors import RefusedByRule
from jobs.events import send
from jobs.models import Run
from jobs.types import Source, StepStatus
from jobs.types import Status as RunStatus

ENHANCE = "client/enhance.requested"
QUERIES = "client/queries.requested"
BRIEF = "client/brief.requested"
USER = "client/user.requested"
MIRROR = "client/mirror.requested"
ENHANCE_SUFFIX = "-enhance-client-with-ai"
QUERIES_SUFFIX = "-generate-queries"
BRIEF_SUFFIX = "-content-brief"
PAID = "call-openai"
_BUSY = "“{client}” is being enhanced right now; wait until that has ended."


class NotNow(Exception):
    """This cannot be started now; the message says why and what to do."""


def why_not(client: Client) -> str:
    """Return in words why the client cannot be enhanced now, nothing if it can."""
    if not model.is_configured():
        return model.NO_KEY
    if live_run(client) is not None:
        return _BUSY.format(client=client)
    return ""


def live_run(client: Client) -> UUID | None:
    """Return the run that enhances the client now, or will."""
    # The second condition repeats the index's: else PostgreSQL would read the whole run table.
    live = Run.objects.live().filter(subject=client.subject, function__endswith=ENHANCE_SUFFIX).exclude(subject="")
    return live.order_by("-pk").values_list("pk", flat=True).first()


@transaction.atomic
def request_enhancement(client_id: int, *, by: str, source: Source = Source.MANUAL) -> UUID:
    """Start an enrichment in the caller's transaction and return its run.

    Where the last one failed behind the model's answer, that run goes on from there: what was paid for is used.
    Raises NotNow in words, after the second press of a double click for one, or Client.DoesNotExist.
    """
    client = Client.objects.select_for_update(no_key=True).get(pk=client_id)
    if words := why_not(client):
        raise NotNow(words)
    run = _resumed(client, by) or _started(client, by, source)
    client.ai_status, client.ai_error, client.run = AIStatus.PROCESSING, "", run
    client.save(update_fields=["ai_status", "ai_error", "run"])
    return run


def _resumed(client: Client, by: str) -> UUID | None:
    run = Run.objects.filter(pk=client.run, status=RunStatus.FAILED, function__endswith=ENHANCE_SUFFIX).first()
    if run is None or not run.journal.filter(name=PAID, status=StepStatus.COMPLETED).exists():
        return None
    try:
        return run.pk if actions.retry(run, by=by) else None
    except RefusedByRule as error:
        raise NotNow(f"{error}.") from None


def _started(client: Client, by: str, source: Source) -> UUID:
    (sent,) = send([jobs.Event(name=ENHANCE, data=data_of(client))], source=source, sender=by[:100])
    # Other functions may listen to this event as well.
    own = Run.objects.filter(pk__in=sent.run_ids, function__endswith=ENHANCE_SUFFIX)
    run = own.exclude(status=RunStatus.SKIPPED).values_list("pk", flat=True).first()
    if run is None:
        # Somebody else's event was faster, and the door let one in.
        raise NotNow(_BUSY.format(client=client))
    return run


def data_of(client: Client) -> dict[str, Any]:
    """Return the data of `client/enhance.requested`."""
    return {"clientId": client.pk, "clientName": client.name, "clientDomain": client.domain}


@transaction.atomic
def request_queries(client: Client, keywords: list[str], count: int, intents: list[str], *, by: str) -> None:
    """Start writing queries for these keywords of a client; raises NotNow without a key."""
    _need_key()
    data = {"client_id": client.pk, "keywords": keywords, "count": count, "intents": intents}
    send([jobs.Event(name=QUERIES, data=data)], source=Source.MANUAL, sender=by[:100])


@transaction.atomic
def request_brief(brief: ContentBrief, *, by: str) -> ContentBrief:
    """Store a brief and start its writing in one transaction; raises NotNow without a key."""
    _need_key()
    brief.save()
    (sent,) = send([jobs.Event(name=BRIEF, data={"brief_id": brief.pk})], source=Source.MANUAL, sender=by[:100])
    own = Run.objects.filter(pk__in=sent.run_ids, function__endswith=BRIEF_SUFFIX)
    brief.run = own.values_list("pk", flat=True).get()
    brief.save(update_fields=["run"])
    return brief


def request_user(data: dict[str, Any], *, by: str) -> None:
    """Start inviting somebody; `data` is that of `client/user.requested`."""
    with transaction.atomic():
        send([jobs.Event(name=USER, data=data)], source=Source.MANUAL, sender=by[:100])


def request_mirror(client_id: int) -> None:
    """Start the copy of a client to Supabase once the caller's transaction is committed."""
    send([jobs.Event(name=MIRROR, data={"clientId": client_id})])


def _need_key() -> None:
    if not model.is_configured():
        raise NotNow(model.NO_KEY)
