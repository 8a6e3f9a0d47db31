"""The engine's own use of Django's models in a worker, over connections that product code can never hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections

from jobs.postgresql import lending
from jobs.postgresql.base import DatabaseWrapper, ReservedWrapper

MOST = 2
"""Connections of the pool."""

_wrappers = threading.local()


@contextmanager
def reserved() -> Iterator[None]:
    """Let what Django's models do in here wait for no run's transaction; only in a worker, elsewhere nothing changes.

    For what a worker writes on its own account: ends of runs, deliveries, ticks, hints.
    """
    usual = connections[DEFAULT_DB_ALIAS]
    if not lending.by_statement() or type(usual) is not DatabaseWrapper or usual.in_atomic_block:
        yield
        return
    connections[DEFAULT_DB_ALIAS] = ours = _of_this_thread(usual)
    try:
        yield
    finally:
        ours.close()
        connections[DEFAULT_DB_ALIAS] = usual


def _of_this_thread(usual: DatabaseWrapper) -> ReservedWrapper:
    wrapper: ReservedWrapper | None = getattr(_wrappers, "wrapper", None)
    if wrapper is None or wrapper.settings_dict["NAME"] != usual.settings_dict["NAME"]:
        options = {**usual.settings_dict["OPTIONS"]}
        if options.get("pool"):
            options["pool"] = {**options["pool"], "max_size": MOST}
        wrapper = _wrappers.wrapper = ReservedWrapper({**usual.settings_dict, "OPTIONS": options}, DEFAULT_DB_ALIAS)
    return wrapper
