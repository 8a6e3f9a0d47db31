"""Taking releases in: each is read, each bad one is left out and reported, and the good ones are stored in batches."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction

from tenders.ahead import read_ahead
from tenders.models import storing
from tenders.ocds import notice, package
from tenders.ocds.package import Item
from tenders.ocds.parts import BadRelease
from tenders.ocds.scanner import BadPackage

MOST_PROBLEMS = 20
# Nobody waits for the millionth of them to be refused.
HOPELESS = 1000


@dataclass
class Taken:
    """What became of the releases that came in."""

    processed: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    problems: list[str] = field(default_factory=list)

    def skip(self, words: str) -> None:
        """Count a release that was left out, and keep the first reasons; raises BadPackage if there are only such."""
        self.skipped += 1
        if self.skipped == self.processed == HOPELESS:
            raise BadPackage(f"None of the first {HOPELESS} releases can be read; {self.problems[0]}")
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(words)

    def note(self, problems: Iterable[str]) -> None:
        """Keep what was odd in a release that is stored all the same."""
        self.problems.extend(f"{words}." for words in list(problems)[: max(0, MOST_PROBLEMS - len(self.problems))])

    def count(self, stored: dict[str, int]) -> None:
        """Add what one statement did."""
        for name, number in stored.items():
            setattr(self, name, getattr(self, name) + number)

    @property
    def counters(self) -> dict[str, int]:
        """The sums, by the names that a job has for them."""
        names = ("processed", "added", "updated", "unchanged", "skipped")
        return {name: getattr(self, name) for name in names}


@transaction.atomic
def import_file(stream: BinaryIO, progress: Callable[[Taken], None] = lambda taken: None) -> Taken:
    """Store all releases of a package, or none: raises BadPackage for a file that is none.

    stream: open for reading and seekable. progress: called after each 500.
    """
    published = storing.publication_id(package.publication(stream))
    stream.seek(0)
    storing.prepare_for_many()
    return take(package.items(stream), published, progress)


def import_path(path: Path, progress: Callable[[Taken], None] = lambda taken: None) -> Taken:
    """Do the same with a file on disk."""
    with path.open("rb") as stream:
        return import_file(stream, progress)


def take(items: Iterable[Item], publication: int, progress: Callable[[Taken], None] = lambda taken: None) -> Taken:
    """Store these releases; a bad one is left out and reported, of two with the same ids the first is kept."""
    taken = Taken()
    for batch in read_ahead(_batches(_rows(items, taken))):
        taken.count(storing.store(batch, publication))
        progress(taken)
    return taken


def _batches(rows: Iterable[storing.Row]) -> Iterator[list[storing.Row]]:
    batch: list[storing.Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == storing.BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def of_page(releases: list[Any]) -> Iterator[Item]:
    """Yield the releases of a page that is in memory."""
    for number, release in enumerate(releases):
        yield Item(f"releases[{number}]", release, json.dumps(release, ensure_ascii=False))


def _rows(items: Iterable[Item], taken: Taken) -> Iterator[storing.Row]:
    seen: dict[int, bytes] = {}
    for item in items:
        taken.processed += 1
        try:
            row = _row(item)
        except BadRelease as error:
            taken.skip(f"{error}.")
            continue
        # A number for each key: the keys themselves would be the largest thing in memory.
        before = seen.setdefault(hash(row.key), row.digest)
        if before is row.digest:
            taken.note(row.notice.problems)
            yield row
        elif before == row.digest:
            taken.unchanged += 1
        else:
            taken.skip(f"{item.place} repeats the id {row.notice.release_id} with other content; the first was kept.")


def _row(item: Item) -> storing.Row:
    if item.problem:
        raise BadRelease(item.problem)
    found = notice.read(item.data, item.place)
    meant = json.dumps(item.data, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha1(meant.encode(), usedforsecurity=False).digest()
    # What PostgreSQL's text cannot hold would only ever be a mistake of the publisher.
    raw = item.raw.replace("\x00", "").encode("utf-8", "replace").decode()
    return storing.Row(found, raw, digest)
