"""Pages of one import: what the file holds before it starts, how far it is, its rows, its downloads, and the verbs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from imports import access, exports, processors, records, setup, uploads, verbs
from imports.forms import SetupForm
from imports.models import BatchStatus, CsvBatch, RowStatus, counts_of
from imports.reading import Choices

STOP_POLLING = 286  # the status that tells htmx so
PER_PAGE = 50
SHOWN_PROBLEMS = 20


@require_safe
@access.needs(access.VIEW)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What a file holds, until it is started; then how far it is and what came of its rows."""
    batch = _batch(pk)
    if batch.status == BatchStatus.UPLOADED:
        return _setup_page(request, batch, SetupForm(batch))
    counts = counts_of([pk])[pk]
    wrong = batch.rows.filter(status__in=exports.WRONG).order_by("number")[:SHOWN_PROBLEMS]
    context = {"batch": batch, "counts": counts, "wrong": wrong, "wrong_count": counts.failed + counts.skipped}
    context |= {"state": _state(request, batch), "known": _known(batch), **access.rights(request.user)}
    return render(request, "imports/detail.html", context)


def _batch(pk: int) -> CsvBatch:
    return get_object_or_404(CsvBatch.objects.select_related("uploaded_by", "again_of"), pk=pk)


def _known(batch: CsvBatch) -> processors.Processor | None:
    return next((each for each in processors.every() if each.name == batch.processor), None)


def _setup_page(request: HttpRequest, batch: CsvBatch, form: SetupForm, status: int = 200) -> HttpResponse:
    known = _known(batch)
    size, delay, timeout = records.pace_of(batch) if known else (0, 0.0, 0.0)
    if known:
        for name, value in (("batch_size", size), ("delay", delay), ("row_timeout", timeout)):
            form.fields[name].widget.attrs["placeholder"] = f"{value:g}"
    problems = batch.checked.get("problems", [])
    context = {
        "batch": batch,
        "form": form,
        "known": known,
        "unavailable": known.unavailable() if known else "",
        "preview": batch.checked.get("preview", []),
        "rows": batch.checked.get("rows", 0),
        "good": batch.checked.get("good", 0),
        "wrong": batch.checked.get("rows", 0) - batch.checked.get("good", 0),
        "problems": problems[:SHOWN_PROBLEMS],
        "processors": processors.every(),
        **access.rights(request.user),
    }
    return render(request, "imports/setup.html", context, status=status)


@require_POST
@access.needs(access.VIEW, access.RUN)
def set_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the file as it is wished, and start it if that button was pressed and keeps what it promised."""
    batch = _batch(pk)
    if batch.status != BatchStatus.UPLOADED:
        messages.warning(request, f"“{batch}” has been started already.")
        return redirect(batch)
    form = SetupForm(batch, request.POST)
    if not form.is_valid():
        return _setup_page(request, batch, form, 400)
    try:
        batch = setup.change(pk, _wishes(form))
        if request.POST.get("verb") == "start":
            _start(request, batch)
    except (setup.NotChanged, verbs.NotPossible) as reason:
        messages.error(request, str(reason))
    return redirect(batch)


def _wishes(form: SetupForm) -> setup.Wishes:
    given = form.cleaned_data
    line = given["header_line"] if form.batch.header_line != given["header_line"] else form.batch.header_line
    choices = Choices(given.get("encoding", ""), given.get("delimiter", ""), given.get("sheet", ""), line)
    pace = {name: given[name] for name in ("batch_size", "delay", "row_timeout")}
    return setup.Wishes(given["processor"], form.mapping, choices, pace)


def _start(request: HttpRequest, batch: CsvBatch) -> None:
    good, rows = batch.checked["good"], batch.checked["rows"]
    if str(good) != request.POST.get("promised", str(good)):
        messages.warning(request, f"Read like that, {good:,} of {rows:,} rows can be imported; press Import to do so.")
        return
    verbs.start(batch.pk, by=str(request.user))
    messages.success(request, f"{good:,} row{'' if good == 1 else 's'} of “{batch}” are imported now.")


@require_safe
@access.needs(access.VIEW)
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """How far an import is, for polls; once it has ended, the page loads itself anew."""
    batch = get_object_or_404(CsvBatch.objects.defer("checked"), pk=pk)
    if not batch.is_live:
        return HttpResponse(status=STOP_POLLING, headers={"HX-Refresh": "true"})
    content = _state(request, batch)
    if f"v={request.GET.get('v')}" in content:
        return HttpResponse(status=204)
    return HttpResponse(content)


def _state(request: HttpRequest, batch: CsvBatch) -> str:
    context = {"batch": batch, "counts": counts_of([batch.pk])[batch.pk]}
    inside = render_to_string("imports/_state.html", context, request)
    version = hashlib.sha1(inside.encode(), usedforsecurity=False).hexdigest()[:12]
    return render_to_string("imports/_state_poll.html", {**context, "inside": inside, "version": version}, request)


@require_safe
@access.needs(access.VIEW)
def rows(request: HttpRequest, pk: int) -> HttpResponse:
    """The rows of a file in its order, all or those in one status."""
    batch = _batch(pk)
    counts = counts_of([pk])[pk]
    status = request.GET.get("status", "")
    found = batch.rows.order_by("number").defer("answer")
    if status in RowStatus.values:
        found = found.filter(status=status)
    page = _Counted(found, PER_PAGE, getattr(counts, status.lower(), counts.total)).get_page(request.GET.get("page"))
    tabs = [("", "All", counts.total), *((s.value, s.label, getattr(counts, s.value.lower())) for s in RowStatus)]
    shown = [{"value": v, "words": w, "count": c} for v, w, c in tabs if c or v in ("", status)]
    context = {"batch": batch, "page": page, "tabs": shown, "status": status}
    return render(request, "imports/rows.html", context | access.rights(request.user))


class _Counted(Paginator):
    """A paginator that is told how many there are instead of counting 100,000 rows."""

    def __init__(self, found: Any, per_page: int, count: int) -> None:
        super().__init__(found, per_page)
        self.count = count  # type: ignore[misc]


@require_safe
@access.needs(access.VIEW)
def results(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Every row with what came of it, as CSV."""
    return as_file(_batch(pk), exports.results, "results")


@require_safe
@access.needs(access.VIEW)
def errors(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The rows that failed or were left out, as CSV."""
    return as_file(_batch(pk), exports.errors, "errors")


def as_file(batch: CsvBatch, lines: Callable[[CsvBatch], Any], what: str) -> StreamingHttpResponse:
    """Return an answer that is sent line by line, named after the file that was uploaded."""
    response = StreamingHttpResponse(lines(batch), content_type="text/csv; charset=utf-8")
    name = f"{batch.original_filename.rsplit('.', 1)[0]}-{what}.csv"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
@access.needs(access.VIEW)
def download(request: HttpRequest, pk: int) -> FileResponse:
    """The uploaded file under its own name, always as a download: it is never shown as a page of ours."""
    batch = _batch(pk)
    try:
        content = batch.file.open("rb")
    except FileNotFoundError:
        raise Http404("The file is no longer in storage.") from None
    response = FileResponse(
        content, as_attachment=True, filename=batch.original_filename, content_type="application/octet-stream"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _verb(call: Callable[[HttpRequest, int], str]) -> Callable[..., HttpResponse]:
    """Make a view of a verb: it is done, or refused, in words."""

    @require_POST
    @access.needs(access.VIEW, access.RUN)
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        batch = _batch(pk)
        try:
            messages.success(request, call(request, pk))
        except verbs.NotPossible as reason:
            messages.warning(request, str(reason))
        return redirect(batch)

    return view


def _pause(request: HttpRequest, pk: int) -> str:
    return f"“{verbs.pause(pk)}” pauses after the batch under way."


def _resume(request: HttpRequest, pk: int) -> str:
    return f"“{verbs.resume(pk, by=str(request.user))}” goes on."


def _cancel(request: HttpRequest, pk: int) -> str:
    return f"“{verbs.cancel(pk, by=request.user)}” is cancelled; what had been imported stays."


def _retry(request: HttpRequest, pk: int) -> str:
    count = verbs.retry(pk, by=str(request.user))
    return f"{count:,} row{' is' if count == 1 else 's are'} tried again."


pause, resume, cancel, retry = _verb(_pause), _verb(_resume), _verb(_cancel), _verb(_retry)


@require_POST
@access.needs(access.VIEW, access.ADD)
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the same file in once more, deliberately."""
    first = _batch(pk)
    try:
        batch = uploads.repeat(first, by=request.user, sender=str(request.user))  # type: ignore[arg-type]
    except uploads.Refused as refused:
        messages.error(request, str(refused))
        return redirect(first)
    messages.success(request, f"“{batch}” is here again; nothing is imported until you start it.")
    return redirect(batch)
