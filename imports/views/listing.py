"""The list of imports, and the page that takes a file in."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_safe

from imports import access, uploads
from imports.forms import FilterForm, UploadForm
from imports.models import CsvBatch, CsvBatchQuerySet, counts_of
from imports.models.batch import LIVE
from imports.reading import MAX_BYTES, MAX_ROWS

PER_PAGE = 25
TABS = (
    ("", "All"),
    ("UPLOADED", "To start"),
    ("live", "Under way"),
    ("COMPLETED", "Completed"),
    ("FAILED", "Failed"),
)


@require_safe
@access.needs(access.VIEW)
def index(request: HttpRequest) -> HttpResponse:
    """All imports, newest first; a poll gets only the table, and nothing if it has not changed."""
    filters = FilterForm(request.GET)
    page = Paginator(_found(filters), PER_PAGE).get_page(request.GET.get("page"))
    counts = counts_of(batch.pk for batch in page)
    rows = [{"batch": batch, "counts": counts[batch.pk]} for batch in page]
    filtered = bool(request.GET.keys() - {"page", "v"})
    table = {"rows": rows, "page": page, "filtered": filtered, **access.rights(request.user)}
    content = render_to_string("imports/_imports.html", table, request)
    version = hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()[:12]
    if request.htmx and request.GET.get("v") == version:  # type: ignore[attr-defined]
        return HttpResponse(status=204)
    query = request.GET.copy()
    query.pop("v", None)
    live = any(batch.is_live for batch in page)
    context = {"table": content, "version": version, "query": query.urlencode(), "live": live}
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "imports/_poll.html", context)
    context |= {"filters": filters, "tabs": TABS, "status": filters.value("status"), **access.rights(request.user)}
    return render(request, "imports/list.html", context)


def _found(filters: FilterForm) -> CsvBatchQuerySet:
    found = CsvBatch.objects.search(filters.value("q")).select_related("uploaded_by").defer("checked", "headers")
    status = filters.value("status")
    if status == "live":
        return found.filter(status__in=LIVE)
    return found.filter(status=status) if status else found


@require_http_methods(["GET", "HEAD", "POST"])
@access.needs(access.VIEW, access.ADD)
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file in; the script sends it and gets JSON, a form without it gets a page."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return _page(request, UploadForm())
    plain = request.get_preferred_type(["text/html", "application/json"]) != "application/json"
    if not form.is_valid():
        words = "Choose a file."
        return _page(request, form, 400) if plain else JsonResponse({"words": words}, status=400)
    try:
        batch = uploads.receive(form.cleaned_data["file"], by=request.user, sender=str(request.user))  # type: ignore[arg-type]
    except uploads.AlreadyUploaded as known:
        again = {"words": str(known), "url": known.first.get_absolute_url(), "known": known.first}
        return _page(request, UploadForm(), 409, again=again) if plain else _known(again)
    except uploads.Refused as refused:
        if plain:
            return _page(request, UploadForm(), refused.status, refused=str(refused))
        return JsonResponse({"words": str(refused)}, status=refused.status)
    return redirect(batch) if plain else JsonResponse({"words": "", "url": batch.get_absolute_url()}, status=201)


def _known(again: dict[str, Any]) -> JsonResponse:
    return JsonResponse({"words": again["words"], "url": again["url"], "again": f"{again['url']}again/"}, status=409)


def _page(request: HttpRequest, form: UploadForm, status: int = 200, **more: Any) -> HttpResponse:
    limits = {"accepted": uploads.ACCEPTED, "most": MAX_BYTES // 1024**2, "rows": MAX_ROWS}
    return render(request, "imports/upload.html", {"form": form, **limits, **more}, status=status)
