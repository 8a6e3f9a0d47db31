"""Processors for clusters under test: what they do is left in a table that forbids nothing, so twice would show."""

import os
import time

from django.db import connection

from imports import processors
from imports.processors import Column, RowError

TABLE = "CREATE TABLE IF NOT EXISTS shop_effect (batch bigint, number int, pid int, what text)"
_INSERT = "INSERT INTO shop_effect (batch, number, pid, what) SELECT %s, n, %s, %s FROM unnest(%s::int[]) AS n"


def leave(rows, what):
    """Leave a mark for each row."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [rows[0].batch, os.getpid(), what, [row.number for row in rows]])


if os.environ.get("CLUSTER_HOST") or os.environ.get("BENCH_IMPORTS"):

    @processors.many_rows("shop.bulk", title="Bulk", required=[Column("country"), Column("mpn")])
    def bulk(rows):
        """Store a set of articles; some are refused."""
        leave(rows, "bulk")
        refused = RowError("This one is sold out.")
        return [refused if row.data["mpn"].endswith("777") else {"mpn": row.data["mpn"]} for row in rows]

    def ask(row):
        """Pay for an answer, which takes a moment; the mark is no part of any transaction but its own."""
        leave([row], "ask")
        time.sleep(0.05)
        return {"mpn": row.data["mpn"]}

    @processors.each_row("shop.asked", title="Asked", required=[Column("mpn")], ask=ask, batch_size=20, delay=0)
    def asked(row, answer):
        """Store an article that somebody was asked about."""
        leave([row], "apply")
        return answer
