"""A loopback server between an SDK and the site that passes requests on and loses the first answer."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SEED = "x-inngest-event-id-seed"
TIMEOUT_SECONDS = 30


class Loss(StrEnum):
    """What the sender sees of the answer that is lost."""

    HUNG_UP = "hung-up"
    BAD_GATEWAY = "bad-gateway"


class Lossy:
    """Stands in front of the site; `seeds` has one entry for each request that reached it."""

    def __init__(self, site: str, loss: Loss) -> None:
        self.site = site
        self.loss = loss
        self.seeds: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.lossy = self

    @property
    def url(self) -> str:
        """Where the server listens, with the scheme."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["Lossy"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)

    def pass_on(self, path: str, seed: str, body: bytes) -> tuple[int, bytes]:
        """Let the site answer."""
        headers = {"Content-Type": "application/json", SEED: seed}
        request = urllib.request.Request(f"{self.site}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    lossy: Lossy


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        lossy = self.server.lossy
        seed = self.headers[SEED]
        answer = lossy.pass_on(self.path, seed, self.rfile.read(int(self.headers["Content-Length"])))
        lossy.seeds.append(seed)
        if len(lossy.seeds) > 1:
            self._answer(*answer)
        elif lossy.loss == Loss.BAD_GATEWAY:
            self._answer(502, b"<h1>Bad gateway</h1>")
        else:
            self.close_connection = True

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        return
