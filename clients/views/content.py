"""What is started from the page of a client: queries, briefs, invitations."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from clients import access, events
from clients.forms import BriefForm, QueriesForm, UserForm
from clients.models import Client, ClientUser, ContentBrief
from clients.views.pages import page_of
from jobs import actions
from jobs.errors import RefusedByRule
from jobs.models import Run


@require_POST
@login_required
def queries(request: HttpRequest, pk: int) -> HttpResponse:
    """Have queries written for some keywords."""
    client = access.client(request, pk, access.ADD_QUERY)
    form = QueriesForm(request.POST)
    if not form.is_valid():
        return page_of(request, client, status=400, queries_form=form)
    asked = form.cleaned_data
    try:
        events.request_queries(client, asked["keywords"], asked["count"], asked["intents"], by=str(request.user))
    except events.NotNow as reason:
        messages.warning(request, str(reason))
    else:
        count = len(asked["keywords"])
        messages.success(request, f"Queries for {count} keyword{'s' if count != 1 else ''} are being written.")
    return _back(client, "#queries")


@require_POST
@login_required
def brief(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a brief written."""
    client = access.client(request, pk, access.ADD_BRIEF)
    form = BriefForm(request.POST, instance=ContentBrief(client=client), prefix="brief")
    if not form.is_valid():
        return page_of(request, client, status=400, brief_form=form)
    try:
        return redirect(events.request_brief(form.save(commit=False), by=str(request.user)))
    except events.NotNow as reason:
        messages.warning(request, str(reason))
        return _back(client, "#briefs")


@require_POST
@login_required
def retry_brief(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a brief that failed, from the step that failed: what is written stays."""
    access.require(request, access.ADD_BRIEF)
    found = get_object_or_404(ContentBrief, pk=pk)
    run = Run.objects.filter(pk=found.run).first()
    try:
        retried = run is not None and actions.retry(run, by=str(request.user))
    except RefusedByRule as error:
        messages.warning(request, f"Not retried: {error}.")
        return redirect(found)
    if retried:
        ContentBrief.objects.filter(pk=pk).update(status=ContentBrief.Status.WRITING, error="")
        messages.success(request, f"“{found}” is being written again.")
    else:
        messages.warning(request, f"“{found}” has no failed run, so there is nothing to retry.")
    return redirect(found)


@require_POST
@login_required
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """Invite somebody of the client."""
    client = access.client(request, pk, access.INVITE)
    form = UserForm(request.POST, prefix="user")
    if not form.is_valid():
        return page_of(request, client, status=400, user_form=form)
    _ask(request, client, form.cleaned_data)
    messages.success(request, f"{form.cleaned_data['email']} is being invited.")
    return _back(client, "#users")


@require_POST
@login_required
def invite_again(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    """Mail an invitation once more."""
    client = access.client(request, pk, access.INVITE)
    known = get_object_or_404(ClientUser.objects.select_related("user"), pk=member, client=client)
    _ask(request, client, {"email": known.user.email, "role": known.role, "resend": True})
    messages.success(request, f"{known.user.email} is mailed once more.")
    return _back(client, "#users")


@require_POST
@login_required
def remove_user(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    """Take somebody's access to this client away; the account stays."""
    client = access.client(request, pk, access.INVITE)
    known = get_object_or_404(ClientUser.objects.select_related("user"), pk=member, client=client)
    known.delete()
    messages.success(request, f"{known.user.email} has no access to “{client}” any more.")
    return _back(client, "#users")


def _ask(request: HttpRequest, client: Client, asked: dict[str, Any]) -> None:
    events.request_user({"client_id": client.pk, **asked}, by=str(request.user))


def _back(client: Client, fragment: str) -> HttpResponse:
    return redirect(reverse("clients:detail", args=[client.pk]) + fragment)
