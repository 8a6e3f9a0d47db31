"""Verbs on many runs: asks first, with number and functions, then does it here or orders a run that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from pydantic import ValidationError

from jobs import bulk, clock, identity
from jobs.admin import counting
from jobs.admin.filtering import PAGE, RunFilter
from jobs.bulk import Order, Verb
from jobs.models import Run
from jobs.selection import Selection, data_pair

if TYPE_CHECKING:
    from jobs.admin.pages import ConsolePage

HERE = 100
"""Runs that are done within the request; more become a run of its own."""
NEEDS = {Verb.RETRY: "retry_run", Verb.CANCEL: "cancel_run", Verb.REPLAY: "retry_run"}
_DONE = {Verb.RETRY: "Retried", Verb.CANCEL: "Cancelled", Verb.REPLAY: "Replayed"}
SPREADS = {"0": "at once", "60": "over a minute", "600": "over 10 minutes", "3600": "over an hour"}


def verb_of(request: HttpRequest) -> Verb:
    """Return the verb that was pressed."""
    said = request.POST.get("verb", "")
    return Verb(said) if said in list(Verb) else Verb.RETRY


def ask(request: HttpRequest, back: str) -> HttpResponse:
    """Show how many runs of which functions it would be, and what would happen to them."""
    verb, chosen = verb_of(request), selected(request)
    if chosen is None:
        messages.warning(request, "Choose at least one run first.")
        return redirect(back)
    runs = Order(verb=verb, selection=chosen, by="").runs()
    functions = counting.by_function(runs)
    count = sum(functions.values())
    context = {
        "verb": verb,
        "words": verb.capitalize(),
        "selection": chosen.model_dump_json(exclude_defaults=True),
        "said": chosen.words(),
        "functions": functions,
        "count": count,
        "capped": count >= counting.MOST,
        "runs": runs.order_by("-pk").defer("output")[:PAGE],
        "left_out": len(chosen.ids) - count if chosen.ids else 0,
        "own_run": count > HERE,
        "spreads": SPREADS if verb != Verb.CANCEL else {},
        "next": back,
    }
    return render(request, "jobs/run_bulk.html", context)


def selected(request: HttpRequest) -> Selection | None:
    """Return the chosen runs, or all that match the list's filter up to now."""
    chosen = RunFilter.read(QueryDict(request.POST.get("filter", "")), request.user).selection()
    if request.POST.get("scope") == "all":
        # What is queued from now on was not in the number that somebody says yes to.
        return chosen.frozen(clock.now())
    ids = tuple(found for text in request.POST.getlist("run")[:HERE] if (found := identity.read(text)))
    return Selection(ids=ids) if ids else None


def carry_out(page: ConsolePage, request: HttpRequest, back: str) -> HttpResponse:
    """Do what was asked and confirmed."""
    verb = verb_of(request)
    try:
        selection = Selection.model_validate_json(request.POST.get("selection", ""))
        spread = float(request.POST.get("spread") or 0)
        order = Order(verb=verb, selection=selection, by=request.user.get_username(), spread=spread)
        if data_pair(selection.search) and not request.user.has_perm("jobs.view_payload"):
            raise ValueError("Who may not see data may not search in it.")
    except (ValidationError, ValueError):
        messages.error(request, "That order could not be read. Choose the runs again.")
        return redirect(back)
    runs = list(order.runs().order_by("pk").defer("output")[: HERE + 1])
    if len(runs) > HERE or spread:
        return _ordered(page, request, order)
    moved = [run for run in runs if bulk.act(verb, run, by=request.user)]
    for run in moved:
        page.log_change(request, run, f"{_DONE[verb]} together with others.")
    messages.success(request, f"{_DONE[verb]} {len(moved)} of {len(runs)} run{'' if len(runs) == 1 else 's'}.")
    return redirect(back)


def _ordered(page: ConsolePage, request: HttpRequest, order: Order) -> HttpResponse:
    run: Run = bulk.order(order)
    words: dict[str, Any] = {"verb": order.verb.capitalize(), "said": order.selection.words()}
    page.log_addition(request, run, "{verb} many runs: {said}.".format(**words))
    messages.success(request, f"{order.verb.capitalize()} is under way. This run does it and shows how far it is.")
    return redirect("admin:jobs_run_change", run.pk)
