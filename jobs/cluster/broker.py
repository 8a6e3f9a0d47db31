"""Q2's broker, reduced to one constant token: whoever takes it pumps runs from our own table."""

from __future__ import annotations

import functools
from typing import Any

from django.utils import timezone
from django_q.brokers import Broker
from django_q.signing import SignedPackage

PUMP = "jobs.cluster.pumping.pump"


class TokenBroker(Broker):  # type: ignore[misc]
    """Always has a token and never touches a database, so neither pusher nor sentinel can lose one."""

    def get_connection(self, list_key: str | None = None) -> None:
        """There is nothing to connect to."""

    def get_cache(self) -> None:
        """Q2's own statistics are kept nowhere: health is the heartbeat of our workers."""

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Drop a statistic of Q2's."""

    def get_stat(self, key: str) -> None:
        """There is none."""

    def get_stats(self, pattern: str) -> list[Any]:
        """There are none."""
        return []

    def ping(self) -> bool:
        """Whether there is a token: always."""
        return True

    def info(self) -> str:
        """Say what this is."""
        return "tokens for the pump"

    def queue_size(self) -> int:
        """Runs wait in our own table, never here."""
        return 0

    def dequeue(self) -> list[tuple[None, str]]:
        """Return the token; Q2's bounded queue holds the pusher until a worker wants it."""
        return [(None, _token())]


@functools.cache
def _token() -> str:
    return str(
        SignedPackage.dumps(
            {
                "id": "pump",
                "name": "pump",
                "func": PUMP,
                "args": (),
                "kwargs": {},
                "started": timezone.now(),
                "save": False,
                "timeout": -1,
            }
        )
    )
