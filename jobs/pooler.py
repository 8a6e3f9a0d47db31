"""Whether a pooler stands between this process and PostgreSQL: then nothing may be left behind in a session.

In transaction mode each transaction may reach another session of the server, which knows no statement that was prepared
in the last one, and keeps what was set for whoever comes next.
"""

from __future__ import annotations

import logging
from typing import Any, TypeAlias

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

from jobs import conf
from jobs.models import session

logger = logging.getLogger("jobs")

CONFUSED = (psycopg.errors.DuplicatePreparedStatement, psycopg.errors.InvalidSqlStatementName)
"""What a statement raises whose session is another one by now; without preparing, it goes through."""

Address: TypeAlias = tuple[Any, Any]
_looked: set[Address] = set()
_found: set[Address] = set()


def is_between(connection: psycopg.Connection[Any]) -> bool:
    """Whether this connection must leave nothing behind, as `JOBS["PREPARE"]` says or as a look at it tells."""
    prepare, address = conf.settings().PREPARE, _address()
    if prepare is None and address not in _looked:
        _looked.add(address)
        # A pooler cannot tell a client in advance which process will answer, so it makes a number up.
        if session.server_process(connection) != connection.info.backend_pid:
            _take_note(address)
    return prepare is False or address in _found


def heed(error: BaseException) -> None:
    """Take an error as proof of a pooler that looks like the server itself."""
    if isinstance(error, CONFUSED):
        _take_note(_address())


def leave_plain(connection: psycopg.Connection[Any]) -> None:
    """Prepare nothing more on a connection that was opened before the pooler was found out."""
    if _found and connection.prepare_threshold is not None and _address() in _found:
        connection.prepare_threshold = None


def look_once(*, connection: Any, **_: Any) -> None:
    """Look at the first connection that Django opens, in whatever process."""
    if _address() not in _looked and connection.alias == DEFAULT_DB_ALIAS:
        is_between(connection.connection)


def _take_note(address: Address) -> None:
    if address in _found:
        return
    _found.add(address)
    # Django prepares nothing by itself, but its iterators leave a cursor in the session.
    connections.settings[DEFAULT_DB_ALIAS]["DISABLE_SERVER_SIDE_CURSORS"] = True
    logger.warning(
        "A pooler stands between this process and PostgreSQL: statements are not prepared, and sessions are left as "
        "they are. JOBS_PREPARE=false does the same without a look; see docs/operators.md, Poolers"
    )


def _address() -> Address:
    values = connections.settings[DEFAULT_DB_ALIAS]
    return values["HOST"], values["PORT"]
