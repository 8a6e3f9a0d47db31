"""The copy of a client in Supabase: its row is patched, its competitors are upserted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
from django.conf import settings
from django.db import transaction

from clients import records
from clients.models import ENRICHED, AIStatus, Client, Competitor
from config import supabase
from jobs.errors import NonRetriableError, RetryAfterError

# What PostgREST answers where a row would break a constraint, or `on_conflict` names columns that are not unique.
_CONFLICTS = {"23505", "23503", "23502", "23514", "42P10"}


class MirrorUnavailable(Exception):
    """Supabase did not answer, or not sensibly; trying again may help."""


class MirrorRefused(NonRetriableError):
    """Supabase refuses the copy; something is wrong with its tables, the key or the row."""


def is_configured() -> bool:
    """Whether there is somewhere to copy to."""
    return bool(settings.SUPABASE_URL and settings.SUPABASE_KEY and settings.SUPABASE_MIRROR)


def push(client_id: int, run_id: str | None) -> dict[str, int]:
    """Copy the client and its competitors as they are stored here; returns {"competitors"}, the number of those.

    Raises MirrorRefused if Supabase has no such client (its PATCH changes no row) or reports a conflict.
    """
    client = Client.objects.get(pk=client_id)
    competitors = list(client.competitors.all())
    with _translated():
        tables = supabase.connected()
        changed = tables.table("clients").update(_row(client)).eq("id", client_id).execute().data
        if not changed:
            raise MirrorRefused(f"Supabase has no client with the id {client_id}, so nothing was copied to it.")
        rows = _unclaimed(tables, competitors)
        if rows:
            tables.table("competitors").upsert(rows, on_conflict="client_id,domain").execute()
    _recovered(client_id, run_id)
    return {"competitors": len(rows)}


def _row(client: Client) -> dict[str, Any]:
    enhanced_at = client.ai_enhanced_at
    return {
        **{name: getattr(client, name) for name in ENRICHED},
        # The verdict of the run under way, whatever an earlier attempt of this very step has left here.
        "ai_status": AIStatus.COMPLETED.value,
        "ai_error": "",
        "ai_enhanced_at": enhanced_at.isoformat() if enhanced_at else None,
        "ai_enhancement_count": client.ai_enhancement_count,
    }


def _unclaimed(tables: Any, competitors: list[Competitor]) -> list[dict[str, Any]]:
    """Return the rows to upsert: never an AI's over one that a person entered over there."""
    by_people: set[str] = set()
    if competitors:
        asked = tables.table("competitors").select("domain").eq("client_id", competitors[0].client_id)
        by_people = {row["domain"] for row in asked.eq("source", "MANUAL").retry(False).execute().data}
    return [
        {"client_id": rival.client_id, "name": rival.name, "domain": rival.domain, "source": rival.source}
        for rival in competitors
        if rival.source == Competitor.Source.MANUAL or rival.domain not in by_people
    ]


@transaction.atomic
def _recovered(client_id: int, run_id: str | None) -> None:
    records.recover(records.owned(client_id, run_id))


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the client's errors into ours: a conflict, a refusal, or unavailable for now."""
    from postgrest.exceptions import APIError

    try:
        yield
    except APIError as error:
        raise _error(error) from None
    except httpx.HTTPError as error:
        raise MirrorUnavailable(f"Supabase does not answer ({type(error).__name__}).") from error


def _error(error: Any) -> Exception:
    code = str(error.code or "")
    said = " ".join(str(part) for part in (error.message, error.details) if part)[:300]
    if code in _CONFLICTS:
        return MirrorRefused(f"Supabase reports a conflict with what is stored there: {said}")
    if code == "429":
        return RetryAfterError("Supabase is busy.", timedelta(seconds=30))
    # PostgREST's own codes for a database that is away, and the statuses of whatever stands in front of it.
    if code in {"PGRST000", "PGRST001", "PGRST002", "PGRST003", "408"} or code.startswith(("5", "08", "57")):
        return MirrorUnavailable(f"Supabase is unavailable for now ({code}): {said}")
    return MirrorRefused(f"Supabase refuses the copy ({code or 'no code'}): {said}")
