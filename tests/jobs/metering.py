"""What many runs at once cost a real cluster: wall time, connections, and how long its workers were silent."""

from __future__ import annotations

import threading
from typing import Any

from jobs.function import Function
from tests.jobs.cluster import Bench

TRIES = 3
"""Another program may take the machine away for a moment, so the best of three counts."""

_WALL = """
SELECT extract(epoch FROM max(ended_at) - min(started_at))::float8
FROM jobs_run WHERE id = ANY(%s) AND status = 'COMPLETED' HAVING count(*) = %s
"""
_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cluster' AND datname = current_database()"
_SILENCE = "SELECT coalesce(max(extract(epoch FROM now() - seen_at)), 0)::float8 FROM jobs_worker"


class Meter(threading.Thread):
    """Notes the most connections that a cluster has open at once and the longest silence of a worker, in a block."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(daemon=True)
        self.connections = 0
        self.silence = 0.0
        self._bench = bench
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(0.1):
            ((count,),) = self._bench.rows(_OPEN)
            ((silence,),) = self._bench.rows(_SILENCE)
            self.connections, self.silence = max(self.connections, count), max(self.silence, silence)

    def __enter__(self) -> Meter:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()


def walls(bench: Bench, function: Function[Any], *, count: int, enough: float, **data: Any) -> list[float]:
    """Send so many runs until one try took no longer than `enough`; returns seconds from first start to last end."""
    found: list[float] = []
    while len(found) < TRIES and min(found, default=enough + 1) > enough:
        ids = bench.send(function, count=count, **data)
        bench.wait_for_all(60)
        ((wall,),) = bench.rows(_WALL, [ids, count])
        found.append(wall)
    return found
