"""Ids that sort by time, so that newest first is the order of a primary key."""

from __future__ import annotations

import secrets
from uuid import UUID

from jobs import clock

_SECOND = 1000 * 4096

_ticks = 0


def new_id() -> UUID:
    """Return a UUID of version 7 (RFC 9562): milliseconds, a 12-bit fraction of one, and 62 random bits.

    The fraction keeps the ids of one burst in order without running ahead of the clock.
    """
    global _ticks
    current = clock.real_nanoseconds() * 4096 // 1_000_000
    # Two threads may take the same tick; the random bits still tell their ids apart. More than a second ahead is what
    # a wrong clock of this host left, from before the database was heard.
    _ticks = _ticks + 1 if 0 <= _ticks - current < _SECOND else current
    ms, fraction = divmod(_ticks, 4096)
    return UUID(int=(ms & 0xFFFFFFFFFFFF) << 80 | 7 << 76 | fraction << 64 | 2 << 62 | secrets.randbits(62))
