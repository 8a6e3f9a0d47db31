"""One supervised program: start, prefixed log lines, end, and when to try again."""

import os
import selectors
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from config.env import SettingError

ROOT = Path(__file__).resolve().parent.parent
COLOURS = (36, 33, 35, 32)
LONGEST_PAUSE = 30.0
HEALTHY_AFTER = 60.0
LONGEST_LINE = 64 * 1024


class Part:
    """A line of the Procfile and the process that runs it."""

    def __init__(self, name: str, command: list[str], *, prefix: str, print_line: Callable[[bytes], None]) -> None:
        self.name = name
        # Our own Python, also where the environment is no activated one, or has no plain `python`.
        self.command = [sys.executable, *command[1:]] if command[0] == "python" else command
        self.prefix, self.print_line = prefix.encode(), print_line
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = self.start_at = 0.0
        self.failures = 0
        self._rest = b""

    def start(self, selector: selectors.BaseSelector) -> int:
        """Start the program in a session of its own, so that a Ctrl-C reaches only the supervisor; returns its id."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.leash", str(os.getpid()), *self.command],
            cwd=ROOT,
            env=os.environ | {"PATH": path, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.output = cast("IO[bytes]", self.process.stdout)
        os.set_blocking(self.output.fileno(), False)
        selector.register(self.output, selectors.EVENT_READ, self)
        self.started_at = time.monotonic()
        return self.process.pid

    def read(self) -> None:
        """Print the whole lines that have arrived."""
        try:
            arrived = os.read(self.output.fileno(), 64 * 1024)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + arrived).split(b"\n")
        if len(self._rest) > LONGEST_LINE or not arrived:
            lines, self._rest = [*lines, self._rest], b""
        for line in filter(None, lines):
            self.print_line(self.prefix + line + b"\n")

    def has_ended(self) -> bool:
        # WNOWAIT keeps its id, and so its group's id, from being given to another program.
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return self.process is not None and os.waitid(os.P_PID, self.process.pid, options) is not None

    def signal(self, number: signal.Signals) -> None:
        if self.process and not self.has_ended():
            os.kill(self.process.pid, number)

    def bury(self, selector: selectors.BaseSelector) -> str:
        """End what the program left behind, and tell how it ended itself."""
        process = cast("subprocess.Popen[bytes]", self.process)
        # macOS answers EPERM for a group of zombies.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        self.read()
        selector.unregister(self.output)
        self.output.close()
        self.process = None
        self.failures = 1 if time.monotonic() - self.started_at > HEALTHY_AFTER else self.failures + 1
        self.start_at = time.monotonic() + self.pause()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"

    def pause(self) -> float:
        """Seconds until the next start: 0.5, 1, 2, ... 30."""
        return min(LONGEST_PAUSE, 0.5 * 2 ** (self.failures - 1))


def read_procfile(path: Path, print_line: Callable[[bytes], None], *, colour: bool) -> list[Part]:
    """The parts in their order, which is the order of the stop, too."""
    entries = [line.partition(":") for line in path.read_text().splitlines() if line.strip() and line[0] != "#"]
    if not entries or not all(name.strip() and command.strip() for name, _, command in entries):
        raise SettingError(f"{path.name} must have lines of the form `name: command`.")
    width = max(len(name) for name, _, _ in entries)
    parts = []
    for index, (name, _, command) in enumerate(entries):
        prefix = f"{name:<{width}} | "
        if colour:
            prefix = f"\x1b[{COLOURS[index % len(COLOURS)]}m{prefix}\x1b[0m"
        parts.append(Part(name, shlex.split(command), prefix=prefix, print_line=print_line))
    return parts
