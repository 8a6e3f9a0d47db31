"""Run the parts of the Procfile together: one log, restarts with back-off, an orderly stop, no process left behind."""

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from config import embedded, env
from config.guard import Guard
from config.parts import ROOT, Part, read_procfile

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK = 0.2
DATABASE_PAUSE = 5.0


class Supervisor:
    """Start, watch and stop the parts; everything happens in one thread."""

    def __init__(self, procfile: Path, *, grace: float, address: tuple[str, int] | None = None) -> None:
        self.stops = 0
        self.grace = grace
        self.address = address
        self.database_at = 0.0
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.parts = read_procfile(procfile, self.print_line, colour=colour)
        self.selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Return when a signal has asked for the end and every part is gone."""
        self._listen_to_signals()
        self.guard = Guard(grace=self.grace)
        try:
            while not self.stops:
                self._keep_database()
                self._keep_parts()
                self._greet()
                self._read(TICK)
        finally:
            for part in self.parts:
                self._stop(part)
            self.guard.dismiss()
            self.say("Stopped.")

    def print_line(self, line: bytes) -> None:
        try:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except OSError:  # the terminal, or what reads our output, has gone
            self.stops = self.stops or 1

    def say(self, text: str) -> None:
        self.print_line(f"{text}\n".encode())

    def _listen_to_signals(self) -> None:
        # A signal must wake the selector at once; SIGCHLD does so, too.
        reader, writer = socket.socketpair()
        for end in (reader, writer):
            end.setblocking(False)
        self.selector.register(reader, selectors.EVENT_READ, None)
        self._wakeup = (reader, writer)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in STOPPING:
            signal.signal(number, self._on_stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self.stops += 1

    def _read(self, wait: float) -> None:
        for key, _ in self.selector.select(wait):
            if key.data is None:
                self._wakeup[0].recv(4096)
            else:
                key.data.read()

    def _keep_database(self) -> None:
        """Start the embedded server again if it was ended."""
        if env.text("DATABASE_URL") or time.monotonic() < self.database_at:
            return
        self.database_at = time.monotonic() + 1
        if not embedded.server().is_alive():
            try:
                embedded.ensure_running()
            except embedded.EmbeddedError as error:
                self.say(str(error))
                self.database_at = time.monotonic() + DATABASE_PAUSE

    def _keep_parts(self) -> None:
        for part in self.parts:
            if part.has_ended():
                how = self._bury(part)
                self.say(f"{part.name} {how}; starting it again in {part.pause():g} s.")
            if part.process is None and time.monotonic() >= part.start_at and not self.stops:
                self.guard.tell("+", part.start(self.selector))

    def _bury(self, part: Part) -> str:
        group = part.process.pid if part.process else 0
        how = part.bury(self.selector)
        self.guard.tell("-", group)
        return how

    def _greet(self) -> None:
        """Print the addresses as soon as somebody answers there."""
        if self.address and _answers(self.address):
            host, port = self.address
            site = env.text("SITE_URL").rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{port}"
            self.say(f"\nStepwell is ready:\n  Site   {site}/\n  Admin  {site}/admin/\nStop it with Ctrl-C.\n")
            self.address = None

    def _stop(self, part: Part) -> None:
        """Ask the part to end, give it the grace time, then end it and all that it started."""
        if part.process is None:
            return
        asked = self.stops
        self.say(f"Stopping {part.name} ...")
        part.signal(signal.SIGTERM)
        self._wait(lambda: part.has_ended() or self.stops > asked + (asked == 0), self.grace)
        if not part.has_ended():
            self.say(f"{part.name} did not end in time; ending it now.")
        self._bury(part)

    def _wait(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self._read(TICK)


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=0.2).close()
    except OSError:
        return False
    return True


def main() -> None:
    """Supervise the site; `config.launch` has prepared everything."""
    env.load_project_file()
    host = env.text("HOST", "127.0.0.1")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    procfile = ROOT / env.text("PROCFILE", "Procfile")
    if not env.text("DATABASE_URL"):
        embedded.ensure_running()
    grace = env.seconds("STOP_SECONDS", 40)
    Supervisor(procfile, grace=grace, address=(host, env.number("PORT", 8000))).run()


if __name__ == "__main__":
    main()
