"""The JSON API for clients; every request carries `Authorization: Bearer <API key>`."""

import json
from typing import Any

from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from clients import editing, events
from clients.domains import NoDomain, normalised
from clients.forms import ClientForm
from clients.models import ENRICHED, Client
from jobs.api.answers import answer, methods, refusal
from jobs.keys import key_required
from jobs.serialize import visible
from jobs.types import Source

PER_PAGE = 100
MOST_PAGES = 10_000
FIELDS = ("name", "domain", "keywords", *ENRICHED)
NOT_FOUND = "There is no client with this id."


class _BadBody(Exception):
    """The body cannot be used; the message says why."""


@methods("GET", "POST")
@key_required("clients")
def index(request: HttpRequest) -> HttpResponse:
    """GET lists clients, 100 a page, by name; `q` searches. 200 {"clients": [...], "next": address or null}.

    POST creates one from a JSON object with `name` and any of the other fields. 201 with the client; 400 names the
    field that makes no sense; 409 where a client of this name or domain exists, with its `id` and `url`.
    """
    return _create(request) if request.method == "POST" else _list(request)


def _list(request: HttpRequest) -> HttpResponse:
    number = request.GET.get("page", "1")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= MOST_PAGES):
        return refusal(400, f"page: a number from 1 to {MOST_PAGES}.")
    start = (int(number) - 1) * PER_PAGE
    found = Client.objects.search(visible(request.GET.get("q", "")[:200])).order_by("name")
    clients = list(found[start : start + PER_PAGE + 1])
    following = None
    if len(clients) > PER_PAGE:
        query = request.GET.copy()
        query["page"] = str(int(number) + 1)
        following = request.build_absolute_uri(f"{reverse('clients_api:index')}?{query.urlencode()}")
    return answer({"clients": [_short(client) for client in clients[:PER_PAGE]], "next": following})


def _create(request: HttpRequest) -> HttpResponse:
    try:
        form = _form(_body(request), Client())
    except _BadBody as reason:
        return refusal(400, str(reason))
    if not form.is_valid():
        return _known(request, form) or refusal(400, _words(form))
    created = answer(_whole(editing.create(form.cleaned_data)), 201)
    created["Location"] = reverse("clients_api:client", args=[json.loads(created.content)["id"]])
    return created


def _known(request: HttpRequest, form: ClientForm) -> HttpResponse | None:
    """Return what is answered where the client exists already: by its domain, else by its name."""
    try:
        domain = normalised(str(form.data.get("domain") or ""))
    except NoDomain:
        domain = ""
    name = str(form.data.get("name") or "").strip()
    known = Client.objects.filter(domain=domain).first() if domain else None
    known = known or Client.objects.filter(name=name).first()
    if known is None:
        return None
    return refusal(409, _words(form), id=known.pk, url=request.build_absolute_uri(known.get_absolute_url()))


@methods("GET", "POST")
@key_required("clients")
def client(request: HttpRequest, key: str) -> HttpResponse:
    """GET returns one client, with `filled_by` and competitors. POST changes the fields that its JSON object names.

    What a program writes counts as a person's: no model changes it. 200 with the client; 400 names the field that
    makes no sense; 404 for an unknown id.
    """
    found = _find(key)
    if found is None:
        return refusal(404, NOT_FOUND)
    if request.method != "POST":
        return answer(_whole(found))
    try:
        form = _form(_body(request), found)
    except _BadBody as reason:
        return refusal(400, str(reason))
    if not form.is_valid():
        return refusal(400, _words(form))
    editing.enter(found.pk, form.changes())
    return answer(_whole(Client.objects.get(pk=found.pk)))


@methods("POST")
@key_required("clients")
def enhance(request: HttpRequest, key: str) -> HttpResponse:
    """Have a client enhanced. 202 {"id", "ai_status", "run_id"}; 404 for an unknown id; 409 says why not now."""
    found = _find(key)
    if found is None:
        return refusal(404, NOT_FOUND)
    sender = str(request.event_key)  # type: ignore[attr-defined]
    try:
        run = events.request_enhancement(found.pk, by=sender, source=Source.EVENT)
    except events.NotNow as reason:
        return refusal(409, str(reason))
    return answer({"id": found.pk, "ai_status": "PROCESSING", "run_id": str(run)}, 202)


def _find(key: str) -> Client | None:
    is_number = key.isascii() and key.isdigit() and len(key) < 19
    return Client.objects.filter(pk=int(key)).first() if is_number else None


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        given = json.loads(request.body)
    except (ValueError, RecursionError):
        raise _BadBody("The body is no JSON.") from None
    if not isinstance(given, dict):
        raise _BadBody("The body must be a JSON object with the client's fields.")
    if unknown := sorted(given.keys() - set(FIELDS)):
        raise _BadBody(f"{unknown[0]}: there is no such field; there are {', '.join(FIELDS)}.")
    # PostgreSQL takes neither NUL nor lone surrogates; a form's own lists are cleaned by its fields.
    return {name: visible(value) if isinstance(value, str) else value for name, value in given.items()}


def _form(given: dict[str, Any], about: Client) -> ClientForm:
    """Judge what a program sends as what a person types is judged; fields that it leaves out stay."""
    return ClientForm({**model_to_dict(about, FIELDS), **given}, instance=about, names_others=True)


def _words(form: ClientForm) -> str:
    name, errors = next(iter(form.errors.items()))
    return f"{name}: {errors[0]}" if name in form.fields else str(errors[0])


def _short(client: Client) -> dict[str, Any]:
    return {
        "id": client.pk,
        "name": client.name,
        "domain": client.domain,
        "ai_status": client.ai_status,
        "ai_enhanced_at": client.ai_enhanced_at,
        "ai_enhancement_count": client.ai_enhancement_count,
    }


def _whole(client: Client) -> dict[str, Any]:
    competitors = client.competitors.values("name", "domain", "source")
    return {
        **_short(client),
        "ai_error": client.ai_error or None,
        "ai_model": client.ai_model or None,
        "ai_input_tokens": client.ai_input_tokens,
        "ai_output_tokens": client.ai_output_tokens,
        "run_id": str(client.run) if client.run else None,
        **{name: getattr(client, name) for name in ("keywords", *ENRICHED)},
        "filled_by": client.filled_by,
        "competitors": list(competitors),
    }
