"""The Runs pages: the list with its bulk actions, one run, and what operators do to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from jobs import actions
from jobs.admin import exporting, many, payload, presenting, run_page
from jobs.admin.filtering import TIMES, RunFilter, page
from jobs.admin.filtering import counts as count_each
from jobs.admin.pages import ConsolePage, Route, posted
from jobs.bulk import REQUESTED
from jobs.errors import InvalidEvent, RefusedByRule, UnknownFunction
from jobs.models import Run, Step
from jobs.registry import registry
from jobs.selection import SOURCES
from jobs.types import INTERNAL_PREFIXES, Status

# 286 tells htmx to stop polling.
STOP_POLLING = 286


class RunPages(ConsolePage):
    """Everything about runs."""

    def routes(self) -> list[Route]:
        """Return the pages and actions of runs."""
        return [
            ("bulk/", "bulk", self.bulk),
            ("export.csv", "export", self.export),
            ("<uuid:run_id>/", "change", self.run),
            ("<uuid:run_id>/live/", "live", self.live),
            ("<uuid:run_id>/step/<str:key>/", "step", self.step),
            ("<uuid:run_id>/retry/", "retry", self.retry),
            ("<uuid:run_id>/again/", "again", self.again),
            ("<uuid:run_id>/cancel/", "cancel", self.cancel),
            ("<uuid:run_id>/wake/", "wake", self.wake),
            ("<uuid:run_id>/from/", "from", self.ask_from),
            ("<uuid:run_id>/from-step/", "from_step", self.from_step),
        ]

    def listing(self, request: HttpRequest) -> dict[str, Any]:
        """Return the runs that the address asks for."""
        chosen = RunFilter.read(request.GET, request.user)
        selection = chosen.selection()
        found, counts = page(selection, request.GET), count_each(selection)
        tabs = [("", "All", sum(counts.values()), chosen.query(status=""))]
        tabs += [(s, s.label, counts.get(s, 0), chosen.query(status=s)) for s in Status]
        return {
            "chosen": chosen,
            "list": found,
            "rows": [_row(run) for run in found.runs],
            "tabs": [tab for tab in tabs if tab[2] or tab[0] in ("", chosen.status, Status.RUNNING, Status.FAILED)],
            "matching": next(tab[2] for tab in tabs if tab[0] == chosen.status),
            "functions": [function.id for function in registry.all()],
            "triggers": registry.event_names(),
            "times": TIMES,
            "sources": SOURCES,
            "about": presenting.subject_link(chosen.subject) if chosen.subject else None,
            "version": presenting.version(found.runs, counts, found.new),
        }

    def run(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Show one run."""
        self.require(request, "view_run")
        return render(request, "jobs/run.html", run_page.context(request, run_id))

    def live(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Answer the run page's poll: 204 while nothing changed, 286 with the last state once it has ended."""
        version = run_page.version(run_id)
        # Who knows the version has seen what it stands for, so saying "unchanged" needs no look at permissions.
        if version and request.GET.get("v") == version:
            return HttpResponse(status=204)
        self.require(request, "view_run")
        context = run_page.live_context(request, run_id, version)
        status = 200 if context["interval"] else STOP_POLLING
        return render(request, "jobs/_run.html", context, status=status)

    def step(self, request: HttpRequest, run_id: UUID, key: str) -> HttpResponse:
        """Show what is inside the row of one step, for timelines too long to bring it along."""
        self.require(request, "view_run")
        return render(request, "jobs/_timeline_inside.html", run_page.inside(request, run_id, key))

    @posted
    def retry(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Queue a failed run again from the step that failed."""
        self.require(request, "retry_run")
        run = get_object_or_404(Run, pk=run_id)
        try:
            retried = actions.retry(run, by=request.user)
        except RefusedByRule as error:
            messages.warning(request, f"Not retried: {error}.")
            return self._back(request, run)
        if retried:
            self.log_change(request, run, "Retried.")
            messages.success(request, f"{run} is queued again.")
        else:
            run.refresh_from_db()
            state = run.get_status_display().lower()
            messages.warning(request, f"{run} is {state} now, so there is nothing to retry.")
        return self._back(request, run)

    @posted
    def cancel(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Stop a run that has not ended."""
        self.require(request, "cancel_run")
        run = get_object_or_404(Run, pk=run_id)
        if actions.cancel(run, by=request.user):
            self.log_change(request, run, "Cancelled.")
            messages.success(request, f"{run} is cancelled.")
        else:
            messages.warning(request, f"{run} had ended already, so there is nothing to cancel.")
        return self._back(request, run)

    @posted
    def again(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Start a new run for the same event, or for data that the operator has edited."""
        run = self._rerunnable(request, run_id)
        try:
            fresh = actions.rerun(run, by=request.user, data=self._edited(request, run))
        except (payload.UnreadableJSON, InvalidEvent, RefusedByRule, UnknownFunction) as error:
            context = {"run": run, "data": request.POST.get("data", ""), "problem": str(error)}
            return render(request, "jobs/run_again.html", context, status=400)
        self.log_change(request, run, f"Run again as {fresh.pk}.")
        messages.success(request, f"Started {fresh}, a new run for the same event.")
        return redirect("admin:jobs_run_change", fresh.pk)

    @posted
    def wake(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Let a sleeping run go on now."""
        self.require(request, "retry_run")
        run = get_object_or_404(Run, pk=run_id)
        if actions.wake(run, by=request.user):
            self.log_change(request, run, "Woken.")
            messages.success(request, f"{run} goes on now.")
        else:
            messages.warning(request, f"{run} does not sleep any more, so there is nothing to wake.")
        return self._back(request, run)

    def ask_from(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Show from which step a new run would go on, and with which data."""
        self.require(request, "view_run", "retry_run")
        run = get_object_or_404(Run, pk=run_id)
        step = first_step(run, request.GET.get("step", ""))
        return render(request, "jobs/run_from.html", run_page.from_context(request, run, step))

    @posted
    def from_step(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Start a new run that keeps the steps before one and goes on with it."""
        run = self._rerunnable(request, run_id)
        name = request.POST.get("step", "")
        try:
            fresh = actions.rerun_from_step(run, name, by=request.user, data=self._edited(request, run))
        except (payload.UnreadableJSON, InvalidEvent, RefusedByRule, UnknownFunction) as error:
            context = run_page.from_context(request, run, first_step(run, name))
            typed = {"editable": request.POST.get("data", ""), "problem": str(error)}
            return render(request, "jobs/run_from.html", context | typed, status=400)
        except Step.DoesNotExist as error:
            messages.error(request, str(error))
            return self._back(request, run)
        self.log_change(request, run, f"Run again from {name} as {fresh.pk}.")
        messages.success(request, f"Started {fresh}, which goes on from {name}.")
        return redirect("admin:jobs_run_change", fresh.pk)

    def _rerunnable(self, request: HttpRequest, run_id: UUID) -> Run:
        """Return a run that this person may run again: an order about many runs takes what its verbs take."""
        self.require(request, "retry_run")
        run = get_object_or_404(Run, pk=run_id)
        if run.trigger == REQUESTED:
            self.require(request, *many.NEEDS.values())
        return run

    def _edited(self, request: HttpRequest, run: Run) -> dict[str, Any] | None:
        """Return the data that was typed; None if it is what the run had, or may not be seen."""
        typed = request.POST.get("data")
        event = run.events.order_by("runevent__position").first()
        # What the engine said about a run, or somebody ordered, is not to be said otherwise by another.
        if run.trigger.startswith(INTERNAL_PREFIXES):
            return None
        if typed is None or event is None or not request.user.has_perm("jobs.view_payload"):
            return None
        data: dict[str, Any] = payload.restored(payload.parsed(typed), event.data)
        return None if data == event.data else data

    @posted
    def bulk(self, request: HttpRequest) -> HttpResponse:
        """Ask before a verb is done to many runs; do it once that is confirmed."""
        self.require(request, "view_run", many.NEEDS[many.verb_of(request)])
        back = self._next(request) or reverse("admin:jobs_run_changelist")
        return many.carry_out(self, request, back) if "confirmed" in request.POST else many.ask(request, back)

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """Answer with runs as CSV."""
        self.require(request, "view_run")
        return exporting.runs_as_csv(request)

    def _next(self, request: HttpRequest) -> str:
        wanted = request.POST.get("next", "")
        return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}) else ""

    def _back(self, request: HttpRequest, run: Run | None = None) -> HttpResponse:
        if wanted := self._next(request):
            return redirect(wanted)
        return redirect("admin:jobs_run_change", run.pk) if run else redirect("admin:jobs_run_changelist")


def first_step(run: Run, name: str) -> Step:
    """Return the first step of a run with this name, or answer 404."""
    step = Step.objects.filter(run_id=run.pk, name=name).order_by("index").first()
    if step is None:
        raise Http404("This run never came to that step.")
    return step


def _row(run: Run) -> dict[str, Any]:
    return {
        "run": run,
        "subject": presenting.subject_link(run.subject),
        "attempt": presenting.attempt(run, vars(run)["tries"]),
        "attempts": presenting.attempts_of(run.function),
        "blocked": presenting.blocked_words(run),
    }


def register() -> None:
    """Put the pages on the site."""
    admin.site.register(Run, RunPages)
