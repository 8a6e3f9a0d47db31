"""The generic cell rate algorithm: starts at equal distances, and so many at once as a limit allows."""

from __future__ import annotations

from datetime import datetime, timedelta


def owed(arrival: datetime | None, now: datetime, interval: timedelta, at_once: int) -> datetime:
    """Return the arrival time that counts now.

    It is never later than these very limits could have made it: what other limits left behind, before a deploy, does
    not outlast them.
    """
    return now if arrival is None else min(max(arrival, now), now + interval * at_once)


def next_arrival(
    arrival: datetime | None, now: datetime, interval: timedelta, at_once: int
) -> tuple[datetime, datetime]:
    """Return from when the next start conforms, and the theoretical arrival time to keep if it happens now.

    `arrival` is what was kept of the start before, `interval` the distance of two starts, and `at_once` how many may
    come at the same moment after a pause.
    """
    due = owed(arrival, now, interval, at_once)
    return due - interval * (at_once - 1), due + interval
