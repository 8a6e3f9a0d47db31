"""Pages to read: the list, one client, and its progress while a run is at work."""

import hashlib
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from clients import access, events, listing, model
from clients.forms import BriefForm, CompetitorForm, FilterForm, QueriesForm, UserForm
from clients.models import LISTS, TEXTS, Client, ContentBrief
from clients.presenting import failed_keywords, fields_of
from jobs.models import Run

STOP_POLLING = 286  # the status that tells htmx so
MOST_QUERIES = 200


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    """All clients; a poll gets only the table, and nothing if it has not changed."""
    filters = FilterForm(request.GET)
    found = access.visible(request.user).search(filters.value("q"))
    page = listing.page_of(found, filters, request.GET.get("page"))
    query = listing.query_of(request.GET)
    filtered = bool(request.GET.keys() - {"page", "v", "sort"})
    context = {"page": page, "query": query, "filtered": filtered, **access.rights(request.user)}
    table = render_to_string("clients/_clients.html", context, request)
    version = hashlib.sha1(table.encode(), usedforsecurity=False).hexdigest()[:12]
    if request.htmx and request.GET.get("v") == version:
        return HttpResponse(status=204)
    live = any(client.is_processing for client in page)
    context |= {"table": table, "version": version, "live": live}
    if request.htmx:
        return render(request, "clients/_poll.html", context)
    context |= {"filters": filters, "tabs": listing.tabs(found, filters, request.GET), "no_key": _no_key()}
    return render(request, "clients/list.html", context)


@require_safe
@login_required
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One client: what is known, who said so, and everything that can be started for it."""
    return page_of(request, access.client(request, pk))


def page_of(request: HttpRequest, client: Client, status: int = 200, **forms: Any) -> HttpResponse:
    """Show a client's page; `forms` are those that were refused, with their errors."""
    briefs = client.briefs.all()
    context = {
        "client": client,
        "texts": fields_of(client, TEXTS),
        "lists": fields_of(client, LISTS),
        "competitors": client.competitors.all(),
        "queries": client.queries.all()[:MOST_QUERIES],
        "failed_keywords": failed_keywords(client),
        "briefs": briefs,
        "users": client.users.select_related("user"),
        "why_not": events.why_not(client),
        "no_key": _no_key(),
        "run": _run_of(client),
        "competitor_form": CompetitorForm(),
        "queries_form": QueriesForm(initial={"keywords": client.keywords}),
        "brief_form": BriefForm(initial={"keywords": client.keywords}, prefix="brief"),
        "user_form": UserForm(prefix="user"),
        **access.rights(request.user, client),
        **forms,
    }
    return render(request, "clients/detail.html", context, status=status)


@require_safe
@login_required
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """The live steps of an enrichment under way, for polls; once it has ended, the page loads itself anew."""
    client = access.client(request, pk)
    if not client.is_processing:
        return HttpResponse(status=STOP_POLLING, headers={"HX-Refresh": "true"})
    return render(request, "clients/_state.html", {"client": client, "run": _run_of(client)})


@require_safe
@login_required
def brief(request: HttpRequest, pk: int) -> HttpResponse:
    """One brief with the sections that are written by now."""
    found = access.brief(request, pk)
    return render(request, "clients/brief.html", {"brief": found, **_verbs(request, found)})


@require_safe
@login_required
def brief_state(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress of a brief, for polls; nothing if it has not changed, and at the end the page loads itself anew."""
    found = access.brief(request, pk)
    if not found.is_open:
        return HttpResponse(status=STOP_POLLING, headers={"HX-Refresh": "true"})
    if request.GET.get("v") == f"{found.status}{found.written}":
        return HttpResponse(status=204)
    return render(request, "clients/_brief.html", {"brief": found})


def _verbs(request: HttpRequest, found: ContentBrief) -> dict[str, Any]:
    failed = found.status == ContentBrief.Status.FAILED
    return {"may_retry": failed and request.user.has_perms([access.VIEW, access.ADD_BRIEF])}


def _run_of(client: Client) -> Run | None:
    if not client.is_processing:
        return None
    return Run.objects.filter(pk=client.run).prefetch_related("journal").first()


def _no_key() -> str:
    return "" if model.is_configured() else model.NO_KEY
