"""Webhooks from GitHub: who may send them, which were taken in already, and what each leads to."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

import jobs
from pulls import events
from pulls.models import Delivery, JobType, Level, Repository

KINDS = {
    "pull_request": JobType.DETAILS,
    "pull_request_review": JobType.REVIEWS,
    "pull_request_review_comment": JobType.COMMENTS,
    "issue_comment": JobType.COMMENTS,
}
KEPT = timedelta(days=90)


class Replayed(Exception):
    """This delivery was taken in already."""


def is_signed(body: bytes, header: str) -> bool:
    """Whether X-Hub-Signature-256 is the body's, compared in constant time."""
    expected = hmac.new(settings.GITHUB_WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"sha256={expected}".encode(), header.encode("utf-8", "replace"))


@transaction.atomic
def take_in(kind: str, guid: str, signature: str, payload: Any) -> tuple[int, str]:
    """Queue what a delivery leads to; returns how many captures, and in words why none. Raises Replayed."""
    found = _asked(kind, payload)
    if isinstance(found, str):
        return 0, found
    repository, number = found
    if not Delivery.take(guid, signature.removeprefix("sha256=")):
        raise Replayed("This delivery was taken in already.")
    event = events.capture(KINDS[kind], repository.pk, number, Level.HIGH, event_id=f"github-{guid}")
    jobs.send_sync(event)
    return 1, ""


def _asked(kind: str, payload: Any) -> tuple[Repository, int] | str:
    """Return what is to be captured, or why nothing is."""
    if kind not in KINDS:
        return f"Nothing listens to {kind[:80] or 'an event without a name'}."
    repository = _repository(payload)
    if repository is None:
        return "This repository is not added here, or is switched off."
    subject = payload.get("issue" if kind == "issue_comment" else "pull_request")
    if not isinstance(subject, dict) or (kind == "issue_comment" and not subject.get("pull_request")):
        return "This is about an issue, not a pull request."
    number = subject.get("number")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**31:
        return "The pull request has no number."
    return repository, number


def _repository(payload: Any) -> Repository | None:
    """Return the active repository that a payload names: by GitHub's id, which no renaming changes, else by name."""
    told = payload.get("repository") if isinstance(payload, dict) else None
    if not isinstance(told, dict):
        return None
    github_id, (owner, _, name) = told.get("id"), str(told.get("full_name", "")).partition("/")
    active = Repository.objects.active()
    if isinstance(github_id, int) and 0 < github_id < 2**63 and (found := active.filter(github_id=github_id).first()):
        return found
    return active.named(owner[:100], name[:100]).filter(github_id=None).first()


def forget() -> int:
    """Remove the notes of deliveries of long ago; returns how many."""
    return Delivery.objects.filter(received_at__lt=timezone.now() - KEPT).delete()[0]
