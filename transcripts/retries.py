"""Parsing again: one call, or all that are stuck; safe to press twice."""

from uuid import UUID

from django.db import transaction

from jobs.types import Source
from transcripts import events
from transcripts.models import Status, Transcript


class NothingToRetry(Exception):
    """This call needs no other parse now; the message says why."""


@transaction.atomic
def retry(transcript_id: int, *, by: str, seen_run: UUID | None = None, completed_too: bool = False) -> UUID:
    """Clear the error and start a new parse in one transaction; return its run.

    seen_run: the run the person had in view; if it has been replaced since, the second press of a double click
    changes nothing. completed_too: parse a call again that has its insights already.
    Raises NothingToRetry, in words, or Transcript.DoesNotExist.
    """
    transcript = Transcript.objects.select_for_update().get(pk=transcript_id)
    if seen_run is not None and transcript.run != seen_run:
        raise NothingToRetry(f"“{transcript}” has been started again already.")
    if transcript.live_run() is not None:
        raise NothingToRetry(f"“{transcript}” is being parsed right now; wait until that has ended.")
    if transcript.status == Status.COMPLETED and not completed_too:
        raise NothingToRetry(f"“{transcript}” is parsed already, so there is nothing to retry.")
    transcript.status, transcript.error, transcript.interrupted = Status.PENDING, "", False
    transcript.save(update_fields=["status", "error", "interrupted"])
    return events.send_uploaded(transcript, source=Source.MANUAL, sender=by[:100])


def retry_stuck(*, by: str) -> int:
    """Retry every call whose run is gone without a verdict; returns how many were started."""
    started = 0
    for pk in list(Transcript.objects.stuck().order_by("pk").values_list("pk", flat=True)):
        try:
            retry(pk, by=by)
        except (NothingToRetry, Transcript.DoesNotExist):
            continue  # somebody was faster with this one
        started += 1
    return started
