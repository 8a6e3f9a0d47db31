"""Runs as CSV, streamed, with what a spreadsheet would take for a formula made harmless."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from jobs import clock, database, identity
from jobs.admin import payload
from jobs.admin.filtering import RunFilter
from jobs.models import Run
from jobs.selection import Selection

MOST = 100_000
_CHUNK = 1000
_COLUMNS = ("id", "function", "status", "event", "object", "queued", "started", "ended", "seconds", "error")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def runs_as_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Answer with the chosen runs, or with all that the address asks for, newest first."""
    ids = tuple(found for text in request.GET.getlist("run") if (found := identity.read(text)))
    selection = Selection(ids=ids) if ids else RunFilter.read(request.GET, request.user).selection()
    runs = selection.runs().order_by("-pk").defer("output")
    answer = StreamingHttpResponse(_lines(runs), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="runs-{clock.now():%Y%m%d-%H%M%S}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer


def _lines(runs: Any) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(_COLUMNS)
    left, page = MOST, runs
    # Read by key: a cursor would hold a connection as long as somebody's download takes.
    while left and (found := list(page[: min(left, _CHUNK)])):
        database.give_back()
        yield "".join(writer.writerow([_harmless(value) for value in _row(run)]) for run in found)
        left, page = left - len(found), runs.filter(pk__lt=found[-1].pk)


def _row(run: Run) -> list[Any]:
    times = [moment.isoformat(timespec="milliseconds") if moment else "" for moment in _moments(run)]
    seconds = "" if run.duration is None else f"{run.duration:.3f}"
    error = payload.last_line(run.error)
    return [run.pk, run.function, run.status.lower(), run.trigger, run.subject, *times, seconds, error]


def _moments(run: Run) -> tuple[Any, ...]:
    return run.queued_at, run.started_at, run.ended_at


def _harmless(value: Any) -> str:
    text = payload.printable(str(value))
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
