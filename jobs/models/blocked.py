"""The statement that finds behind which keys runs wait: one step of an index for each key, however many wait there."""

from typing import Any

_FIRST_BEHIND = """
SELECT blocked_by AS key, function, concurrency_1, concurrency_2 FROM jobs_run
"""

_KEYS_WITH_BLOCKED = f"""
WITH RECURSIVE keys AS (
    ({_FIRST_BEHIND} WHERE blocked_by IS NOT NULL ORDER BY blocked_by, rank, id LIMIT 1)
    UNION ALL
    SELECT following.* FROM keys CROSS JOIN LATERAL (
        {_FIRST_BEHIND} WHERE blocked_by > keys.key ORDER BY blocked_by, rank, id LIMIT 1
    ) AS following
)
SELECT key, function, concurrency_1, concurrency_2 FROM keys
"""


def keys_with_blocked(cursor: Any) -> list[tuple[str, str, tuple[str | None, str | None]]]:
    """Return every key that runs wait behind, with the function and the slots' keys of the first of them."""
    cursor.execute(_KEYS_WITH_BLOCKED)
    return [(key, function, (one, two)) for key, function, one, two in cursor.fetchall()]
