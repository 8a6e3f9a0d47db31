"""Outlive a killed supervisor just long enough to end what it had started.

The supervisor writes `+ID` when a part starts and `-ID` when it is buried; the end of the input means that the
supervisor is gone. The kernel's own signal (`config.leash`) reaches the parts first, on Linux, but not their children.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil


class Guard:
    """The supervisor's end of the line."""

    def __init__(self, *, grace: float) -> None:
        # A session of its own: a Ctrl-C, or a kill of the supervisor's group, must not reach it.
        command = [sys.executable, "-m", "config.guard", str(grace)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def tell(self, sign: str, group: int) -> None:
        if self.process.stdin:
            with suppress(OSError):  # without its guard the site runs on
                self.process.stdin.write(f"{sign}{group}\n".encode())
                self.process.stdin.flush()

    def dismiss(self) -> None:
        with suppress(OSError):
            self.process.communicate()


def main() -> None:
    """Follow the input to its end, then end the groups that are left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    deadline = time.monotonic() + float(sys.argv[1])
    if sys.platform != "linux":
        _signal(groups, signal.SIGTERM, whole=False)
    while groups and time.monotonic() < deadline:
        ended = {group for group in groups if not _leader_runs(group)}
        _signal(ended, signal.SIGKILL, whole=True)
        groups -= ended
        time.sleep(0.1)
    _signal(groups, signal.SIGKILL, whole=True)


def _signal(groups: set[int], number: signal.Signals, *, whole: bool) -> None:
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            (os.killpg if whole else os.kill)(group, number)


def _leader_runs(group: int) -> bool:
    try:
        return psutil.Process(group).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


if __name__ == "__main__":
    main()
