"""The channel on which senders tell waiting workers that something is due."""

from typing import Any

CHANNEL = "jobs_due"


def notify(cursor: Any) -> None:
    """Tell every listening worker; it is a hint, so its commit need not reach the disk."""
    cursor.execute(f"SET LOCAL synchronous_commit TO off; NOTIFY {CHANNEL}")


def unlisten(cursor: Any) -> None:
    """Hear of nothing any more; behind a pooler others get this connection's session."""
    cursor.execute(f"UNLISTEN {CHANNEL}")


def listen(cursor: Any) -> None:
    """Hear of notifications on this connection."""
    cursor.execute(f"LISTEN {CHANNEL}")
