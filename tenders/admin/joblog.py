"""The page that runs the feeds: sources with their switches, the buttons that start jobs, their history and Cancel."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from jobs import actions
from jobs.models import FunctionState
from tenders import events, files, functions, joblogs, sources, syncing
from tenders.forms import BackfillForm, FileForm, JobForm
from tenders.models import JobLog, JobType, SourceState
from tenders.models.joblog import OPEN

PERMISSION = "tenders.sync_tenders"
LIST = "admin:tenders_joblog_changelist"
PER_PAGE = 25


@admin.register(JobLog)
class JobLogAdmin(admin.ModelAdmin):
    """Jobs. Their rows come from the functions, so there is nothing to edit."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A job is started by a button."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only its run changes it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History stays."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the buttons, all of them POST."""
        own: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("sync/", self.sync, "sync"),
            ("enrich-today/", self.enrich_today, "enrich_today"),
            ("backfill/", self.backfill, "backfill"),
            ("backfill/pause/", self.pause, "pause"),
            ("import/", self.import_file, "import"),
            ("source/<str:source>/", self.switch, "switch"),
            ("<int:pk>/cancel/", self.cancel, "cancel"),
        ]
        wrapped = [
            path(route, require_POST(self.admin_site.admin_view(view)), name=f"tenders_joblog_{word}")
            for route, view, word in own
        ]
        return [*wrapped, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show sources, buttons and history; a poll gets the history only, and nothing if it has not changed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        page = Paginator(JobLog.objects.select_related("admin_user"), PER_PAGE).get_page(request.GET.get("page"))
        live = any(log.is_open for log in page)
        context = {"page": page, "may": request.user.has_perm(PERMISSION)}
        table = render_to_string("tenders/admin/_history.html", context, request)
        version = hashlib.sha1(table.encode(), usedforsecurity=False).hexdigest()[:12]
        if request.htmx and request.GET.get("v") == version:  # type: ignore[attr-defined]
            return HttpResponse(status=204)
        context |= {"table": table, "version": version, "live": live}
        if request.htmx:  # type: ignore[attr-defined]
            return render(request, "tenders/admin/_poll.html", context)
        return render(request, "tenders/admin/jobs.html", context | _panel() | (extra_context or {}))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one job: its sums, what was left out and why, and its runs."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        log = get_object_or_404(JobLog.objects.select_related("admin_user"), pk=object_id)
        context = {"log": log, "may": request.user.has_perm(PERMISSION), "source_name": sources.name_of(log.source)}
        return render(request, "tenders/admin/job.html", context)

    def sync(self, request: HttpRequest) -> HttpResponse:
        """Sync now: from the cursor. Sync today: everything of today, whatever the cursor says."""
        form = JobForm(request.POST)
        day = syncing.today(request.POST.get("source", "")).date().isoformat()
        span = {"fromDate": day} if request.POST.get("span") == "today" else {}
        return self._start(request, JobType.SYNC, form, span)

    def enrich_today(self, request: HttpRequest) -> HttpResponse:
        """Look today's tenders up."""
        return self._start(request, JobType.ENRICH_TODAY, JobForm(request.POST), {})

    def backfill(self, request: HttpRequest) -> HttpResponse:
        """Read a span of the past."""
        return self._start(request, JobType.BACKFILL, BackfillForm(request.POST), {})

    def import_file(self, request: HttpRequest) -> HttpResponse:
        """Import a package."""
        _require(request)
        form = FileForm(request.POST, request.FILES)
        if not form.is_valid():
            return _refused(request, form)
        log = files.receive(form.cleaned_data["file"], by=request.user)
        messages.success(request, f"{form.cleaned_data['file'].name} is imported as job {log.pk}.")
        return redirect(LIST)

    def _start(self, request: HttpRequest, kind: JobType, form: Any, more: dict[str, Any]) -> HttpResponse:
        _require(request)
        if not form.is_valid():
            return _refused(request, form)
        try:
            log = events.start(kind, form.data_of_event() | more, by=request.user, sender=str(request.user))
        except events.AlreadyRunning as reason:
            messages.warning(request, str(reason))
        else:
            words = f"{log.get_type_display()} of {sources.name_of(log.source)}"
            messages.success(request, f"{words} is started as job {log.pk}.")
        return redirect(LIST)

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancel a job; a page under way is not stored."""
        _require(request)
        get_object_or_404(JobLog, pk=pk)
        if joblogs.cancel(pk, by=request.user):
            messages.success(request, f"Job {pk} is cancelled.")
        else:
            messages.warning(request, f"Job {pk} has ended already, so there is nothing to cancel.")
        return redirect(LIST)

    def switch(self, request: HttpRequest, source: str) -> HttpResponse:
        """Put a source on schedule or take it off."""
        _require(request)
        if source not in sources.BY_ID:
            raise PermissionDenied
        on = request.POST.get("scheduled") == "on"
        SourceState.objects.update_or_create(source=source, defaults={"scheduled": on})
        messages.success(request, f"{sources.name_of(source)} is {'on' if on else 'off'} schedule.")
        return redirect(LIST)

    def pause(self, request: HttpRequest) -> HttpResponse:
        """Pause all backfills after their page, or let them go on."""
        _require(request)
        paused = request.POST.get("verb") == "pause"
        (actions.pause if paused else actions.resume)(functions.enrich_backfill.id, by=request.user)
        words = "Backfills pause after the page under way." if paused else "Backfills go on."
        messages.success(request, words)
        return redirect(LIST)


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _refused(request: HttpRequest, form: Form) -> HttpResponseRedirect:
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        messages.error(request, f"{label}: {' '.join(errors)}" if label else " ".join(errors))
    return redirect(LIST)


def _panel() -> dict[str, Any]:
    """Return the sources as the panel shows them, and its forms."""
    states = {state.source: state for state in SourceState.objects.all()}
    running = set(JobLog.objects.filter(type=JobType.SYNC, status__in=OPEN).values_list("source", flat=True))
    return {
        "sources": [
            {
                "source": source,
                "state": states.get(source.id) or SourceState(source=source.id),
                "running": source.id in running,
            }
            for source in sources.BY_ID.values()
        ],
        "job_form": JobForm(),
        "backfill_form": BackfillForm(initial=_last_month()),
        "file_form": FileForm(),
        "backfill_paused": _backfill_paused(),
    }


def _last_month() -> dict[str, str]:
    today = timezone.now().date()
    return {"from_date": (today - timedelta(days=30)).isoformat(), "to_date": today.isoformat()}


def _backfill_paused() -> bool:
    return FunctionState.objects.filter(pk=functions.enrich_backfill.id, paused=True).exists()
