"""What goes wrong: each fault is done, looked at, and healed; it counts only where its effect was seen."""

import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg

from bench.campaign import disk, ledger, poison
from bench.campaign.hosts import FAKETIME, Cluster, Host, kill
from bench.campaign.link import Link
from bench.campaign.place import Place
from bench.campaign.senders import Senders

LINKS = {"cut": "dropped", "slow": "delayed", "silent": "held", "half": "half", "swallow": "swallowed"}
KILLED = ("worker", "sentinel", "attendant", "main")
LOCKED = ("jobs_run", "jobs_worker", "jobs_step")
POISONS = (*poison.KILLS, *poison.FAILS, *poison.HARMLESS)


@dataclass
class Faults:
    """All that may go wrong with a place, its hosts and its links."""

    place: Place
    clusters: list[Cluster]
    web: Host
    links: list[Link]
    senders: Senders
    chance: random.Random
    longest: float = 7.0
    """Seconds that a fault lasts at most: longer than the silence after which a worker counts as dead."""
    done: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def all(self) -> dict[str, Callable[[], bool]]:
        """Return every fault that this machine can have, by name; each tells whether it came about."""
        found: dict[str, Callable[[], bool]] = {}
        for kind in KILLED:
            found[f"kill-{kind}"] = lambda kind=kind: self._kill(kind)
        for mode in LINKS:
            found[f"link-{mode}"] = lambda mode=mode: self._link(mode)
        for table in LOCKED:
            found[f"lock-{table}"] = lambda table=table: self._lock(table)
        for how in POISONS:
            found[f"poison-{how}"] = lambda how=how: self._poison(how)
        for how in ("fast", "immediate"):
            found[f"restart-{how}"] = lambda how=how: self._restart(how)
        found |= {
            "stop-worker": self._stop_worker,
            "stop-server": self._stop_server,
            "connections": self._exhaust,
            "timeouts": self._timeouts,
        }
        if self.place.small_disk:
            found["disk-full"] = lambda: disk.fill(self.place, self._span(1, 3))
        if FAKETIME is not None:
            found["clock"] = self._clock
        return found

    def left_out(self) -> list[str]:
        """Return what this machine cannot have, with the reason."""
        disk_words = [] if self.place.small_disk else ["disk-full: no small disk could be mounted here"]
        return disk_words + ([] if FAKETIME else ["clock: faketime is not installed"])

    def inject(self, name: str) -> None:
        """Have one go wrong."""
        ledger.write("fault", str(self.place.ledger), name=name)
        seen = self.all()[name]()
        (self.done if seen else self.missed)[name] += 1
        ledger.write("healed", str(self.place.ledger), name=name, seen=seen)

    def heal(self) -> None:
        """Leave nothing wrong, whatever was under way."""
        for link in self.links:
            link.heal()
        for host in (*self.clusters, self.web):
            for process in host.members():
                kill(process.pid, signal.SIGCONT)
        for cluster in self.clusters:
            cluster.set_clock(0)
        disk.free(self.place)
        with contextlib.suppress(OSError, psutil.Error, IndexError):
            for process in self.place.server_processes():
                kill(process.pid, signal.SIGCONT)
        self.place.start_server()

    def _span(self, least: float, most: float) -> float:
        return self.chance.uniform(least, min(most, self.longest))

    def _kill(self, kind: str) -> bool:
        found = self.chance.choice(self.clusters).find(kind)
        if not found:
            return False
        pid = self.chance.choice(found)
        before = psutil.Process(pid).create_time() if psutil.pid_exists(pid) else 0.0
        kill(pid, signal.SIGKILL)
        return _within(5, lambda: not _is_same(pid, before))

    def _link(self, mode: str) -> bool:
        link = self.chance.choice(self.links)
        before = link.counts[LINKS[mode]]
        link.set(mode)
        time.sleep(self._span(0.05, 0.3) if mode == "swallow" else self._span(1, 7))
        if mode == "swallow":
            _within(3, lambda: link.counts["swallowed"] > before)
        link.heal()
        return link.counts[LINKS[mode]] > before

    def _stop_worker(self) -> bool:
        found = self.chance.choice(self.clusters).find("worker")
        if not found:
            return False
        pid = self.chance.choice(found)
        kill(pid, signal.SIGSTOP)
        try:
            stopped = _within(1, lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
            time.sleep(self._span(1, 7))
        except psutil.Error:
            return False
        finally:
            kill(pid, signal.SIGCONT)
        return stopped

    def _stop_server(self) -> bool:
        stopped = self.place.server_processes()
        try:
            for process in stopped:
                kill(process.pid, signal.SIGSTOP)
            time.sleep(self._span(1, 7))
            return stopped[0].status() == psutil.STATUS_STOPPED
        finally:
            for process in stopped:
                kill(process.pid, signal.SIGCONT)

    def _restart(self, how: str) -> bool:
        before = self.place.server_pid()
        self.place.server.stop(signal.SIGINT if how == "fast" else signal.SIGQUIT)
        time.sleep(self._span(0.1, 3))
        self.place.start_server()
        return self.place.server_pid() != before

    def _exhaust(self) -> bool:
        """Take every connection there is, and give them back after a while."""
        with contextlib.ExitStack() as held:
            for _ in range(150):
                try:
                    held.enter_context(contextlib.closing(self.place.connect()))
                except psycopg.OperationalError:
                    break
            else:
                return False
            time.sleep(self._span(1, 5))
        return True

    def _timeouts(self) -> bool:
        """Give the role timeouts so short that statements fail, and put an end to it."""
        with self.place.connect() as connection:
            connection.execute("ALTER ROLE stepwell SET statement_timeout = '15ms'")
            connection.execute("ALTER ROLE stepwell SET lock_timeout = '5ms'")
            _end_sessions(connection)
            time.sleep(self._span(1, 4))
            connection.execute("SET statement_timeout = 0")
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'stepwell%'"
            seen = connection.execute(query).fetchone()
            connection.execute("ALTER ROLE stepwell RESET ALL")
            _end_sessions(connection)
        return bool(seen and seen[0])

    def _lock(self, table: str) -> bool:
        with self.place.connect() as connection, connection.transaction():
            connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            time.sleep(self._span(1, 7))
            query = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
            waiting = connection.execute(query, [table]).fetchone()
        return bool(waiting and waiting[0])

    def _poison(self, how: str) -> bool:
        number = self.chance.randrange(10**9, 2 * 10**9)
        self.senders.owe("poison", 0.5, n=number, how=how)
        return self._is_told(25, lambda line: line.word == "begin" and line.facts["step"] == how)

    def _clock(self) -> bool:
        cluster = self.clusters[-1]
        cluster.set_clock(self.chance.choice([-600, 600]))
        seen = self._is_told(7, lambda line: abs(line.facts["clock"] - time.time()) > 300)
        time.sleep(self._span(1, 5))
        cluster.set_clock(0)
        return seen

    def _is_told(self, seconds: float, fits: Callable[[ledger.Line], bool]) -> bool:
        """Whether the ledger gets such a line from now on."""
        start = self.place.ledger.stat().st_size
        return _within(seconds, lambda: any(map(fits, ledger.read(self.place.ledger, start))))


def _end_sessions(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )


def _is_same(pid: int, created: float) -> bool:
    try:
        process = psutil.Process(pid)
        return process.create_time() == created and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def plan(names: list[str], chance: random.Random) -> Iterator[str]:
    """Return the faults in an order by seed, without end: each kind once in every round."""
    while True:
        chance.shuffle(names)
        yield from names
