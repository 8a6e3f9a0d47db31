"""One Supabase client for each process, for uploads and for mirrored tables."""

import os
import threading
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings

from jobs.errors import NonRetriableError

FIRST_CLIENT = threading.Lock()


class KeyMissing(NonRetriableError):
    """SUPABASE_URL is set but SUPABASE_KEY is not."""

    def __init__(self) -> None:
        super().__init__("SUPABASE_URL is set but SUPABASE_KEY is not.")


def connected() -> Any:
    """Return the client that the settings describe, with SUPABASE_TIMEOUT for each request."""
    with FIRST_CLIENT:
        # Keyed by process: a connection opened before a fork cannot be shared after it.
        return _client(os.getpid(), settings.SUPABASE_URL, settings.SUPABASE_KEY, settings.SUPABASE_TIMEOUT)


@lru_cache(maxsize=4)
def _client(process: int, url: str, key: str, timeout: float) -> Any:
    from supabase import ClientOptions, create_client  # takes half a second, and most processes never need it
    from supabase.lib.client_options import SyncClientOptions

    if not key:
        raise KeyMissing
    # A bound on idle connections would have httpcore close one that another thread was just given.
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=None)
    session = httpx.Client(timeout=timeout, follow_redirects=True, limits=limits)
    options: ClientOptions = SyncClientOptions(httpx_client=session, auto_refresh_token=False, persist_session=False)
    return create_client(url, key, options)
