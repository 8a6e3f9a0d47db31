"""Storing releases, 500 a statement: what is new or changed is written, everything else is left alone.

The key is (ocid, release id). The releases of one ocid make the tender together, whatever the order they come in;
undated ones count as oldest, and equal dates go by their id.
"""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg
from django.db import connection, transaction

from tenders.merging import merged
from tenders.models.tender import Publication
from tenders.ocds import compiling, notice, package
from tenders.ocds.notice import Notice

BATCH = 500
_OLDEST = datetime.min.replace(tzinfo=UTC)
# Column and PostgreSQL type, in the order of the statement.
_COLUMNS = {
    "ocid": "text",
    "source": "text",
    "publication_id": "bigint",
    "release_id": "text",
    "released_at": "timestamptz",
    "tag": "text",
    "number": "text",
    "title": "text",
    "display_title": "text",
    "description": "text",
    "status": "text",
    "buyer": "text",
    "organ_type": "text",
    "category": "text",
    "detailed_category": "text",
    "tender_type": "text",
    "type_class": "text",
    "e_submission": "boolean",
    "value": "numeric",
    "value_low": "numeric",
    "value_high": "numeric",
    "currency": "text",
    "opens_at": "timestamptz",
    "closes_at": "timestamptz",
    "province": "text",
    "city": "text",
    "delivery_location": "text",
    "special_conditions": "text",
    "contact_name": "text",
    "contact_email": "text",
    "contact_phone": "text",
    "has_briefing": "boolean",
    "briefing_compulsory": "boolean",
    "briefing_at": "timestamptz",
    "briefing_venue": "text",
    "documents": "jsonb",
    "awards": "jsonb",
    "suppliers": "text",
    "data_quality_score": "smallint",
    "filled_by": "jsonb",
}
_NAMES = ", ".join(_COLUMNS)
_SELECTED = ", ".join(f"{name}::jsonb" if kind == "jsonb" else name for name, kind in _COLUMNS.items())
_UNNEST = ", ".join(f"%b::{'text' if kind == 'jsonb' else kind}[]" for kind in _COLUMNS.values())
_UPDATES = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "ocid")

_STORE_RELEASES = """
INSERT INTO tenders_release AS known
    (ocid, release_id, source, publication_id, released_at, received_at, digest, raw)
SELECT ocid, release_id, source, %s::bigint, released_at, statement_timestamp(), digest, raw
FROM unnest(%b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::bytea[], %b::text[])
    AS new (ocid, release_id, source, released_at, digest, raw)
ON CONFLICT (ocid, release_id) DO UPDATE
SET raw = excluded.raw, digest = excluded.digest, released_at = excluded.released_at,
    received_at = excluded.received_at, publication_id = excluded.publication_id
WHERE known.digest <> excluded.digest
RETURNING ocid, release_id, (xmax = 0)
"""
_INSERT_TENDERS = f"""
INSERT INTO tenders_tender AS known
    ({_NAMES}, enrichment_note, enriched_at, first_seen_at, changed_at)
SELECT {_SELECTED}, '', NULL, statement_timestamp(), statement_timestamp()
FROM unnest({_UNNEST}) AS new ({_NAMES})
"""
# The first statement inserts, and waits for another worker that does the same; whoever finds the tender there locks it
# and reads all its releases only then, the other worker's among them.
_ADD_TENDERS = f"{_INSERT_TENDERS} ON CONFLICT (ocid) DO NOTHING RETURNING ocid"
_STORE_TENDERS = f"{_INSERT_TENDERS} ON CONFLICT (ocid) DO UPDATE SET {_UPDATES}, changed_at = excluded.changed_at"
_LOCK = "SELECT ocid, filled_by <> '{}' FROM tenders_tender WHERE ocid = ANY(%s) ORDER BY ocid FOR UPDATE"
_SEVERAL = "SELECT ocid FROM tenders_release WHERE ocid = ANY(%s) GROUP BY ocid HAVING count(*) > 1"
_RELEASES = """
SELECT ocid, release_id, released_at, publication_id, raw FROM tenders_release WHERE ocid = ANY(%s)
ORDER BY ocid, coalesce(released_at, '-infinity'), release_id
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A notice with the release it was read from: its text, and the digest of what it says."""

    notice: Notice
    raw: str
    digest: bytes

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same release as another."""
        return self.notice.ocid, self.notice.release_id

    @property
    def age(self) -> tuple[datetime, str]:
        """What makes it newer than another release of its ocid."""
        return self.notice.released_at or _OLDEST, self.notice.release_id


def publication_id(published: package.Publication) -> int:
    """Return the row of a publisher and licence."""
    found, _ = Publication.objects.get_or_create(publisher=published.publisher, licence=published.licence)
    return found.pk


def prepare_for_many() -> None:
    """Let the search index take many new words at once, for the rest of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL gin_pending_list_limit = '64MB'")


def store(rows: Sequence[Row], publication: int) -> dict[str, int]:
    """Store up to 500 releases, each key once; returns how many were added, updated and unchanged."""
    # In one order, so that two workers with the same tenders never wait for each other in a circle.
    ordered = sorted(rows, key=lambda row: row.key)
    with transaction.atomic():
        written = _store_releases(ordered, publication)
        changed = [row for row in ordered if row.key in written]
        if changed:
            _store_tenders(list({row.notice.ocid: row for row in sorted(changed, key=_by_age)}.values()), publication)
    added = sum(written.values())
    return {"added": added, "updated": len(written) - added, "unchanged": len(rows) - len(written)}


def _by_age(row: Row) -> tuple[str, datetime, str]:
    return row.notice.ocid, *row.age


def _store_releases(rows: Sequence[Row], publication: int) -> dict[tuple[str, str], bool]:
    """Return the keys of those that were new or different: True if new."""
    columns = [
        [row.notice.ocid for row in rows],
        [row.notice.release_id for row in rows],
        [row.notice.fields["source"] for row in rows],
        [row.notice.released_at for row in rows],
        [row.digest for row in rows],
        [row.raw for row in rows],
    ]
    with _cursor() as cursor:
        cursor.execute(_STORE_RELEASES, [publication, *columns])
        return {(ocid, release_id): new for ocid, release_id, new in cursor.fetchall()}


def _store_tenders(rows: Sequence[Row], publication: int) -> None:
    """Store the tenders of changed releases, of each the newest: new ones as they are, others of all their releases."""
    ocids = [row.notice.ocid for row in rows]
    with _cursor() as cursor:
        plain = [_values(merged(row.notice, ()), row.notice, publication) for row in rows]
        new = {ocid for (ocid,) in cursor.execute(_ADD_TENDERS, _by_column(plain)).fetchall()}
        several = {ocid for (ocid,) in cursor.execute(_SEVERAL, [ocids]).fetchall()}
        rest = [ocid for ocid in ocids if ocid not in new or ocid in several]
        if not rest:
            return
        filled = {ocid for ocid, is_filled in cursor.execute(_LOCK, [rest]).fetchall() if is_filled}
        releases = cursor.execute(_RELEASES, [rest]).fetchall()
        together = [_together(list(each), filled) for _, each in groupby(releases, itemgetter(0))]
        cursor.execute(_STORE_TENDERS, _by_column(together))


def _together(releases: list[tuple[Any, ...]], filled: Container[str]) -> dict[str, Any]:
    """Return the columns of a tender from all its releases, the oldest first."""
    ocid, release_id, released_at, publication, _ = releases[-1]
    said = compiling.compiled([json.loads(raw) for *_, raw in releases])
    found = replace(notice.read(said, ocid), ocid=ocid, release_id=release_id, released_at=released_at)
    return _values(merged(found, filled), found, publication)


def _by_column(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in _COLUMNS]


def _cursor() -> psycopg.Cursor[Any]:
    """A cursor that sends parameters beside the statement, and arrays in binary.

    Django's writes them into the statement as literals, which takes six times as long for 500 releases.
    """
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


def _values(fields: dict[str, Any], notice: Notice, publication: int) -> dict[str, Any]:
    own = {
        "ocid": notice.ocid,
        "release_id": notice.release_id,
        "released_at": notice.released_at,
        "publication_id": publication,
    }
    return fields | own
