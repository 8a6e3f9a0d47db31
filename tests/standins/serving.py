"""What every HTTP stand-in shares: a server on a free port of this machine, and a handler that keeps quiet."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    # Hundreds of callers may connect at once; with the usual 5 places some would be turned away.
    request_queue_size = 512

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def url(self) -> str:
        """Where it listens, with the scheme."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            self.server_close()
            thread.join(5)


class Handler(BaseHTTPRequestHandler):
    """Sends whole answers and says nothing; callers may hang up at any time."""

    wbufsize = -1  # one packet for head and body; two of them wait for each other

    def do_GET(self) -> None:
        self.get()

    def do_POST(self) -> None:
        self.post()

    def get(self) -> None:
        """Answer a GET."""
        self.send(405, {}, b"{}")

    def post(self) -> None:
        """Answer a POST."""
        self.send(405, {}, b"{}")

    def body(self) -> bytes:
        """Return what was sent with the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def send(self, status: int, headers: Mapping[str, str], body: bytes, *, only: int | None = None) -> None:
        """Send an answer, or only so many bytes of its body."""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:only])

    def handle(self) -> None:
        """Answer until the caller goes, which is what a timeout and a killed worker do."""
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            return

    def log_message(self, *args: object) -> None:
        """Say nothing."""
