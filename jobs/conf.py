"""The engine's settings: `JOBS = {...}` in Django's settings, each with a default here."""

import functools
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

from django.conf import settings as django_settings
from django.core.signals import setting_changed

Backoff: TypeAlias = Sequence[float] | Callable[[int], float]
"""Seconds to wait after failed attempt n (0-based): a list whose last entry repeats, or a callable."""


@dataclass(frozen=True)
class JobsSettings:
    """What can be set in `JOBS`; durations are in seconds."""

    APP_ID: str = "stepwell"
    THREADS: int = 256
    """Runs that one worker process executes at once."""
    PUMP_SECONDS: float = 30.0
    """How long a worker pumps before it lets Q2 check its memory and its age."""
    POLL_SECONDS: float = 0.5
    """How often a worker looks for due runs when nobody told it of any."""
    HEARTBEAT_SECONDS: float = 3.0
    SILENT_SECONDS: float = 12.0
    """A worker that was silent for so long is dead: its runs go to others."""
    GRACE_SECONDS: float = 20.0
    """What a stopping worker gives its running steps before it hands their runs back."""
    DRAIN_SECONDS: float = 1800.0
    """The same for a worker that only makes room for a fresh one."""
    WATCHDOG_SECONDS: float = 30.0
    """A worker process that did not come round for so long makes the cluster exit, to be restarted."""
    POOL_SIZE: int = 3
    """Database connections that the engine of one worker process uses at most, besides the one that listens."""
    LISTEN_URL: str = ""
    """A direct database address for LISTEN where the main one goes through a transaction pooler; `off` polls only."""
    PREPARE: bool | None = None
    """Prepare statements on the engine's connections, and set its sessions up; None does unless there is a pooler."""
    RETRIES: int = 4
    BACKOFF: Backoff = (15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200)
    JITTER_SECONDS: float = 30.0
    MAX_STEPS: int = 1000
    MAX_CRASHES: int = 10
    """A run whose worker died so often without progress is failed: it may be what kills them."""
    RETENTION_DAYS: int = 30
    """Ended runs and events older than this are pruned every day; 0 keeps them for ever."""
    MAX_EVENT_BYTES: int = 3 * 1024 * 1024
    MAX_EVENTS: int = 5000
    MAX_BODY_BYTES: int = 16 * 1024 * 1024
    """Events that one request may bring."""
    RUN_DIR: str = str(Path(tempfile.gettempdir()) / f"stepwell-workers-{os.getuid()}")
    """Where worker processes of this host show that they live."""
    PRELOAD: Sequence[str] = ()
    """Modules to import before workers are forked, so that they share the memory."""
    ALERT_WEBHOOK: str = ""
    """An address that gets a message for each kind of failure, for chat tools; empty for none."""
    REDACT: tuple[str, ...] = (
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "passcode",
        "secret",
        "token",
        "credential",
        "api_key",
        "access_key",
        "private_key",
        "secret_key",
        "signing_key",
        "encryption_key",
        "auth_key",
        "account_key",
        "master_key",
        "event_key",
        "ssh_key",
        "authorization",
        "cookie",
        "jwt",
    )
    """Names whose values are hidden wherever people read; any spelling, and at the end of longer names."""
    PROTECTED_EVENTS: Sequence[str] = ()
    """Names that other programs send only with a key that is allowed protected events; `*` stands for anything."""


@functools.cache
def settings() -> JobsSettings:
    """Return the settings in force."""
    known = {field.name for field in fields(JobsSettings)}
    given: dict[str, Any] = getattr(django_settings, "JOBS", {})
    return JobsSettings(**{name: value for name, value in given.items() if name in known})


@functools.cache
def version() -> str:
    """Return the version of the code a worker runs: `JOBS_VERSION`, or else empty."""
    return os.environ.get("JOBS_VERSION", "")[:40]


def unknown_names() -> list[str]:
    """Return the names in `JOBS` that mean nothing, for the system check."""
    known = {field.name for field in fields(JobsSettings)}
    return sorted(set(getattr(django_settings, "JOBS", {})) - known)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "JOBS":
        settings.cache_clear()


setting_changed.connect(_forget)
