"""What a test stands on: a registry of its own, and a clock that it moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from jobs import clock
from jobs import registry as registry_module


@contextmanager
def shift_clock(by: timedelta) -> Iterator[None]:
    """Let the engine believe that so much time has passed, until the block ends."""
    with clock.shifted():
        clock.shift(by)
        yield


@contextmanager
def registry() -> Iterator[registry_module.Registry]:
    """Start with no functions at all and get the real ones back at the end."""
    with registry_module.registry.isolated():
        yield registry_module.registry
