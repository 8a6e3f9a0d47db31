"""`POST /e/<key>`: events of other programs, in the shape that Inngest's SDKs send and expect."""

import base64
import binascii
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from jobs.api import bodies
from jobs.api.answers import answer, methods, refusal
from jobs.api.bodies import Body, TooLarge
from jobs.errors import InvalidEvent
from jobs.events import Seed, send
from jobs.keys import UNKNOWN_KEY, bearer, find_key, forbidden, is_protected
from jobs.models import Event as StoredEvent
from jobs.models import EventKey
from jobs.models.key import Scope
from jobs.types import Event, Source

SEED_BYTES = 10
CROSS_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "3600",
}


class Protected(InvalidEvent):
    """An ordinary key cannot send an event of this name."""


@csrf_exempt
@methods("POST", "OPTIONS")
def receive(request: HttpRequest, secret: str = "") -> HttpResponse:
    """Store the events of one request; a bad one ends it, and those before it stay stored.

    The key is in the address, where it can do nothing but send, or in the header. No other address of the site is
    open to pages of other origins.
    """
    response = HttpResponse(status=204) if request.method == "OPTIONS" else _received(request, secret)
    for header, value in CROSS_ORIGIN.items():
        response[header] = value
    return response


def _received(request: HttpRequest, secret: str) -> HttpResponse:
    try:
        key = find_key(secret or bearer(request))
        if key is None:
            return _unknown_key()
        if not key.may(Scope.SEND):
            return forbidden(key, Scope.SEND)
        return _stored(request, key)
    except (OperationalError, InterfaceError):
        return refusal(503, "The database is away, and nothing was stored; send this again in a moment.", ids=[])


def _unknown_key() -> HttpResponse:
    if not EventKey.objects.exists():
        return refusal(503, "No event key exists yet; make one in the admin or with `manage.py jobs_key NAME`.")
    return refusal(401, UNKNOWN_KEY)


def _stored(request: HttpRequest, key: EventKey) -> HttpResponse:
    try:
        body = bodies.read(request)
    except InvalidEvent as error:
        body = Body([], error)
    body = _permitted(body, key)
    seed = seed_of(request.headers.get("x-inngest-event-id-seed", ""))
    try:
        ids = [str(event_id) for event_id in _sent(body.events, key.name, seed)]
    except InvalidEvent as error:  # one that only the engine could judge, so none was stored
        return refusal(400, str(error), ids=[])
    if body.error is None:
        return answer({"ids": ids, "status": 200})
    return refusal(_status_of(body.error), str(body.error), ids=ids)


def _status_of(error: InvalidEvent) -> int:
    if isinstance(error, Protected):
        return 403
    return 413 if isinstance(error, TooLarge) else 400


def _permitted(body: Body, key: EventKey) -> Body:
    """Return the events up to the first one that this key may not send."""
    if key.may(Scope.PROTECTED):
        return body
    for position, event in enumerate(body.events):
        if is_protected(event.name):
            words = (
                f"Event {position + 1} is named {event.name}, which is protected: the key {key.name} may not send it."
            )
            return Body(body.events[:position], Protected(f"{words} Allow it “protected” on the page Event keys."))
    return body


def _sent(events: list[Event], sender: str, seed: Seed | None) -> list[UUID]:
    try:
        return [one.event_id for one in send(events, source=Source.HTTP, sender=sender, seed=seed)]
    except IntegrityError:
        if seed is None:
            raise
    # The same request came before and was stored whole; only its answer was lost.
    ids = [seed.id(position) for position in range(len(events))]
    if StoredEvent.objects.filter(pk__in=ids).count() < len(ids):
        raise InvalidEvent("This event id seed was used for other events; take a fresh one for each request.")
    return ids


def seed_of(header: str) -> Seed | None:
    """Return the seed in `<ms>,<base64 of 10 bytes>`; whatever else it holds is no seed, as with Inngest."""
    moment, _, entropy = header.partition(",")
    try:
        decoded = base64.b64decode(entropy, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not (moment.isascii() and moment.isdecimal()) or len(moment) > 14 or len(decoded) != SEED_BYTES:
        return None
    return Seed(int(moment), decoded) if int(moment) > 0 else None
