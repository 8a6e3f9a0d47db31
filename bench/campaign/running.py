"""One campaign from start to verdict, bounded in time, with nothing left behind."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from bench.campaign import hosts, ledger, seen
from bench.campaign.faults import Faults, plan
from bench.campaign.link import Link
from bench.campaign.place import Place
from bench.campaign.senders import Senders
from bench.campaign.verdict import Verdict
from jobs.models import EventKey

START_SECONDS = 60
REST_SECONDS = 90
PROBES = 18


@dataclass
class Campaign:
    """How long, by which seed, how many events a second, and which faults (None for all)."""

    place: Place
    link: Link
    """What this process sends over."""
    minutes: float
    seed: int
    rate: float
    names: list[str] | None = None
    keep: str = ""
    """A folder for the ledger and what hosts printed, empty for none."""
    _stack: ExitStack = field(default_factory=ExitStack)

    def run(self) -> dict[str, Any]:
        """Return the report."""
        begun = time.monotonic()
        with self._stack:
            self._prepare()
            self._work()
            calm = self._rest()
            report = self._judge(calm)
            self._save()
        return {"seed": self.seed, "seconds": round(time.monotonic() - begun), **report}

    def _prepare(self) -> None:
        chance = random.Random(self.seed)
        self.clusters = [
            hosts.Cluster(self.place, name, own_clock=name == "cellar" and self._is_wanted("clock"))
            for name in ("attic", "cellar")
        ]
        port = _free_port()
        self.web = hosts.web(self.place, port)
        for host in (*self.clusters, self.web):
            self._stack.callback(host.end)
        self.senders = Senders(self.place.ledger, self.rate, random.Random(self.seed))
        self._stack.callback(self.senders.stop, 5)
        links = [self.link, *(host.link for host in (*self.clusters, self.web))]
        self.faults = Faults(self.place, self.clusters, self.web, links, self.senders, chance)
        address = f"http://127.0.0.1:{port}"
        _wait("the hosts at work", START_SECONDS, lambda: _answers(address) and self._ready())
        self.senders.start(address, EventKey.make("campaign")[1])

    def _is_wanted(self, name: str) -> bool:
        return self.names is None or name in self.names

    def _ready(self) -> bool:
        return all(cluster.is_ready() for cluster in self.clusters)

    def _work(self) -> None:
        names = [name for name in self.faults.all() if self._is_wanted(name)]
        order = plan(names, random.Random(self.seed)) if names else iter(())
        until = time.monotonic() + self.minutes * 60
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self.faults.chance.uniform(0.3, 2.0)))
            name = next(order, None)
            if name and time.monotonic() < until:
                _progress(name)
                self.faults.inject(name)
        self.faults.heal()

    def _rest(self) -> bool:
        """Let everything sent be acknowledged and end, then probe the slots; whether all came to rest in time."""
        _progress("coming to rest")
        until = time.monotonic() + REST_SECONDS
        calm = self.senders.stop(REST_SECONDS / 2) and self._await_end(until)
        if calm:
            self._probe()
            calm = self._await_end(time.monotonic() + 20)
        return calm

    def _await_end(self, until: float) -> bool:
        quiet = 0
        while time.monotonic() < until and quiet < 3:
            try:
                with self.place.connect() as connection:
                    quiet = quiet + 1 if seen.live(connection) == 0 else 0
            except psycopg.Error:
                self.place.start_server()
            time.sleep(0.3)
        return quiet >= 3

    def _probe(self) -> None:
        import jobs

        def probe(n: int) -> jobs.Event:
            return jobs.Event(name="campaign/limited", id=f"probe-{n}", data={"n": n, "rest": 0.6})

        self.senders.send([probe(n) for n in range(10**10, 10**10 + PROBES)])

    def _judge(self, calm: bool) -> dict[str, Any]:
        with self.place.connect() as connection:
            verdict = Verdict(list(ledger.read(self.place.ledger)), seen.read(connection))
        report = verdict.report()
        report["holds"] = verdict.holds and calm
        names = set(self.faults.all() if self.names is None else self.names)
        return {
            "came_to_rest": calm,
            **report,
            "faults": dict(sorted(self.faults.done.items())),
            "faults_without_effect": dict(sorted(self.faults.missed.items())),
            "faults_left_out": [words for words in self.faults.left_out() if words.partition(":")[0] in names],
            "cluster_exits": dict(Counter(str(code) for host in self.clusters for code in host.exits)),
        }

    def _save(self) -> None:
        if self.keep:
            os.makedirs(self.keep, exist_ok=True)
            kept = [self.place.ledger, *self.place.folder.glob("*.out"), self.place.server.data / "server.log"]
            subprocess.run(["cp", *map(str, kept), self.keep], check=False)


def _progress(words: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=2).status_code in (200, 503)
    except httpx.HTTPError:
        return False


def _wait(what: str, seconds: float, condition: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(f"Not within {seconds} s: {what}")
        time.sleep(0.2)
