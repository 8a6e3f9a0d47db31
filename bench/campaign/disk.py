"""A full disk: the server's own small one, filled to the last byte and freed again."""

import contextlib
import os
import shutil
import time
from pathlib import Path

from bench.campaign.place import Place


def fill(place: Place, seconds: float) -> bool:
    """Leave the server no room for that long; whether the disk was full."""
    with contextlib.suppress(OSError), _ballast(place).open("wb") as ballast:
        while True:
            # What the server frees meanwhile is taken as well.
            ballast.write(b"\0" * 1_000_000)
            ballast.flush()
    full = shutil.disk_usage(place.server.data.parent).free < 1_000_000
    until = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while time.monotonic() < until:
            _append(place)
            time.sleep(0.1)
    free(place)
    place.start_server()
    return full


def free(place: Place) -> None:
    """Give the room back."""
    _ballast(place).unlink(missing_ok=True)


def _ballast(place: Place) -> Path:
    return place.server.data.parent / "ballast"


def _append(place: Place) -> None:
    with contextlib.suppress(OSError), _ballast(place).open("ab", buffering=0) as ballast:
        for size in (1_000_000, 4096):
            os.write(ballast.fileno(), b"\0" * size)
