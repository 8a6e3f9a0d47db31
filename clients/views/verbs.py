"""What people press on the page of a client."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from clients import access, editing, events
from clients.forms import ClientForm, CompetitorForm
from clients.models import LISTS, TEXTS, Client, Competitor
from clients.views.pages import page_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add(request: HttpRequest) -> HttpResponse:
    """The form for a new client."""
    access.require(request, access.ADD)
    form = ClientForm(request.POST or None, names_others=True)
    if request.method == "POST" and form.is_valid():
        client = editing.create(form.cleaned_data)
        messages.success(request, f"“{client}” is added.")
        return redirect(client)
    return _form(request, form, Client())


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The form for what people know; a field that they change becomes theirs."""
    client = access.client(request, pk, access.CHANGE)
    names_others = request.user.has_perm(access.VIEW)
    form = ClientForm(request.POST or None, instance=client, names_others=names_others)
    if request.method == "POST" and form.is_valid():
        changed = editing.enter(pk, form.changes())
        words = f"“{client}” is saved." if changed else "Nothing was changed."
        messages.success(request, words)
        return redirect("clients:detail", pk)
    return _form(request, form, Client.objects.get(pk=pk))


def _form(request: HttpRequest, form: ClientForm, client: Client) -> HttpResponse:
    context = {
        "form": form,
        "client": client,
        "basics": [form[name] for name in ("name", "domain", "keywords")],
        "texts": [form[name] for name in TEXTS],
        "lists": [form[name] for name in LISTS],
    }
    return render(request, "clients/form.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def enhance(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a client enhanced."""
    client = access.client(request, pk, access.ENHANCE)
    try:
        events.request_enhancement(pk, by=str(request.user))
    except events.NotNow as reason:
        messages.warning(request, str(reason))
    else:
        messages.success(request, f"“{client}” is being enhanced. You can leave this page; work goes on.")
    return redirect(client)


@require_POST
@login_required
def clear(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what a model filled."""
    client = access.client(request, pk, access.ENHANCE)
    try:
        count = editing.clear(pk)
    except editing.Busy as reason:
        messages.warning(request, str(reason))
    else:
        words = f"{count} value{'s' if count != 1 else ''} of AI cleared; what people entered is still there."
        messages.success(request, words if count else "There was nothing of AI to clear.")
    return redirect(client)


@require_POST
@login_required
def add_competitor(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a competitor as a person's."""
    client = access.client(request, pk, access.CHANGE)
    form = CompetitorForm(request.POST)
    if form.is_valid() and form.cleaned_data["domain"] == client.domain:
        form.add_error("domain", f"{client.domain} is the client's own website.")
    if not form.is_valid():
        return page_of(request, client, status=400, competitor_form=form)
    rival = editing.add_competitor(client, **form.cleaned_data)
    messages.success(request, f"“{rival}” is a competitor of “{client}”.")
    return redirect(reverse("clients:detail", args=[pk]) + "#competitors")


@require_POST
@login_required
def remove_competitor(request: HttpRequest, pk: int, competitor: int) -> HttpResponse:
    """Remove a competitor."""
    client = access.client(request, pk, access.CHANGE)
    rival = get_object_or_404(Competitor, pk=competitor, client=client)
    rival.delete()
    messages.success(request, f"“{rival}” is removed.")
    return redirect(reverse("clients:detail", args=[pk]) + "#competitors")
