"""The events that start a parse, and how one is sent for a stored transcript."""

from uuid import UUID

import jobs
from jobs.events import send
from jobs.models import Run
from jobs.types import Source
from transcripts.models import PARSE_SUFFIX, Transcript

UPLOADED = "transcript/uploaded"
GONG = "gong/transcript.parse"


def send_uploaded(transcript: Transcript, *, source: Source = Source.EVENT, sender: str = "") -> UUID:
    """Start a parse of this transcript in the caller's transaction and return its run.

    The row names the run before anybody can see either, so a transcript never waits for an event that was lost.
    """
    event = jobs.Event(name=UPLOADED, data=event_data(transcript))
    (sent,) = send([event], source=source, sender=sender)
    # Other functions may listen to uploads as well.
    parses = Run.objects.filter(pk__in=sent.run_ids, function__endswith=PARSE_SUFFIX)
    run_id = parses.values_list("pk", flat=True).get()
    Transcript.objects.filter(pk=transcript.pk).update(run=run_id)
    transcript.run = run_id
    return run_id


def event_data(transcript: Transcript) -> dict[str, int]:
    """Return the data of `transcript/uploaded`."""
    return {"transcript_id": transcript.pk}
