"""The generic cell rate algorithm: starts at equal distances, and so many at once as a limit allows."""

from __future__ import annotations

from datetime import datetime, timedelta


def next_arrival(
    arrival: datetime | None, now: datetime, interval: timedelta, at_once: int
) -> tuple[datetime, datetime]:
    """Return from when the next start conforms, and the theoretical arrival time to keep if it happens now.

    `arrival` is what was kept of the start before, `interval` the distance of two starts, and `at_once` how many may
    come at the same moment after a pause.
    """
    due = now if arrival is None else max(arrival, now)
    return due - interval * (at_once - 1), due + interval
