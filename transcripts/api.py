"""The JSON API for transcripts; every request carries `Authorization: Bearer <API key>`."""

from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils.datastructures import MultiValueDictKeyError

from jobs.api.answers import answer, methods, refusal
from jobs.keys import key_required
from jobs.types import Source
from transcripts import formats, records, retries, uploads
from transcripts.formats.base import one_line
from transcripts.models import Transcript

# What a multipart body may have beyond the file itself.
OVERHEAD = 64 * 1024
TOO_LARGE = f"The file is larger than {formats.MAX_BYTES // 1024**2} MB, the most a transcript may have."
NOT_FOUND = "There is no transcript with this id."


@methods("POST")
@key_required("transcripts")
def upload(request: HttpRequest) -> HttpResponse:
    """Take in a multipart upload: field `file`, and optionally `title`.

    201 {"id", "status", "run_id"}. The same bytes again answer 200 with the first one's values, `"duplicate": true`
    and its `url`, so that a client may safely send once more after a lost answer. Refusals: 400 no file or an empty
    one, 413 larger than 25 MB, 415 no transcript.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > formats.MAX_BYTES + OVERHEAD:
        return refusal(413, TOO_LARGE)
    try:
        file = request.FILES["file"]
    except MultiValueDictKeyError:
        return refusal(400, "Send the transcript as the multipart field `file`.")
    except (MultiPartParserError, RequestDataTooBig, TooManyFilesSent):
        return refusal(400, "The body is no multipart form that can be read.")
    try:
        transcript = uploads.receive(file, _about(request))
    except uploads.Refused as refused:
        return refusal(refused.status, str(refused))
    except uploads.AlreadyUploaded as known:
        first = {"duplicate": True, "url": request.build_absolute_uri(known.first.get_absolute_url())}
        return answer(_short(known.first) | first)
    created = answer(_short(transcript), 201)
    created["Location"] = reverse("transcripts_api:status", args=[transcript.pk])
    return created


@methods("GET")
@key_required("transcripts")
def status(request: HttpRequest, key: str) -> HttpResponse:
    """Tell how far a transcript is and, once it is completed, what was found.

    200 {"id", "title", "status", "error", "parsed_by", "insights", "run_id"}; 404 for an unknown id.
    """
    records.settle_abandoned()
    transcript = _find(key)
    if transcript is None:
        return refusal(404, NOT_FOUND)
    described = {
        "title": transcript.title,
        "error": transcript.error or None,
        "parsed_by": transcript.parsed_by or None,
        "insights": transcript.insights,
    }
    return answer(_short(transcript) | described)


@methods("POST")
@key_required("transcripts")
def retry(request: HttpRequest, key: str) -> HttpResponse:
    """Parse a failed transcript again.

    200 {"id", "status", "run_id"}; 404 for an unknown id; 409 when there is nothing to retry: it is parsed already,
    or a run is parsing it, as after the first of two equal requests.
    """
    transcript = _find(key)
    if transcript is None:
        return refusal(404, NOT_FOUND)
    try:
        retries.retry(transcript.pk, by=request.event_key.name)
    except retries.NothingToRetry as reason:
        return refusal(409, str(reason))
    except Transcript.DoesNotExist:
        return refusal(404, NOT_FOUND)
    transcript.refresh_from_db(fields=["status", "run"])
    return answer(_short(transcript))


def _find(key: str) -> Transcript | None:
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    return Transcript.objects.defer("text", "raw_answer").filter(pk=int(key)).first()


def _short(transcript: Transcript) -> dict[str, Any]:
    return {"id": transcript.pk, "status": transcript.status, "run_id": transcript.run and str(transcript.run)}


def _about(request: HttpRequest) -> uploads.About:
    return uploads.About(
        title=one_line(request.POST.get("title", "")), sender=request.event_key.name, source=Source.HTTP
    )
