"""Where the enrichment of a client stands: every write to its AI status, fenced by the run that owns it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from clients.models import AIStatus, Client
from jobs.errors import NonRetriableError
from jobs.models import Run
from jobs.types import Status as RunStatus

CANCELLED = "It was cancelled before it finished."
UNEXPECTED = "It failed for an unexpected reason ({name}); try again, and if it fails again tell your administrator."
# Errors of ours that may succeed later, and therefore are no NonRetriableError.
IN_WORDS = {"ModelUnavailable", "MirrorUnavailable", "RetryAfterError"}
TAKEN_OVER = "The client was deleted meanwhile, or a newer run has taken it over."


class Superseded(NonRetriableError):
    """A newer run has taken this client over."""


def number(given: Any, what: str) -> int:
    """Return the id that an event names; raises NonRetriableError with these words if it is none."""
    key = str(given)
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise NonRetriableError(f"The event names no client: {what} is {given!r} and must be a client's number.")
    return int(key)


@transaction.atomic
def begin(client_id: int, run_id: str) -> Client:
    """Make this run the one that enhances the client, and return it; raises NonRetriableError for an unknown one."""
    client = Client.objects.select_for_update(no_key=True).filter(pk=client_id).first()
    if client is None:
        raise NonRetriableError(f"There is no client {client_id}; it may have been deleted.")
    client.ai_status, client.ai_error = AIStatus.PROCESSING, ""
    client.run = UUID(run_id)
    client.save(update_fields=["ai_status", "ai_error", "run"])
    return client


def owned(client_id: int, run_id: str | None) -> Client:
    """Return the client, locked, if this run still owns it; else raise Superseded. None asks for no owner.

    The lock lets others insert what refers to the client: a person who adds a competitor right now must not wait for
    us while we wait for their row.
    """
    client = Client.objects.select_for_update(no_key=True).filter(pk=client_id).first()
    if client is None:
        raise NonRetriableError(f"There is no client {client_id}; it may have been deleted.")
    if run_id is not None and client.run != UUID(run_id):
        raise Superseded(TAKEN_OVER)
    return client


def complete(client: Client) -> None:
    """Mark the client as enhanced; the caller saves it."""
    client.ai_status, client.ai_error = AIStatus.COMPLETED, ""


def recover(client: Client) -> None:
    """Take back the verdict of a failed step after somebody retried the run and it went well."""
    if client.ai_status != AIStatus.COMPLETED:
        complete(client)
        client.save(update_fields=["ai_status", "ai_error"])


def fail(client_id: int, words: str) -> None:
    """Mark a client for which a row of a file could not get an answer."""
    Client.objects.filter(pk=client_id).update(ai_status=AIStatus.FAILED, ai_error=words)


@transaction.atomic
def fail_with(run_id: str, words: str) -> bool:
    """Mark the client of a failed or cancelled run; False if the run owns none, or lives again by now."""
    client = Client.objects.select_for_update(no_key=True).filter(run=run_id).first()
    status = Run.objects.filter(pk=run_id).values_list("status", flat=True).first()
    if client is None or not _ended_badly(status, client):
        return False
    client.ai_status, client.ai_error = AIStatus.FAILED, words
    client.save(update_fields=["ai_status", "ai_error"])
    return True


def _ended_badly(status: str | None, client: Client) -> bool:
    if status == RunStatus.CANCELLED:
        return client.is_processing
    return status == RunStatus.FAILED


def sentence(error: Mapping[str, Any] | None) -> str:
    """Return one sentence for people from a run's error.

    Our own errors carry their sentence as the message's last line; what any other error says is for programmers.
    """
    error = error or {}
    lines = [line.strip() for line in str(error.get("message") or "").splitlines() if line.strip()]
    if not lines or (error.get("code") != "non_retriable" and error.get("name") not in IN_WORDS):
        return UNEXPECTED.format(name=error.get("name") or "no error given")
    words = lines[-1] if len(lines[-1]) <= 400 else f"{lines[-1][:399]}…"
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."
