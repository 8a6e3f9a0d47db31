"""A gunicorn worker that reads each request whole, in a temporary file if need be, before a thread takes it.

Gunicorn keeps the processes, waitress reads and writes without threads; what it lacks, a time limit for a whole
request that trickles in, is here.
"""

import os
import socket
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from config import env

HEAD_SECONDS = 10
BODY_SECONDS = 30
BYTES_PER_SECOND = 16 * 1024
SILENT_SECONDS = 30
LARGEST_HEAD = 64 * 1024
TICK = 0.5


class Channel(HTTPChannel):
    """A connection that knows since when its request has been coming."""

    began: float | None = None

    def received(self, data: bytes) -> bool:
        """Take what has come; the clock runs from the first byte of a request to its last."""
        self.began = self.began or time.time()
        taken: bool = super().received(data)
        if self.request is None:
            self.began = None
        return taken

    def is_late(self, now: float) -> bool:
        """Whether a request, or the reading of its answer, has taken longer than anybody honest needs."""
        if self.total_outbufs_len and now - self.last_activity > SILENT_SECONDS:
            return True
        coming = self.request
        if coming is None or self.began is None:
            return False
        allowed = float(HEAD_SECONDS)
        if coming.headers_finished:
            allowed += BODY_SECONDS + coming.body_bytes_received / BYTES_PER_SECOND
        return now - self.began > allowed


class Server(TcpWSGIServer):
    """Waitress's server, which also closes what is late."""

    channel_class = Channel

    def maintenance(self, now: float) -> None:
        """Close silent connections, and requests that do not arrive."""
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            if channel.is_late(now):
                channel.handle_close()


class BufferingWorker(Worker):
    """One process: a loop that reads and writes, and threads that answer."""

    def run(self) -> None:
        """Serve until told to stop, then finish what has begun."""
        given = self._adjustments()
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(given.threads)
        application = _logged(self.wsgi, self.log) if self.cfg.accesslog else self.wsgi
        connections: dict[int, Any] = {}
        for listener in self.sockets:
            own = socket.socket(fileno=os.dup(listener.fileno()))
            place = (own.family, own.type, own.proto, own.getsockname())
            Server(application, connections, True, own, dispatcher, given, place, False)
        while self.alive and os.getppid() == self.ppid:
            self._turn(connections)
        self._finish(connections)
        dispatcher.shutdown(cancel_pending=True, timeout=1)

    def _turn(self, connections: dict[int, Any]) -> None:
        self.notify()
        wasyncore.loop(timeout=TICK, use_poll=True, map=connections, count=1)

    def _finish(self, connections: dict[int, Any]) -> None:
        for server in [each for each in connections.values() if isinstance(each, Server)]:
            server.accepting = False
            server.del_channel(connections)
            server.socket.close()
        deadline = time.monotonic() + self.cfg.graceful_timeout - 1
        while time.monotonic() < deadline and any(_is_busy(each) for each in connections.values()):
            self._turn(connections)

    def _adjustments(self) -> Adjustments:
        trusted = env.text("TRUSTED_PROXY")
        proxy = {"trusted_proxy": trusted, "trusted_proxy_headers": {"x-forwarded-for"}} if trusted else {}
        return Adjustments(
            threads=self.cfg.threads,
            connection_limit=env.number("WEB_CONNECTIONS", 1000, least=20),
            channel_timeout=SILENT_SECONDS,
            cleanup_interval=1,
            asyncore_use_poll=True,
            max_request_header_size=LARGEST_HEAD,
            max_request_body_size=env.number("REQUEST_LIMIT_MB", 64, least=1) * 1024 * 1024 + 1,
            # An answer goes to a file rather than to keep a thread waiting for its reader.
            outbuf_high_watermark=1 << 30,
            backlog=self.cfg.backlog,
            ident=None,
            # Django reads X-Forwarded-Proto, and only where the site is told that a proxy sets it.
            clear_untrusted_proxy_headers=False,
            **proxy,
        )


def _is_busy(channel: Any) -> bool:
    return isinstance(channel, Channel) and bool(channel.requests or channel.total_outbufs_len)


def _logged(application: Callable[..., Iterable[bytes]], log: Any) -> Callable[..., Iterable[bytes]]:
    """Return the application with gunicorn's access line for each request, written when its answer begins."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        begun = time.monotonic()

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            told = SimpleNamespace(status=status, headers=headers, sent=int(dict(headers).get("Content-Length") or 0))
            asked = SimpleNamespace(headers=[])
            log.access(
                told, asked, environ | {"RAW_URI": environ["PATH_INFO"]}, timedelta(seconds=time.monotonic() - begun)
            )
            return start_response(status, headers, *more)

        return application(environ, started)

    return answer
