"""Who sends: over HTTP, in transactions that commit or roll back, and in bulk; all resend until acknowledged."""

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from django.db import DatabaseError, InterfaceError, connection, transaction

import jobs
from bench.campaign import ledger

# As often as they stand here. An idempotent one is sent twice with one key, a waiter is answered a second later.
KINDS = (
    *("steps", "steps", "sleeper", "waiter", "signalled", "parent", "grouped", "asynchronous", "emitter", "transacted"),
    *("transacted", "limited", "limited", "throttled", "single", "rated", "idempotent", "debounced", "batched"),
)
BULK = 12
PAUSE = 0.3


class _RolledBack(Exception):
    """The sender thought better of it."""


class Senders:
    """Threads that send until they are told to stop, and then what is still owed."""

    def __init__(self, path: Path, rate: float, chance: random.Random) -> None:
        self._path, self._rate = str(path), rate
        self._numbers = itertools.count(1)
        self._chance = chance
        self._lock = threading.Lock()
        self._owed: list[tuple[float, int, str, dict[str, Any]]] = []
        self._stopped = threading.Event()
        self._given_up = threading.Event()
        self._threads: list[threading.Thread] = []
        self.secret = ""
        self.address = ""

    def start(self, address: str, secret: str) -> None:
        """Begin to send; events go to that address with that key."""
        self.address, self.secret = address, secret
        for way, size in ((self._over_http, 2), (self._in_transaction, 1), (self._in_bulk, BULK)):
            thread = threading.Thread(target=self._go_on, args=(way, size), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, seconds: float) -> bool:
        """Stop, once everything sent is acknowledged; whether that was so in time."""
        self._stopped.set()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._given_up.set()
        return not any(thread.is_alive() for thread in self._threads)

    def send(self, several: list[jobs.Event]) -> None:
        """Send these at once, from the thread that asks."""
        self._given_up.clear()
        self._close()
        self._insist(self._in_bulk, several)

    def owe(self, kind: str, seconds: float, **data: Any) -> None:
        """Have one more event sent a little later."""
        with self._lock:
            n = int(data.pop("n", 0)) or next(self._numbers)
            heapq.heappush(self._owed, (time.monotonic() + seconds, next(self._numbers), kind, {"n": n, **data}))

    def _next(self) -> jobs.Event:
        """Return what is owed, else something new."""
        with self._lock:
            if self._owed and (self._owed[0][0] < time.monotonic() or self._stopped.is_set()):
                _, number, kind, data = heapq.heappop(self._owed)
                return jobs.Event(name=f"campaign/{kind}", id=f"c-{number}", data=data)
            n, kind = next(self._numbers), self._chance.choice(KINDS)
        if kind == "waiter":
            self.owe("answer", 1.0, n=n)
        if kind == "idempotent":
            self.owe("idempotent", 0.2, n=n)
        return jobs.Event(name=f"campaign/{kind}", id=f"c-{n}", data={"n": n})

    def _go_on(self, way: Callable[[list[jobs.Event]], None], size: int) -> None:
        while not self._stopped.is_set() or self._owed:
            begun = time.monotonic()
            several = []
            for _ in range(size):
                if not self._stopped.is_set() or self._owed:
                    several.append(self._next())
            self._insist(way, several)
            if not self._stopped.is_set():
                self._stopped.wait(max(0.01, size * 3 / self._rate - (time.monotonic() - begun)))

    def _insist(self, way: Callable[[list[jobs.Event]], None], several: list[jobs.Event]) -> None:
        """Send until it is acknowledged: with the same ids, so that nothing counts twice."""
        while several and not self._given_up.is_set():
            try:
                way(several)
            except _RolledBack:
                return self._note("rolled-back", several)
            except (httpx.HTTPError, DatabaseError, InterfaceError) as error:
                ledger.write("unsure", self._path, error=type(error).__name__)
                time.sleep(PAUSE)
            else:
                return self._note("acknowledged", several)
            finally:
                self._close()
        return None

    def _close(self) -> None:
        try:
            connection.close()
        except (DatabaseError, InterfaceError):
            connection.connection = None

    def _note(self, word: str, several: list[jobs.Event]) -> None:
        for event in several:
            ledger.write(word, self._path, id=event.id, kind=event.name.removeprefix("campaign/"), data=event.data)

    def _over_http(self, several: list[jobs.Event]) -> None:
        body = [{"name": event.name, "id": event.id, "data": event.data} for event in several]
        answer = httpx.post(f"{self.address}/e/{self.secret}", json=body, timeout=10)
        answer.raise_for_status()
        if len(answer.json()["ids"]) != len(several):
            raise RuntimeError(f"{len(several)} events were sent, and {answer.text} was the answer")

    def _in_transaction(self, several: list[jobs.Event]) -> None:
        """Store a row with the events; every fifth of the plain ones is rolled back with its row."""
        [event] = several
        n = event.data["n"]
        with transaction.atomic():
            with connection.cursor() as cursor:
                # A resend after a doubtful commit finds the row there.
                cursor.execute("DELETE FROM campaign_row WHERE n = %s", [n])
                cursor.execute("INSERT INTO campaign_row (n) VALUES (%s)", [n])
            jobs.send_sync(event)
            if n % 5 == 0 and event.name == "campaign/steps":
                raise _RolledBack

    def _in_bulk(self, several: list[jobs.Event]) -> None:
        jobs.send_sync(several)
