"""The two addresses that belong to no app."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the first product."""
    return redirect("/transcripts/")


def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it on every site; an empty answer keeps the log free of 404s."""
    return HttpResponse(status=204, headers={"Cache-Control": "max-age=86400"})
