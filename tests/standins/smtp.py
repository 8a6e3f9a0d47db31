"""A loopback mail server: takes mail as SMTP has it, keeps it, and can refuse or hang up on demand."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


class MailServer:
    """Keeps what it was sent. `refuses`: recipients it does not know; `dies`: hang up after taking so many mails."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses: set[str] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.mail = self

    @property
    def port(self) -> int:
        """Where the server listens."""
        return int(self._server.server_address[1])

    @contextmanager
    def running(self) -> Iterator["MailServer"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    mail: MailServer


class _Handler(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        self._say("220 stand-in")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].split()[0].upper()
            if verb == "DATA":
                self._take()
            elif verb == "RCPT" and any(name in line for name in self.server.mail.refuses):
                self._say("550 No such user")
            elif verb == "QUIT":
                self._say("221 Bye")
                return
            else:
                self._say("250 OK")

    def _take(self) -> None:
        self._say("354 Go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.server.mail.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self._say("250 Taken")

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())
