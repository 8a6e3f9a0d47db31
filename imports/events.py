"""The events of imports, and how the one that starts is sent in the transaction that queues the rows."""

from uuid import UUID

import jobs
from imports.models import CsvBatch
from jobs.events import send
from jobs.models import Run
from jobs.types import Source

PROCESS = "bulk/csv.process"
SLICE = "bulk/csv.slice"
RESUMED = "bulk/csv.resumed"
CANCEL = "bulk/csv.cancel"
PROCESS_SUFFIX = "-process-bulk-csv"


def send_process(batch: CsvBatch, *, source: Source = Source.EVENT, sender: str = "") -> UUID:
    """Start the run of a file in the caller's transaction and return it; the file names it before anybody sees it."""
    event = jobs.Event(name=PROCESS, data={"batchId": batch.pk})
    (sent,) = send([event], source=source, sender=sender[:100])
    runs = Run.objects.filter(pk__in=sent.run_ids, function__endswith=PROCESS_SUFFIX)
    batch.run = runs.values_list("pk", flat=True).get()
    return batch.run
