"""GitHub's webhook: `POST /webhooks/github`. The signature is checked before anything else is looked at."""

from __future__ import annotations

import json
import re

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from jobs.api.answers import answer, methods, refusal
from pulls import deliveries

_GUID = re.compile(r"[A-Za-z0-9-]{8,64}")


@csrf_exempt
@methods("POST")
def receive(request: HttpRequest) -> HttpResponse:
    """Take in a delivery: 202 {"queued": n}, with "ignored" in words where nothing is queued; a ping gets 200.

    401 without the right X-Hub-Signature-256, 409 for a delivery that was taken in already, 400 for what is none,
    503 while GITHUB_WEBHOOK_SECRET is not set.
    """
    if not settings.GITHUB_WEBHOOK_SECRET:
        return refusal(503, "GITHUB_WEBHOOK_SECRET is not set, so nothing can be trusted; set it to GitHub's secret.")
    try:
        body = request.body
    except RequestDataTooBig:
        return refusal(413, "The delivery is too large.")
    signature = request.headers.get("X-Hub-Signature-256", "")
    if not deliveries.is_signed(body, signature):
        words = "X-Hub-Signature-256 is not the body's; is the secret the same on both sides?"
        return refusal(401, words if signature else "Sign the body: X-Hub-Signature-256 is missing.")
    return _signed(request, body, signature)


def _signed(request: HttpRequest, body: bytes, signature: str) -> HttpResponse:
    kind, guid = request.headers.get("X-GitHub-Event", ""), request.headers.get("X-GitHub-Delivery", "")
    if kind == "ping":
        return answer({"pong": True})
    if not _GUID.fullmatch(guid):
        return refusal(400, "X-GitHub-Delivery is missing or no id.")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return refusal(400, "The body is no JSON; choose application/json as the webhook's content type.")
    try:
        queued, ignored = deliveries.take_in(kind, guid, signature, payload)
    except deliveries.Replayed as replayed:
        return refusal(409, str(replayed))
    return answer({"queued": queued, **({"ignored": ignored} if ignored else {})}, 202)
