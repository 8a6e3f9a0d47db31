"""A loopback link to PostgreSQL that breaks in the moment of a COMMIT: its answer, or the COMMIT itself, is lost."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from django.db import connection, connections

_SSL, _GSS = 80877103, 80877104


@dataclass
class Fault:
    """What to do to the next commits of transactions in one of whose statements these words stand.

    arrives: whether the COMMIT reaches the server at all. late: seconds that it is still under way when the client
    is cut off already. down: seconds for which the link then carries nothing at all.
    """

    words: bytes
    arrives: bool = True
    late: float = 0.0
    down: float = 0.0
    times: int = 1


@dataclass
class Link:
    """Carries connections to a server, given by its socket or by host and port, and does the faults it is told."""

    server: str | tuple[str, int]
    faults: list[Fault] = field(default_factory=list)
    struck: int = 0
    """How many commits a fault has befallen."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: list[_Session] = []
        self._down_until = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @contextmanager
    def running(self) -> Iterator[Link]:
        """Carry until the block ends."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self._listener.close()

    def lose_answer(self, words: str, *, late: float = 0.0, down: float = 0.0) -> None:
        """Swallow the answer of the next COMMIT after these words, and cut the connection."""
        self.faults.append(Fault(words.encode(), late=late, down=down))

    def lose_commit(self, words: str) -> None:
        """Cut the connection, on both sides, before the next COMMIT after these words reaches the server."""
        self.faults.append(Fault(words.encode(), arrives=False))

    def fault_of(self, said: bytes) -> Fault | None:
        """Return what is to befall a commit of these statements, which is then done."""
        with self._lock:
            for fault in self.faults:
                if fault.times and fault.words in said:
                    fault.times -= 1
                    self.struck += 1
                    return fault
        return None

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if time.monotonic() < self._down_until:
                    client.close()
                    continue
                session = _Session(self, client)
                self._sessions.append(session)
                threading.Thread(target=session.carry, daemon=True).start()

    def go_down(self, seconds: float) -> None:
        """Cut every connection and take no other for so long."""
        self._down_until = time.monotonic() + seconds
        for session in list(self._sessions):
            session.end()

    def connected(self) -> socket.socket:
        """Connect to the server."""
        if isinstance(self.server, tuple):
            return socket.create_connection(self.server)
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(self.server)
        return upstream


class _Session:
    """One client's connection: follows its transactions by what it says."""

    def __init__(self, link: Link, client: socket.socket) -> None:
        self._link, self._client = link, client
        self._server = link.connected()
        self._prepared: dict[bytes, bytes] = {}
        self._said = b""
        self._in_transaction = False
        self._cut = threading.Event()
        self._committed = threading.Event()

    def carry(self) -> None:
        """Carry what the client says until one side ends, or a fault ends both."""
        with suppress(OSError, EOFError):
            if self._begin():
                threading.Thread(target=self._answer, daemon=True).start()
                while not self._cut.is_set():
                    self._pass_on()
        self.end()

    def _begin(self) -> bool:
        """Pass on the start of a session; no encryption on the way, or nothing could be read."""
        while True:
            size, code = struct.unpack("!ii", self._read(8))
            rest = self._read(size - 8)
            if code not in (_SSL, _GSS):
                self._server.sendall(struct.pack("!ii", size, code) + rest)
                return True
            self._client.sendall(b"N")

    def _pass_on(self) -> None:
        head = self._read(5)
        kind, (size,) = head[:1], struct.unpack("!i", head[1:])
        body = self._read(size - 4)
        fault = self._link.fault_of(self._said) if self._commits(kind, body) else None
        if fault is None:
            self._server.sendall(head + body)
        else:
            self._strike(fault, head + body)

    def _commits(self, kind: bytes, body: bytes) -> bool:
        """Take note of what is said and return whether it ends a transaction that keeps what was said in it."""
        if kind == b"P":
            name, text = body.split(b"\0")[:2]
            self._prepared[name] = text
            return False
        if kind == b"S" and not self._in_transaction:
            # A statement outside of a transaction commits with the Sync behind it.
            return bool(self._said)
        if kind not in (b"B", b"Q"):
            return False
        text = body if kind == b"Q" else self._prepared.get(body.split(b"\0")[1], b"")
        word = text.strip(b"\0 \n").upper()
        if word.startswith((b"BEGIN", b"ROLLBACK")) and not word.startswith(b"ROLLBACK TO"):
            self._in_transaction, self._said = word.startswith(b"BEGIN"), b""
            return False
        if word == b"COMMIT":
            self._in_transaction = False
            return True
        # With its parameters, which stand in the body.
        self._said = (self._said if self._in_transaction else b"") + text + body
        return kind == b"Q" and not self._in_transaction

    def _strike(self, fault: Fault, message: bytes) -> None:
        self._cut.set()
        if fault.late or not fault.arrives:
            self._client.shutdown(socket.SHUT_RDWR)
            self._client.close()
        if not fault.arrives:
            return
        time.sleep(fault.late)
        # Behind a COMMIT in extended form come an Execute and a Sync, which the client need not have sent yet.
        rest = b"" if message[:1] in (b"Q", b"S") else b"E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04"
        self._server.sendall(message + rest)
        self._committed.wait(10)
        if fault.down:
            self._link.go_down(fault.down)

    def _answer(self) -> None:
        """Carry what the server says; once a fault keeps it back, only listen until the commit is done."""
        with suppress(OSError):
            while said := self._server.recv(65536):
                if not self._cut.is_set():
                    self._client.sendall(said)
                elif said.endswith(b"Z\0\0\0\x05I"):
                    self._committed.set()
        if not self._cut.is_set():
            self.end()

    def _read(self, size: int) -> bytes:
        read = b""
        while len(read) < size:
            more = self._client.recv(size - len(read))
            if not more:
                raise EOFError
            read += more
        return read

    def end(self) -> None:
        """Cut both sides."""
        for side in (self._client, self._server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()


@contextmanager
def behind_a_link() -> Iterator[Link]:
    """Put the database of this process behind a link until the block ends."""
    with Link(_server()).running() as link, rerouted("127.0.0.1", link.port):
        yield link


@contextmanager
def rerouted(host: str, port: int) -> Iterator[None]:
    """Have Django and the engine of this process reach the database that way."""
    values = connections.settings["default"]
    before = {name: values[name] for name in ("HOST", "PORT", "DISABLE_SERVER_SIDE_CURSORS")}
    connection.close()
    connection.close_pool()
    values |= {"HOST": host, "PORT": str(port)}
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()
        values |= before


def _server() -> str | tuple[str, int]:
    """Where the server of the tests listens."""
    values = connection.settings_dict
    host, port = values["HOST"] or "127.0.0.1", int(values["PORT"] or 5432)
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)
