"""What a session of the server says of itself."""

from typing import Any


def server_process(connection: Any) -> int:
    """Return the process of the server that answers on this connection."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return int(row[0])
