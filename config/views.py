"""The two addresses that belong to no app."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from jobs.admin import navigation


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the first product that this person may open; a client's own people have no other than their client."""
    products = [group for group in navigation.groups(request) if group.words == "Products"]
    # Tenders are open to everybody, so they tell nothing of what somebody came for.
    own = [entry.url for group in products for entry in group.entries if entry.url != reverse("tenders:list")]
    return redirect(own[0] if own else "clients:list")


def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it on every site; an empty answer keeps the log free of 404s."""
    return HttpResponse(status=204, headers={"Cache-Control": "max-age=86400"})
