"""Writing what comes in numbers, or what must not touch a person's entry."""

from django.db import connection

# Whose entry it is decides the database, in one statement: a person may be adding the same one right now.
_UPSERT = """
    INSERT INTO clients_competitor (client_id, name, domain, source, data, created_at)
    VALUES (%s, %s, %s, 'AI', '{}', now())
    ON CONFLICT (client_id, domain) DO UPDATE SET name = excluded.name
    WHERE clients_competitor.source = 'AI'
    RETURNING xmax = 0
"""


def upsert_competitor(client_id: int, name: str, domain: str) -> bool:
    """Store a competitor that a model named; returns whether it is new. A person's entry is never changed."""
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, [client_id, name, domain])
        row = cursor.fetchone()
    return bool(row and row[0])
