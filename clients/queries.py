"""Queries for the keywords of a client: asked keyword by keyword, stored once, with every failure told."""

from collections.abc import Sequence
from typing import Any

from django.db.models import F

from clients import model, prompts
from clients.answers import Queries
from clients.models import Client, Query
from jobs.errors import NonRetriableError


def ask(client_id: int, keyword: str, count: int, intents: Sequence[str]) -> dict[str, Any]:
    """Ask for the queries of one keyword; what the model will not answer is told as {"error"}."""
    client = Client.objects.filter(pk=client_id).first()
    if client is None:
        raise NonRetriableError(f"There is no client {client_id}; it may have been deleted.")
    try:
        reply = model.ask(Queries, prompts.QUERIES, prompts.queries(client, keyword, count, intents))
    except model.ModelRefused as reason:
        return {"keyword": keyword, "error": str(reason)}
    return {"keyword": keyword, "error": "", **reply.to_json()}


def usable(reply: dict[str, Any], count: int, intents: Sequence[str]) -> list[dict[str, str]]:
    """Return the queries of an answer with an intent that was asked for, at most `count`; nothing is made up."""
    allowed = set(intents or Query.Intent.values)
    found: dict[str, str] = {}
    for query in Queries.model_validate_json(reply["raw"]).queries:
        if query.text and query.intent.lower() in allowed:
            found.setdefault(query.text[:500], query.intent.lower())
    return [{"text": text, "intent": intent} for text, intent in found.items()][:count]


def save(client_id: int, replies: Sequence[dict[str, Any]], count: int, intents: Sequence[str]) -> dict[str, Any]:
    """Store what came and count its tokens; returns {"created", "failed": [{"keyword", "error"}]}.

    Call it in the transaction that journals it. A query that the client has already is not stored again.
    """
    failed = [{"keyword": reply["keyword"], "error": reply["error"]} for reply in replies if reply["error"]]
    rows: list[Query] = []
    answered = [reply for reply in replies if not reply["error"]]
    for reply in answered:
        found = usable(reply, count, intents)
        if not found:
            failed.append({"keyword": reply["keyword"], "error": "The model gave no query with such an intent."})
        rows += [Query(client_id=client_id, keyword=reply["keyword"], **query) for query in found]
    before = Query.objects.filter(client=client_id).count()
    Query.objects.bulk_create(rows, ignore_conflicts=True)
    Client.objects.filter(pk=client_id).update(
        ai_input_tokens=F("ai_input_tokens") + sum(reply["input_tokens"] for reply in answered),
        ai_output_tokens=F("ai_output_tokens") + sum(reply["output_tokens"] for reply in answered),
    )
    return {"created": Query.objects.filter(client=client_id).count() - before, "failed": failed}
