"""Writing what comes in numbers, or what must not touch a person's entry."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection

from clients.models.client import Client
from clients.models.fields import LISTS, TEXTS

# Whose entry it is decides the database, in one statement: a person may be adding the same one right now.
_UPSERT = """
    INSERT INTO clients_competitor (client_id, name, domain, source, data, created_at)
    VALUES (%s, %s, %s, 'AI', '{}', now())
    ON CONFLICT (client_id, domain) DO UPDATE SET name = excluded.name
    WHERE clients_competitor.source = 'AI'
    RETURNING xmax = 0
"""
# What people may write of a client, and the types of these columns.
_WRITTEN = {
    **{"name": "text", "domain": "text", "keywords": "jsonb", "filled_by": "jsonb"},
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(LISTS, "jsonb"),
}
_UPDATE = f"""
    UPDATE clients_client SET {", ".join(f"{name} = given.{name}" for name in _WRITTEN)}, updated_at = now()
    FROM jsonb_to_recordset(%s::jsonb) AS given (id bigint, {", ".join(f"{n} {t}" for n, t in _WRITTEN.items())})
    WHERE clients_client.id = given.id
"""


def upsert_competitor(client_id: int, name: str, domain: str) -> bool:
    """Store a competitor that a model named; returns whether it is new. A person's entry is never changed."""
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, [client_id, name, domain])
        row = cursor.fetchone()
    return bool(row and row[0])


def locked(names: Sequence[str], domains: Sequence[str]) -> list[Client]:
    """Return the clients with one of these names or domains, locked until the transaction ends, always in one order."""
    known = Client.objects.filter(name__in=names) | Client.objects.filter(domain__in=domains)
    return list(known.order_by("pk").select_for_update(no_key=True))


def write(clients: Sequence[Client]) -> None:
    """Insert the new ones of these and update the others, in two statements however many they are."""
    known = [client for client in clients if client.pk]
    Client.objects.bulk_create([client for client in clients if client.pk is None], batch_size=1000)
    rows = [{"id": one.pk, **{name: getattr(one, name) for name in _WRITTEN}} for one in known]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [json.dumps(rows)])
