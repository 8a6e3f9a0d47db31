"""The public pages: the list with its filters, one tender, exports, and the searches that people keep."""

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenders import exports, listing, sources
from tenders.forms import FilterForm, SavedSearchForm
from tenders.models import SavedSearch, Tender, TenderQuerySet

_SHOWN = (
    *("ocid", "source", "display_title", "buyer", "province", "city", "detailed_category"),
    *("value", "value_low", "value_high", "currency", "closes_at", "released_at"),
)
SAVED_FIELDS = ("q", "category", "province", "buyer", "value_from", "value_to")


class CountedPaginator(Paginator):
    """Pages through tenders whose number is known already."""

    def __init__(self, tenders: TenderQuerySet, count: int) -> None:
        super().__init__(tenders, listing.PER_PAGE)
        self.count = count


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All tenders, newest first, for everybody."""
    form = FilterForm(request.GET)
    found, count = listing.first_of(form.filters())
    page: Page = CountedPaginator(found.only(*_SHOWN), count).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "form": form,
        "options": listing.options(),
        "filtered": bool(request.GET.keys() - {"page", "sort"}),
        "query": query_of(request),
        "capped": count == listing.MOST,
    }
    return render(request, "tenders/list.html", context)


def query_of(request: HttpRequest) -> str:
    """Return the filters of an address without its page and without what is empty."""
    query = request.GET.copy()
    for name in [name for name in query if name == "page" or not query[name]]:
        del query[name]
    return query.urlencode()


@require_safe
def detail(request: HttpRequest, ocid: str) -> HttpResponse:
    """One tender with all that is known about it, and who said so."""
    tender = get_object_or_404(Tender.objects.select_related("publication").defer("words"), ocid=ocid)
    return render(request, "tenders/detail.html", {"tender": tender, "source_name": sources.name_of(tender.source)})


@require_safe
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """The tenders that the filters leave, as CSV or JSON; sent row by row."""
    form = FilterForm(request.GET)
    if not form.is_valid():
        words = " ".join(f"{form.fields[name].label}: {' '.join(errors)}" for name, errors in form.errors.items())
        return HttpResponse(words, status=400, content_type="text/plain; charset=utf-8")
    found = listing.found(form.filters()).select_related("publication").defer("words")
    match kind:
        case "csv":
            return exports.as_csv(found)
        case "json":
            return exports.as_json(found)
    raise Http404


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def searches(request: HttpRequest) -> HttpResponse:
    """The searches that this person keeps, and the form for another."""
    if request.method == "POST":
        form = _kept(request)
        if form.is_valid():
            messages.success(request, f"“{form.instance}” is saved; new tenders are mailed to {form.instance.email}.")
            return redirect("tenders:searches")
    else:
        given = {name: request.GET.get(name, "") for name in SAVED_FIELDS}
        form = SavedSearchForm(initial={**given, "name": request.GET.get("q", "")[:100]})
    kept = SavedSearch.objects.filter(owner=request.user)
    return render(request, "tenders/searches.html", {"form": form, "kept": kept}, status=400 if form.errors else 200)


@transaction.atomic
def _kept(request: HttpRequest) -> SavedSearchForm:
    """Return the form, saved if it is right; a second one of the same person waits, so that none is too many."""
    owner = get_user_model().objects.select_for_update(no_key=True).get(pk=request.user.pk)
    form = SavedSearchForm(request.POST, instance=SavedSearch(owner=owner, email=owner.email))
    if form.is_valid():
        form.save()
    return form


@require_POST
@login_required
def switch_search(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause, go on with, or delete a search of one's own."""
    search = get_object_or_404(SavedSearch, pk=pk, owner=request.user)
    match request.POST.get("verb"):
        case "delete":
            search.delete()
            messages.success(request, f"“{search}” is deleted.")
        case "pause":
            SavedSearch.objects.filter(pk=pk).update(active=False)
            messages.success(request, f"“{search}” is paused; nothing is mailed for it.")
        case "resume":
            SavedSearch.objects.filter(pk=pk).update(active=True)
            messages.success(request, f"“{search}” is on again.")
    return redirect("tenders:searches")
