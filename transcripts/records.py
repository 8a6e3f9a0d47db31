"""What the steps of a parse write to the transcript's row, each write fenced by the run that owns it."""

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from jobs import clock
from jobs.errors import NonRetriableError
from jobs.models import Run
from jobs.types import Status as RunStatus
from transcripts import reading
from transcripts.formats.base import clean
from transcripts.insights import ClassifiedRole, Insights
from transcripts.models import OPEN, Status, Transcript

logger = logging.getLogger("transcripts")

CANCELLED = "Parsing was cancelled before it finished."
LOST = "Parsing stopped without a result; nothing is wrong with the call itself."
UNEXPECTED = (
    "Parsing failed for an unexpected reason ({name}); try again, and if it fails again tell your administrator."
)
# Errors of ours that may succeed later, and therefore are no NonRetriableError.
IN_WORDS = {"GeminiUnavailable", "RetryAfterError"}
TAKEN_OVER = "The call was deleted meanwhile, or a newer run has taken it over."
PLACEHOLDER = "Gong call"


class Superseded(NonRetriableError):
    """A newer run has taken this call over."""


@transaction.atomic
def begin(data: Mapping[str, Any], run_id: str) -> int:
    """Make this run the one that parses the call of an event, and return the transcript's id.

    Raises NonRetriableError where there is no such transcript, or where another run is parsing it right now.
    """
    brought_along = "transcript_id" not in data
    transcript = _from_gong(data) if brought_along else _uploaded(data["transcript_id"])
    # Only the owner counts. Other runs about it that are still live have not begun, and are refused here in turn.
    if transcript.run != UUID(run_id) and Run.objects.live().filter(pk=transcript.run).exists():
        raise NonRetriableError(f"“{transcript}” is being parsed by another run already.")
    transcript.status, transcript.run = Status.PARSING, UUID(run_id)
    transcript.error, transcript.interrupted = "", False
    transcript.save(update_fields=["status", "run", "error", "interrupted", *(["text"] if brought_along else [])])
    # An event of another system names no transcript; from here on its run is shown with the one it parses.
    Run.objects.filter(pk=run_id, subject="").update(subject=transcript.subject)
    return transcript.pk


def _uploaded(transcript_id: Any) -> Transcript:
    key = str(transcript_id)
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise NonRetriableError("The event names no transcript: transcript_id must be a number.")
    try:
        return Transcript.objects.select_for_update().get(pk=int(key))
    except Transcript.DoesNotExist:
        raise NonRetriableError(f"There is no transcript {key}; it may have been deleted.") from None


def _from_gong(data: Mapping[str, Any]) -> Transcript:
    call_id, text = str(data.get("gongCallId") or "").strip(), data.get("transcriptText")
    if not (call_id.isascii() and call_id.isalnum() and len(call_id) <= 40):
        raise NonRetriableError("The event names no call: it needs transcript_id, or gongCallId with transcriptText.")
    if not isinstance(text, str) or not text.strip():
        raise NonRetriableError("The event brings no words: transcriptText is empty.")
    transcript = Transcript.objects.select_for_update().filter(gong_call_id=call_id).first()
    if transcript is None:
        transcript = _new_call(call_id)
    transcript.text = clean(text)
    return transcript


def _new_call(call_id: str) -> Transcript:
    try:
        with transaction.atomic():
            return Transcript.objects.create(gong_call_id=call_id, title=f"{PLACEHOLDER} {call_id}")
    except IntegrityError:
        # The same call came twice at once, and the other run has made the row.
        return Transcript.objects.select_for_update().get(gong_call_id=call_id)


def read(transcript_id: int, run_id: str) -> dict[str, Any]:
    """Turn the file, or the text that came with an event, into the lines that the parser gets."""
    transcript = owned(transcript_id, run_id)
    call = reading.read(_content(transcript), transcript.filename or f"{transcript.title}.txt")
    changes: dict[str, Any] = {"format": call.format, "text": call.text}
    if call.title and transcript.title.startswith(PLACEHOLDER):
        changes["title"] = call.title[:200]
    _write(transcript_id, run_id, **changes)
    return {
        "format": str(call.format),
        "turns": len(call.turns),
        "speakers": list(call.speakers),
        "characters": len(call.text),
    }


def _content(transcript: Transcript) -> bytes:
    if not transcript.file:
        return transcript.text.encode()
    try:
        with transcript.file.open("rb") as stored:
            return stored.read()
    except FileNotFoundError:
        raise NonRetriableError(f"The file of “{transcript}” is no longer in storage; upload it again.") from None


def save_results(transcript_id: int, run_id: str, parsed: Mapping[str, Any], roles: list[str] | None) -> dict[str, int]:
    """Save the insights and complete the call; returns how many were found in each area."""
    insights = Insights.model_validate(parsed["insights"])
    if roles is not None:
        insights = insights.classified([ClassifiedRole(role) for role in roles])
    _write(
        transcript_id,
        run_id,
        insights=insights.to_json(),
        raw_answer=parsed["raw"].replace("\x00", "\ufffd"),
        parsed_by=parsed["parsed_by"],
        model=parsed["model"] or "",
        parsed_at=clock.now(),
        status=Status.COMPLETED,
        error="",
        interrupted=False,
    )
    return insights.counts()


def owned(transcript_id: int, run_id: str) -> Transcript:
    """Return the transcript if this run still owns it; else raise Superseded."""
    transcript = Transcript.objects.select_related("opportunity").filter(pk=transcript_id, run=run_id).first()
    if transcript is None:
        raise Superseded(TAKEN_OVER)
    if transcript.status == Status.FAILED:
        # Somebody retried the failed run itself, which goes on behind the step that marks the beginning.
        _write(transcript_id, run_id, status=Status.PARSING, error="", interrupted=False)
    return transcript


def _write(transcript_id: int, run_id: str, **changes: Any) -> None:
    if not Transcript.objects.filter(pk=transcript_id, run=run_id).update(**changes):
        raise Superseded(TAKEN_OVER)


def fail_with(run_id: str, words: str) -> bool:
    """Mark the call of a failed or cancelled run; False if the run owns none, or lives again by now."""
    with transaction.atomic():
        transcript = Transcript.objects.select_for_update().filter(run=run_id).first()
        if transcript is None or not _ended_badly(run_id, transcript):
            return False
        transcript.status, transcript.error, transcript.interrupted = Status.FAILED, words, False
        transcript.save(update_fields=["status", "error", "interrupted"])
        return True


def _ended_badly(run_id: str, transcript: Transcript) -> bool:
    status = Run.objects.filter(pk=run_id).values_list("status", flat=True).first()
    if status == RunStatus.CANCELLED:
        return transcript.status in OPEN
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


def settle_abandoned() -> int:
    """Give every call that waits for nothing its verdict; returns how many there were.

    Pages and the API call this before they show anything, so nobody ever sees a call that is parsing for ever.
    """
    return sum(_settle(pk) for pk in Transcript.objects.abandoned().values_list("pk", flat=True)[:500])


@transaction.atomic
def _settle(pk: int) -> bool:
    transcript = Transcript.objects.select_for_update(of=("self",)).filter(pk=pk, status__in=OPEN).first()
    if transcript is None or transcript.live_run() is not None:
        return False
    run = Run.objects.filter(pk=transcript.run).first() if transcript.run else None
    match run.status if run else None:
        case RunStatus.FAILED:
            words, interrupted = sentence(run.error), False
        case RunStatus.CANCELLED:
            words, interrupted = CANCELLED, False
        case _:
            words, interrupted = LOST, True
            logger.warning("Transcript %s was abandoned by its run %s", pk, transcript.run)
    transcript.status, transcript.error, transcript.interrupted = Status.FAILED, words, interrupted
    transcript.save(update_fields=["status", "error", "interrupted"])
    return True
