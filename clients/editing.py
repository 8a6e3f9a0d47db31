"""What people do to a client: enter, add, remove, clear; each locks the row, because a run may be writing it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from clients import events
from clients.models import LISTS, AIStatus, Client, Competitor


class Busy(Exception):
    """The client is being enhanced right now; the message says what to do."""


def create(values: Mapping[str, Any]) -> Client:
    """Store a new client as a person says it is."""
    client = Client()
    client.enter(dict(values))
    client.save()
    return client


@transaction.atomic
def enter(client_id: int, values: Mapping[str, Any]) -> list[str]:
    """Store values as a person's; returns the names of those that changed. Other fields are not touched."""
    client = Client.objects.select_for_update(no_key=True).get(pk=client_id)
    changed = client.enter(dict(values))
    if changed:
        client.save(update_fields=[*changed, "filled_by", "updated_at"])
    return changed


@transaction.atomic
def clear(client_id: int) -> int:
    """Take back everything that a model filled, competitors included; returns how many fields and competitors.

    What people entered stays, and so do the count of enhancements and its tokens: they were paid for.
    """
    client = Client.objects.select_for_update(no_key=True).get(pk=client_id)
    if client.is_processing or events.live_run(client) is not None:
        raise Busy(f"“{client}” is being enhanced right now; clear it once that has ended.")
    filled = client.by_model
    for name in filled:
        setattr(client, name, [] if name in LISTS else "")
        del client.filled_by[name]
    client.ai_status, client.ai_error, client.ai_enhanced_at, client.ai_model = AIStatus.PENDING, "", None, ""
    client.run = None
    client.save()
    competitors, _ = client.competitors.filter(source=Competitor.Source.AI).delete()
    return len(filled) + competitors


def add_competitor(client: Client, name: str, domain: str) -> Competitor:
    """Add a competitor as a person's; one that a model named becomes the person's."""
    entered = {"name": name or domain, "source": Competitor.Source.MANUAL}
    return Competitor.objects.update_or_create(client=client, domain=domain, defaults=entered)[0]
