"""The page that runs the captures: its buttons, the queue, fan-outs and the budget; and the repositories' own forms."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from pulls import standing, verbs
from pulls.github import client, errors
from pulls.models import Repository

PERMISSION = "pulls.run_captures"
_PRESS = re.compile(r"[0-9a-f]{12}")


@admin.register(Repository)
class RepositoryAdmin(admin.ModelAdmin):
    """Repositories: added, switched on and off, and synced by hand."""

    list_display = ("__str__", "active", "priority", "sync_every", "last_synced_at", "error")
    list_filter = ("active", "priority")
    search_fields = ("owner", "name")
    fields = ("owner", "name", "active", "priority", "sync_every")
    actions = ("sync_chosen",)
    list_per_page = 50

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Whether this person may start captures."""
        return request.user.has_perm(PERMISSION)

    @admin.action(description="Sync now", permissions=["run"])
    def sync_chosen(self, request: HttpRequest, chosen: QuerySet[Repository]) -> None:
        """Sync the chosen repositories."""
        try:
            tell(request, verbs.sync_now(str(request.user), list(chosen)))
        except verbs.NotPossible as reason:
            messages.warning(request, str(reason))

    def get_urls(self) -> list[URLPattern]:
        """Add the console and the addresses of its buttons, all of them POST."""
        console = self.admin_site.admin_view(self.console)
        verb = require_POST(self.admin_site.admin_view(self.press))
        own = [path("console/", console, name="pulls_console"), path("console/<str:verb>/", verb, name="pulls_verb")]
        return [*own, *super().get_urls()]

    def console(self, request: HttpRequest) -> HttpResponse:
        """Show buttons and how things stand; a poll gets what changes, and nothing if it has not changed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        press = request.GET.get("press", "")
        context = {"press": press if _PRESS.fullmatch(press) else "", "may": request.user.has_perm(PERMISSION)}
        stand = render_to_string("pulls/admin/_standing.html", context | _standing(context["press"]), request)
        version = hashlib.sha1(stand.encode(), usedforsecurity=False).hexdigest()[:12]
        if request.htmx and request.GET.get("v") == version:  # type: ignore[attr-defined]
            return HttpResponse(status=204)
        context |= {"stand": stand, "version": version}
        if request.htmx:  # type: ignore[attr-defined]
            return render(request, "pulls/admin/_poll.html", context)
        gaps = standing.gaps() if request.GET.get("gaps") else None
        more = {"gaps": gaps, "repositories": Repository.objects.active(), "budget": standing.budget()}
        return render(request, "pulls/admin/console.html", context | more)

    def press(self, request: HttpRequest, verb: str) -> HttpResponse:
        """Do what a button says."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        by, query = str(request.user), ""
        try:
            match verb:
                case "sync-now":
                    query = f"?press={tell(request, verbs.sync_now(by, _chosen(request))).id}"
                case "bootstrap":
                    query = f"?press={tell(request, verbs.bootstrap(by)).id}"
                case "quick-fix":
                    query = f"?press={tell(request, verbs.quick_fix(by, request.POST.get('name', ''))).id}"
                case "rate-limits":
                    _tell_limits(request)
                case _:
                    raise Http404
        except verbs.NotPossible as reason:
            messages.warning(request, str(reason))
        return redirect(reverse("admin:pulls_console") + query)


def tell(request: HttpRequest, press: verbs.Press) -> verbs.Press:
    """Say how many jobs were queued, with the way to their runs, and write it into the admin's history."""
    runs = f"{reverse('admin:jobs_run_changelist')}?q={press.search}"
    words = f"Queued {press.count:,} job{'' if press.count == 1 else 's'}"
    messages.success(request, format_html('{}: {}. <a href="{}">See the runs</a>', words, press.words, runs))
    LogEntry.objects.create(
        user_id=request.user.pk,
        content_type=ContentType.objects.get_for_model(Repository),
        object_repr=press.words[:200],
        action_flag=CHANGE,
        change_message=f"{words}: {press.words}.",
    )
    return press


def _chosen(request: HttpRequest) -> list[Repository] | None:
    pk = request.POST.get("repository", "")
    if not pk:
        return None
    return list(Repository.objects.filter(pk=int(pk))) if pk.isascii() and pk.isdigit() and len(pk) < 10 else []


def _tell_limits(request: HttpRequest) -> None:
    try:
        core = client.rate_limit()
    except (errors.GitHubUnavailable, errors.GitHubRefused, errors.Limited) as error:
        messages.error(request, str(error))
        return
    whose = "" if standing.budget()["token"] else " There is no token (GITHUB_TOKEN), so it is 60 an hour."
    words = f"GitHub allows {core.get('remaining', 0):,} of {core.get('limit', 0):,} requests until the next reset."
    messages.success(request, words + whose)


def _standing(press: str) -> dict[str, Any]:
    return {
        "budget": standing.budget(),
        "queue": standing.queue(),
        "batches": standing.batches(),
        "progress": verbs.progress(press) if press else {},
    }
