"""The JSON API: what the public pages show, for programs, without a key."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from jobs.api.answers import answer, methods, refusal
from tenders import exports, listing
from tenders.forms import FilterForm
from tenders.models import Release, Tender, TenderQuerySet

PER_PAGE = 100
MOST_PAGES = 100


@methods("GET")
def index(request: HttpRequest) -> HttpResponse:
    """List tenders, 100 a page, with the filters of the page: q, source, province, category, buyer, closing, ...

    200 {"tenders": [...], "next": address or null}; 400 names the filter that makes no sense.
    """
    form = FilterForm(request.GET)
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        return refusal(400, f"{name}: {errors[0]}")
    number = request.GET.get("page", "1")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= MOST_PAGES):
        return refusal(400, f"page: a number from 1 to {MOST_PAGES}; for more take /tenders/export/json.")
    start = (int(number) - 1) * PER_PAGE
    found = _found(form).select_related("publication").defer("words")
    tenders = list(found[start : start + PER_PAGE + 1])
    return answer(
        {
            "tenders": [exports.as_object(tender) for tender in tenders[:PER_PAGE]],
            "next": _address(request, int(number) + 1) if len(tenders) > PER_PAGE else None,
        }
    )


def _found(form: FilterForm) -> TenderQuerySet:
    tenders, count = listing.first_of(form.filters())
    return tenders if count < listing.MOST else listing.found(form.filters())


def _address(request: HttpRequest, page: int) -> str:
    query = request.GET.copy()
    query["page"] = str(page)
    return request.build_absolute_uri(f"{reverse('tenders_api:list')}?{query.urlencode()}")


@methods("GET")
def detail(request: HttpRequest, ocid: str) -> HttpResponse:
    """Return one tender and the ids of its releases; 404 for an unknown ocid."""
    tender = Tender.objects.select_related("publication").defer("words").filter(ocid=ocid).first()
    if tender is None:
        return refusal(404, "There is no tender with this ocid.")
    releases = Release.objects.filter(ocid=ocid).order_by("released_at", "release_id")
    return answer(exports.as_object(tender) | {"releases": list(releases.values_list("release_id", flat=True))})


@methods("GET")
def release(request: HttpRequest, ocid: str, release_id: str) -> HttpResponse:
    """Return one release, word for word as it was published."""
    raw = Release.objects.filter(ocid=ocid, release_id=release_id).values_list("raw", flat=True).first()
    if raw is None:
        return refusal(404, "There is no such release.")
    return HttpResponse(raw, content_type="application/json")
