"""The live runs of one product object, for whoever may see that object."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs.admin import presenting

# 286 tells htmx to stop polling.
STOP_POLLING = 286


@require_safe
def live_runs(request: HttpRequest, label: str, pk: str) -> HttpResponse:
    """Answer a poll: 204 while nothing changed, 286 once the newest run has ended."""
    app, _, model = label.partition(".")
    if not model:
        raise Http404
    if not request.user.has_perms([f"{app}.view_{model}"]) and not request.user.has_perm("jobs.view_run"):
        raise PermissionDenied
    context: dict[str, Any] = presenting.about(f"{label}/{pk}", request.user)
    if request.GET.get("v") == context["version"]:
        return HttpResponse(status=204)
    template = "jobs/_about_steps.html" if request.GET.get("only") == "steps" else "jobs/_about.html"
    return render(request, template, context, status=200 if context["interval"] else STOP_POLLING)
