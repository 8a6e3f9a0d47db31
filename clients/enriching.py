"""What the steps of an enrichment do, for the function and for rows of a file alike: ask, sort out, store."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from clients import model, prompts, records
from clients.answers import Enrichment, Rival
from clients.domains import NoDomain, normalised
from clients.models import ENRICHED, LISTS, Client, storing
from clients.models.fields import MOST_COMPETITORS, MOST_IN_A_LIST
from jobs import clock


def ask(client_id: int, run_id: str) -> dict[str, Any]:
    """Ask the model about a client for the run that enhances it; returns the raw answer, the model and the tokens."""
    return ask_about(records.begin(client_id, run_id))


def ask_about(client: Client, *, at_most: float | None = None) -> dict[str, Any]:
    """Ask the model about a client, within so many seconds."""
    return model.ask(Enrichment, prompts.ENRICH, prompts.about(client), at_most=at_most).to_json()


def process(reply: Mapping[str, Any], own_name: str, own_domain: str) -> dict[str, Any]:
    """Sort an answer out: {"fields", "competitors": [{"name", "domain"}], "rejected": [{"name", "error"}]}.

    Lists are cut; the client itself and what is named twice is dropped. A competitor without a usable domain is
    rejected with the reason, because nothing could tell it apart from others.
    """
    answer = Enrichment.model_validate_json(reply["raw"])
    fields = {name: getattr(answer, name) for name in ENRICHED}
    fields |= {name: fields[name][:MOST_IN_A_LIST] for name in LISTS}
    found: dict[str, str] = {}
    rejected = []
    for rival in answer.competitors:
        try:
            domain = _domain_of(rival)
        except NoDomain as reason:
            rejected.append({"name": rival.name, "error": str(reason)})
            continue
        if domain != own_domain and rival.name.casefold() != own_name.casefold():
            found.setdefault(domain, rival.name or domain)
    competitors = [{"name": name, "domain": domain} for domain, name in found.items()]
    return {"fields": fields, "competitors": competitors[:MOST_COMPETITORS], "rejected": rejected}


def _domain_of(rival: Rival) -> str:
    if domain := normalised(rival.domain):
        return domain
    raise NoDomain(f"{rival.name or 'A competitor'} came without a domain.")


@transaction.atomic
def update(client_id: int, run_id: str | None, fields: Mapping[str, Any], reply: Mapping[str, Any]) -> list[str]:
    """Store the answer and count the enhancement; returns the fields that the model filled.

    Call it in the transaction that journals it. Raises NonRetriableError for a client that is gone or that a newer
    run has taken over.
    """
    client = records.owned(client_id, run_id)
    filled = client.fill(dict(fields))
    records.complete(client)
    client.ai_enhanced_at = clock.now()
    client.ai_enhancement_count += 1
    client.ai_model = reply["model"][:100]
    client.ai_input_tokens += reply["input_tokens"]
    client.ai_output_tokens += reply["output_tokens"]
    client.save()
    return filled


@transaction.atomic
def add_competitors(client_id: int, run_id: str | None, found: Mapping[str, Any]) -> dict[str, Any]:
    """Store the competitors one by one; a person's entry stays as it is, and one bad item hurts no other.

    Returns {"added", "kept", "failed": [{"name", "error"}]}; `kept` are those that were known already.
    """
    client = records.owned(client_id, run_id)
    added, kept, failed = 0, 0, list(found["rejected"])
    for rival in found["competitors"]:
        try:
            with transaction.atomic():
                is_new = storing.upsert_competitor(client_id, rival["name"], rival["domain"])
        except (IntegrityError, ValueError) as error:
            failed.append({"name": rival["name"], "error": str(error).splitlines()[0]})
        else:
            added, kept = (added + 1, kept) if is_new else (added, kept + 1)
    records.recover(client)
    return {"added": added, "kept": kept, "failed": failed}


def facts_of(client_id: int) -> tuple[str, str]:
    """Return the name and domain of a client, empty for one that is gone."""
    return Client.objects.filter(pk=client_id).values_list("name", "domain").first() or ("", "")
