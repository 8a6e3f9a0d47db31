"""Deleting a call leaves nothing of it: neither its file nor its entry in a history."""

from django.core.files.storage import default_storage
from django.db import transaction

from transcripts import history
from transcripts.models import Transcript


@transaction.atomic
def remove(transcript: Transcript) -> None:
    """Delete a call; its contacts stay, and a run that parses it ends in words."""
    stored, opportunity = transcript.file.name, transcript.opportunity_id
    history.drop(transcript.pk, opportunity)
    transcript.delete()
    if stored:
        # Not before the commit: a file that is gone cannot be rolled back.
        transaction.on_commit(lambda: default_storage.delete(stored), robust=True)
