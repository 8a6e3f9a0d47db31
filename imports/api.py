"""The JSON API for imports; every request carries `Authorization: Bearer <API key>`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils.datastructures import MultiValueDictKeyError

from imports import exports, processors, setup, uploads, verbs
from imports.models import CsvBatch, counts_of
from imports.reading import MAX_BYTES, Choices
from imports.views.batches import as_file
from jobs.api.answers import answer, methods, refusal
from jobs.keys import key_required
from jobs.types import Source

# What a multipart body may have beyond the file itself.
OVERHEAD = 64 * 1024
NOT_FOUND = "There is no import with this id."
TRUE = ("1", "true", "yes", "on")


@methods("POST")
@key_required("imports")
def upload(request: HttpRequest) -> HttpResponse:
    """Take in a multipart upload: `file`, and optionally `processor`, `mapping`, `start`, `again` and how it is read.

    201 {"id", "status", "run_id", "rows", "good", "mapping", "problems"}. The same bytes again answer 200 with the
    first one's values, `"duplicate": true` and its `url`. Refusals: 400 no file, or wishes that make no sense, 409 it
    cannot be started like that (it is stored: the answer has its `id`), 413 too large, 415 no rows.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES + OVERHEAD:
        return refusal(413, uploads.TOO_LARGE)
    try:
        file = request.FILES["file"]
        wishes = _wishes(request)
        batch = uploads.receive(
            file,
            sender=request.event_key.name,  # type: ignore[attr-defined]
            processor=wishes.processor,
            choices=wishes.choices,
            again=request.POST.get("again", "") in TRUE,
        )
    except MultiValueDictKeyError:
        return refusal(400, "Send the file as the multipart field `file`.")
    except (MultiPartParserError, RequestDataTooBig, TooManyFilesSent):
        return refusal(400, "The body is no multipart form that can be read.")
    except (ValueError, processors.UnknownProcessor) as error:
        return refusal(400, str(error))
    except uploads.Refused as refused:
        return refusal(refused.status, str(refused))
    except uploads.AlreadyUploaded as known:
        url = request.build_absolute_uri(known.first.get_absolute_url())
        return answer(_described(known.first) | {"duplicate": True, "url": url})
    return _taken(request, batch, wishes)


def _wishes(request: HttpRequest) -> setup.Wishes:
    given = request.POST
    if name := given.get("processor", ""):
        processors.get(name)
    try:
        mapping = json.loads(given["mapping"]) if given.get("mapping") else None
        header = int(given["header"]) if given.get("header") else None
    except (ValueError, RecursionError):
        raise ValueError("`mapping` is a JSON object of column and header, `header` a line's number.") from None
    texts = isinstance(mapping, dict) and all(isinstance(each, str) for each in mapping.values())
    if mapping is not None and not texts:
        raise ValueError("`mapping` is a JSON object: for each column of the processor the header that it is under.")
    choices = Choices(given.get("encoding", ""), given.get("delimiter", ""), given.get("sheet", ""), header)
    return setup.Wishes(processor=name, mapping=mapping, choices=choices)


def _taken(request: HttpRequest, batch: CsvBatch, wishes: setup.Wishes) -> HttpResponse:
    try:
        if wishes.mapping is not None:
            kept = setup.Wishes(processor=batch.processor, mapping={**batch.mapping, **wishes.mapping})
            batch = setup.change(batch.pk, kept)
        if request.POST.get("start", "") in TRUE:
            key = request.event_key.name  # type: ignore[attr-defined]
            batch = verbs.start(batch.pk, by=key, source=Source.HTTP)
    except (setup.NotChanged, verbs.NotPossible) as reason:
        return refusal(409, str(reason), id=batch.pk)
    created = answer(_described(batch), 201)
    created["Location"] = reverse("imports_api:status", args=[batch.pk])
    return created


def _described(batch: CsvBatch) -> dict[str, Any]:
    found = {"rows": batch.checked.get("rows", 0), "good": batch.checked.get("good", 0), "mapping": batch.mapping}
    return _short(batch) | found | {"problems": batch.checked.get("problems", [])[:100]}


def _short(batch: CsvBatch) -> dict[str, Any]:
    return {"id": batch.pk, "status": batch.status, "run_id": batch.run and str(batch.run)}


def _find(key: str) -> CsvBatch | None:
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    return CsvBatch.objects.filter(pk=int(key)).first()


@methods("GET")
@key_required("imports")
def status(request: HttpRequest, key: str) -> HttpResponse:
    """Tell how far an import is.

    200 {"id", "status", "run_id", "filename", "processor", "error", "rows": {"total", "processed", "successful",
    "failed", "skipped", "cancelled"}, "batch", "batches"}; 404 for an unknown id.
    """
    batch = _find(key)
    if batch is None:
        return refusal(404, NOT_FOUND)
    counts = counts_of([batch.pk])[batch.pk]
    rows = {"total": counts.total or batch.checked.get("rows", 0), "processed": counts.processed}
    rows |= {"successful": counts.completed, "failed": counts.failed}
    rows |= {"skipped": counts.skipped, "cancelled": counts.cancelled}
    told = {"filename": batch.original_filename, "processor": batch.processor, "error": batch.error or None}
    return answer(_short(batch) | told | {"rows": rows, "batch": batch.batch_now, "batches": batch.batches})


def _verb(call: Callable[[CsvBatch, str], Any]) -> Callable[..., HttpResponse]:
    """Make a view of a verb: 200 {"id", "status", "run_id"}, 404 for an unknown id, 409 if it is not possible now."""

    @methods("POST")
    @key_required("imports")
    def view(request: HttpRequest, key: str) -> HttpResponse:
        batch = _find(key)
        if batch is None:
            return refusal(404, NOT_FOUND)
        try:
            call(batch, request.event_key.name)  # type: ignore[attr-defined]
        except verbs.NotPossible as reason:
            return refusal(409, str(reason))
        batch.refresh_from_db(fields=["status", "run"])
        return answer(_short(batch))

    return view


start = _verb(lambda batch, by: verbs.start(batch.pk, by=by, source=Source.HTTP))
pause = _verb(lambda batch, by: verbs.pause(batch.pk))
resume = _verb(lambda batch, by: verbs.resume(batch.pk, by=by, source=Source.HTTP))
cancel = _verb(lambda batch, by: verbs.cancel(batch.pk, by=by))
retry = _verb(lambda batch, by: verbs.retry(batch.pk, by=by, source=Source.HTTP))


@methods("GET")
@key_required("imports")
def results(request: HttpRequest, key: str) -> Any:
    """Every row with what came of it, as CSV; with `?only=errors` those that failed or were left out."""
    batch = _find(key)
    if batch is None:
        return refusal(404, NOT_FOUND)
    if request.GET.get("only") == "errors":
        return as_file(batch, exports.errors, "errors")
    return as_file(batch, exports.results, "results")
