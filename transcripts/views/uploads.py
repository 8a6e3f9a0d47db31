"""The upload page: a plain form for many files, and the answers that its script asks for."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from jobs.types import Source
from transcripts import access, formats, records, uploads
from transcripts.forms import UploadForm
from transcripts.models import Transcript
from transcripts.views.calls import runs_of

MOST_ROWS = 200


@require_http_methods(["GET", "HEAD", "POST"])
@access.needs(access.VIEW, access.ADD)
def upload(request: HttpRequest) -> HttpResponse:
    """Take files in; the script sends them one by one and gets JSON, a form without it gets a page."""
    if request.method != "POST":
        return _page(request, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return _answer(request, form)
    if not form.is_valid():
        return _page(request, form, status=400)
    outcomes = [uploads.outcome(file, _about(form, request)) for file in form.cleaned_data["files"]]
    refused = [outcome for outcome in outcomes if outcome["status"] != 201]
    if not refused:
        return _taken(request, outcomes)
    status = 200 if len(refused) < len(outcomes) else refused[0]["status"]
    return _page(request, UploadForm(), status=status, outcomes=outcomes)


def _taken(request: HttpRequest, outcomes: list[dict[str, Any]]) -> HttpResponse:
    if len(outcomes) == 1:
        return redirect(outcomes[0]["transcript"])
    messages.success(request, f"{len(outcomes)} calls were uploaded and are parsed now.")
    return redirect("transcripts:list")


def _answer(request: HttpRequest, form: UploadForm) -> JsonResponse:
    if not form.is_valid():
        words = " ".join(error for errors in form.errors.values() for error in errors)
        return JsonResponse({"words": words}, status=400)
    outcome = uploads.outcome(form.cleaned_data["files"][0], _about(form, request))
    call = outcome["transcript"]
    found = {"id": call.pk, "url": call.get_absolute_url()} if call else {}
    return JsonResponse({"words": outcome["words"], **found}, status=outcome["status"])


def _about(form: UploadForm, request: HttpRequest) -> uploads.About:
    given = form.cleaned_data
    return uploads.About(
        title=given["title"],
        opportunity=given.get("opportunity"),
        note_type=given["note_type"],
        call_date=given["call_date"],
        source_url=given["source_url"],
        uploaded_by=request.user,
        sender=str(request.user),
        source=Source.MANUAL,
    )


def _page(request: HttpRequest, form: UploadForm, status: int = 200, **more: Any) -> HttpResponse:
    context = {"form": form, "accepted": formats.ACCEPTED, "most": formats.MAX_BYTES // 1024**2, **more}
    return render(request, "transcripts/upload.html", context, status=status)


@require_safe
@access.needs(access.VIEW)
def rows(request: HttpRequest) -> HttpResponse:
    """The state of the uploads on a page, all in one answer."""
    records.settle_abandoned()
    ids = [int(i) for i in request.GET.get("ids", "").split(",") if i.isascii() and i.isdigit() and len(i) < 19]
    calls = list(Transcript.objects.filter(pk__in=ids[:MOST_ROWS]).defer("text", "raw_answer", "insights"))
    runs = runs_of(calls)
    context = {"rows": [{"call": call, "run": runs.get(call.run)} for call in calls]}
    return render(request, "transcripts/_upload_rows.html", context | access.rights(request.user))
