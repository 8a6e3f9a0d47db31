"""A network between workers and PostgreSQL that can be held: nothing arrives, and nobody is told."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

_CHUNK = 65_536


class Link:
    """Forwards a port of this machine to a server's socket."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self) -> None:
        """Let nothing through from now on; connections stay open."""
        self._flowing.clear()

    def release(self) -> None:
        """Let through what was held, and all that follows."""
        self._flowing.set()

    def close(self) -> None:
        """Take no more connections."""
        self.release()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._server)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._forward, args=(one, other), daemon=True).start()

    def _forward(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(_CHUNK):
                self._flowing.wait()
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
