"""The steps of a sync: how far back, one page of the list after the other, and what is remembered of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from pulls import capturing, events, fanout
from pulls.github import client, shapes
from pulls.models import Repository, storing

COOLDOWN = timedelta(hours=1)
# What earlier captures have left is asked for again, so much of each kind in one sync.
MOST_MISSED = 1000
Note = dict[str, Any]


def span(asked: events.Sync) -> Note:
    """Return how far back to read, or why not at all.

    A sync that has reached its end covers a span without a gap, so the next one reads to the newest it has seen. One
    that goes further back than that reads everything.
    """
    repository = fanout.repository_of(asked.repository)
    synced = repository.last_synced_at
    if asked.reason != events.MANUAL and synced and timezone.now() - synced < COOLDOWN:
        minutes = int((timezone.now() - synced).total_seconds() // 60)
        return {"skip": f"{repository} was synced {minutes} min ago; that is enough until an hour has passed."}
    since = timezone.now() - timedelta(days=asked.days)
    known = bool(repository.known_since and repository.known_since <= since and repository.known_until)
    stop = repository.known_until if known and repository.known_until else since
    return {
        "since": since.isoformat(),
        "known_since": (repository.known_since if known and repository.known_since else since).isoformat(),
        "stop": stop.isoformat(),
        "etag": repository.etag if known else "",
    }


def look_up(repository_id: int) -> str:
    """Ask for the repository itself: whose name it is now, and whether it is still the same one."""
    repository = fanout.repository_of(repository_id)
    found = shapes.one(shapes.Repo, client.get(f"/repos/{repository.owner}/{repository.name}").data)
    if repository.github_id not in (None, found.id):
        raise events.BadRequest(
            f"{repository} is another repository now (GitHub's id {found.id}, not {repository.github_id}); "
            "remove it here and add it anew."
        )
    values = {"owner": found.owner.login, "name": found.name, "github_id": found.id}
    try:
        with transaction.atomic():
            Repository.objects.filter(pk=repository.pk).exclude(**values).update(**values)
    except IntegrityError:
        raise events.BadRequest(
            f"{repository} is {found.owner.login}/{found.name} now, which is here already; remove one of the two."
        ) from None
    return f"{found.owner.login}/{found.name}"


def is_known(repository_id: int) -> bool:
    """Whether GitHub's id of a repository is known."""
    return fanout.repository_of(repository_id).github_id is not None


def first_page(repository_id: int) -> str:
    """Return where the list of pull requests begins, those that changed last first."""
    repository = fanout.repository_of(repository_id)
    return capturing.address_of(
        repository, f"pulls?state=all&sort=updated&direction=desc&per_page={capturing.PER_PAGE}"
    )


def read_page(repository_id: int, address: str, etag: str, stop: str, origin: str) -> Note:
    """Fetch a page of the list, store it and plan what has changed.

    Returns the next page (empty at the end of the span), what has changed by kind, its batches, and the newest time.
    """
    repository = fanout.repository_of(repository_id)
    answer = client.get(address, etag=etag)
    if answer.unchanged:
        return {"next": "", "unchanged": True, "wanted": {}, "batches": {}, "moved": answer.moved, "newest": None}
    pulls = shapes.many(shapes.Pull, answer.data)
    _must_be_of(repository, pulls)
    found = capturing.people(user for pull in pulls for user in pull.users())
    times = [pull.updated_at for pull in pulls]
    over = not all(_within(pull, stop) for pull in pulls)
    with transaction.atomic():
        storing.LISTED.store([pull.row(repository.pk, found) for pull in pulls])
        wanted = fanout.wanted(repository.pk, [pull.number for pull in pulls if _within(pull, stop)])
        batches = fanout.plan(repository.pk, origin, wanted)
    return {
        "next": "" if over else answer.next,
        "etag": answer.etag if _shows_changes(times, answer.next) else "",
        "moved": answer.moved,
        "newest": max(times).isoformat() if times else None,
        "wanted": wanted,
        "batches": batches,
    }


def _shows_changes(times: list[datetime], following: str) -> bool:
    """Whether the first page cannot stay as it is when a pull request changes.

    A full last page may get a next one and keep its etag. What changed in the same second as all on a full page may
    be listed behind it.
    """
    return len(times) < capturing.PER_PAGE or bool(following and min(times) < max(times))


def _within(pull: shapes.Pull, stop: str) -> bool:
    return pull.updated_at >= datetime.fromisoformat(stop)


def _must_be_of(repository: Repository, pulls: list[shapes.Pull]) -> None:
    """Refuse the pull requests of another repository that has taken a name over."""
    ids = {pull.base.repo.id for pull in pulls if pull.base.repo}
    if repository.github_id is not None and ids - {repository.github_id}:
        raise events.BadRequest(f"{repository} is another repository now; remove it here and add it anew.")


def find_missed(repository_id: int, since: str, origin: str) -> Note:
    """Plan what earlier captures of the span have left: those that failed, or were overtaken by a change."""
    with transaction.atomic():
        wanted = fanout.missed(repository_id, datetime.fromisoformat(since), MOST_MISSED)
        return {"wanted": wanted, "batches": fanout.plan(repository_id, origin, wanted)}


def finish(repository_id: int, read: Note, first: Note, origin: str) -> list[int]:
    """Note how far the list is known now, and close the fan-out; in a transaction with the step's own note."""
    values: Note = {"last_synced_at": timezone.now(), "known_since": read["known_since"], "error": ""}
    if first.get("newest"):
        values["known_until"] = first["newest"]
    if not first.get("unchanged"):
        values["etag"] = first.get("etag") or ""
    Repository.objects.filter(pk=repository_id).update(**values)
    return fanout.close(origin)


def note_error(repository_id: Any, words: str) -> bool:
    """Keep in one sentence why the last sync failed."""
    if isinstance(repository_id, bool) or not isinstance(repository_id, int):
        return False
    return Repository.objects.filter(pk=repository_id).update(error=words[:500]) == 1


def due() -> list[Note]:
    """Return the active repositories whose turn on schedule has come."""
    now = timezone.now()
    return [
        {"id": repository.pk, "priority": repository.priority, "days": 7 if repository.known_until else 30}
        for repository in Repository.objects.active().order_by("last_synced_at", "pk")
        if repository.last_synced_at is None
        or repository.last_synced_at <= now - timedelta(hours=repository.sync_every)
    ]
