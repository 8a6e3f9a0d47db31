"""Pages of calls: the list, the insights of one, its file, and the verbs on its page."""

import hashlib
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from jobs.models import Run
from transcripts import access, contacts, records, retries
from transcripts.forms import FilterForm
from transcripts.models import OPEN, Role, Status, Transcript, TranscriptQuerySet

PER_PAGE = 25
TABS = (
    ("", "All", None),
    ("working", "Working", "running"),
    ("COMPLETED", "Completed", None),
    ("FAILED", "Failed", "failed"),
)
STOP_POLLING = 286  # the status that tells htmx so


@require_safe
@access.needs(access.VIEW)
def index(request: HttpRequest) -> HttpResponse:
    """All calls, newest first; a poll gets only the table, and nothing if it has not changed."""
    records.settle_abandoned()
    filters = FilterForm(request.GET)
    found = _filtered(filters, request)
    page = Paginator(_with_status(found, filters.value("status")), PER_PAGE).get_page(request.GET.get("page"))
    table = render_to_string("transcripts/_calls.html", _table(page, request), request)
    version = hashlib.sha1(table.encode(), usedforsecurity=False).hexdigest()[:12]
    if request.htmx and request.GET.get("v") == version:
        return HttpResponse(status=204)
    context = {"table": table, "version": version, "query": _query(request), "live": any(c.is_open for c in page)}
    if request.htmx:
        return render(request, "transcripts/_poll.html", context)
    context |= {"filters": filters, "tabs": _tabs(found, filters, request), **access.rights(request.user)}
    return render(request, "transcripts/list.html", context)


def _filtered(filters: FilterForm, request: HttpRequest) -> TranscriptQuerySet:
    found = Transcript.objects.search(filters.value("q"))
    if kind := filters.value("kind"):
        found = found.filter(note_type=kind)
    if filters.value("by") == "me":
        found = found.filter(uploaded_by=request.user)
    return found


def _with_status(found: TranscriptQuerySet, status: str) -> TranscriptQuerySet:
    if status:
        found = found.filter(status__in=OPEN if status == "working" else [status])
    return found.select_related("opportunity__account", "uploaded_by").defer("text", "raw_answer")


def _table(page: Page, request: HttpRequest) -> dict[str, Any]:
    runs = runs_of(list(page))
    rows = [{"call": call, "run": runs.get(call.run), "found": _found(call)} for call in page]
    filtered = bool(request.GET.keys() - {"page", "v"})
    return {"rows": rows, "page": page, "query": _query(request), "filtered": filtered, **access.rights(request.user)}


def runs_of(calls: list[Transcript]) -> dict[UUID, Run]:
    """Return the runs of the calls that are being parsed, with their journals."""
    wanted = [call.run for call in calls if call.is_open and call.run]
    return {run.pk: run for run in Run.objects.filter(pk__in=wanted).prefetch_related("journal")} if wanted else {}


def _found(call: Transcript) -> dict[str, int]:
    insights = call.insights or {}
    people = len(insights.get("people", ()))
    return {"people": people, "insights": sum(len(v) for v in insights.values() if isinstance(v, list)) - people}


def _tabs(found: TranscriptQuerySet, filters: FilterForm, request: HttpRequest) -> list[dict[str, Any]]:
    counts = dict(found.order_by().values_list("status").annotate(Count("pk")))
    counts |= {"": sum(counts.values()), "working": sum(counts.get(status, 0) for status in OPEN)}
    chosen = filters.value("status")
    return [
        {
            "words": words,
            "count": counts.get(key, 0),
            "tone": tone,
            "current": key == chosen,
            "query": _query(request, status=key),
        }
        for key, words, tone in TABS
    ]


def _query(request: HttpRequest, **changes: str) -> str:
    """Return the page's query string without what only polls add, and with these changes on its first page."""
    query = request.GET.copy()
    for name in ("v", *(("page", *changes) if changes else ())):
        query.pop(name, None)
    query.update({name: value for name, value in changes.items() if value})
    return query.urlencode()


@require_safe
@access.needs(access.VIEW)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The insights of one call and the runs that found them."""
    records.settle_abandoned()
    call = _call(pk)
    context = {"call": call, "people": people_of(call), "run": runs_of([call]).get(call.run)}
    return render(request, "transcripts/detail.html", context | access.rights(request.user))


def people_of(call: Transcript) -> list[dict[str, Any]]:
    """Return the people of a call for its table: each with a number, and whether they are a contact already."""
    known = contacts.known_from(call)
    return [
        {
            **person,
            "number": number,
            "contact": contacts.identity(person) in known,
            "part": dict(Role.choices).get(person["classified_role"], ""),
        }
        for number, person in enumerate((call.insights or {}).get("people", []))
    ]


def _call(pk: int) -> Transcript:
    return get_object_or_404(Transcript.objects.select_related("opportunity__account", "uploaded_by"), pk=pk)


@require_safe
@access.needs(access.VIEW)
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """The live steps of a call under way, for polls; once it has ended, the page loads itself anew."""
    records.settle_abandoned()
    call = get_object_or_404(Transcript.objects.defer("text", "raw_answer", "insights"), pk=pk)
    if call.status not in OPEN:
        return HttpResponse(status=STOP_POLLING, headers={"HX-Refresh": "true"})
    return render(request, "transcripts/_state.html", {"call": call, "run": runs_of([call]).get(call.run)})


@require_safe
@access.needs(access.VIEW)
def download(request: HttpRequest, pk: int) -> FileResponse:
    """The uploaded file, always as a download: what a stranger wrote is never shown as a page of ours."""
    call = _call(pk)
    if not call.file:
        raise Http404("This call came as text, without a file.")
    try:
        content = call.file.open("rb")
    except FileNotFoundError:
        raise Http404("The file is no longer in storage.") from None
    response = FileResponse(
        content, as_attachment=True, filename=call.filename or "transcript", content_type="application/octet-stream"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@require_POST
@access.needs(access.VIEW, access.RETRY)
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Parse a call again."""
    call = _call(pk)
    try:
        retries.retry(
            pk, by=str(request.user), seen_run=seen_run(request), completed_too=call.status == Status.COMPLETED
        )
    except retries.NothingToRetry as reason:
        messages.warning(request, str(reason))
    else:
        messages.success(request, f"“{call}” is parsed again.")
    return redirect(call)


def seen_run(request: HttpRequest) -> UUID | None:
    """Return the run that the person had in view when pressing Retry."""
    try:
        return UUID(request.POST.get("seen", ""))
    except ValueError:
        return None


@require_POST
@access.needs(access.VIEW, access.ADD_CONTACT)
def import_contacts(request: HttpRequest, pk: int) -> HttpResponse:
    """Make contacts of the chosen people."""
    call = _call(pk)
    chosen = contacts.chosen(request.POST.getlist("person"))
    if chosen:
        messages.success(request, contacts.in_words(*contacts.import_people(call, chosen)))
    else:
        messages.warning(request, contacts.NOBODY)
    return redirect(f"{reverse('transcripts:detail', args=[pk])}#people")
