"""100,000 rows whose workers are killed twice on the way: each row is processed once, and the counters never lie."""

import gzip
import random
import threading
import time
from collections import Counter

import psycopg
import pytest
from django.db import connection

from imports import processors
from imports.exports import results
from imports.models import CsvBatch, counts_of
from imports.processors import Column
from tests.imports import rows
from tests.imports.conftest import REAL, started
from tests.jobs.cluster import Bench, kill, running, wait_until

pytestmark = [pytest.mark.slow]

ROWS = 100_000
BOTH = """
SELECT (SELECT json_object_agg(status, n) FROM
           (SELECT status, count(*) AS n FROM imports_csvrow WHERE batch_id = %(batch)s GROUP BY 1) AS counted),
       (SELECT json_object_agg(status, n) FROM
           (SELECT status, sum(rows) AS n FROM imports_rowcount WHERE batch_id = %(batch)s GROUP BY 1
            HAVING sum(rows) <> 0) AS kept)
"""


@pytest.fixture
def shop(database_url, tmp_path, monkeypatch, settings):
    monkeypatch.setenv("CLUSTER_APPS", "tests.imports.app.Shop")
    monkeypatch.setenv("CLUSTER_MEDIA", str(settings.MEDIA_ROOT))
    with connection.cursor() as cursor:
        cursor.execute(rows.TABLE)
    yield Bench(database_url, tmp_path)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE shop_effect")


def content():
    """The file of the shared folder, or one of the same shape where there is none."""
    known = REAL / "generated_products_100k_dev.csv.gz"
    if known.is_file():
        return gzip.decompress(known.read_bytes())
    chance = random.Random(1)
    kinds = ['"phone\ncase"', "mug", '"poster, framed"']
    lines = [f"UK,{chance.choice(kinds)},MPN-1-{n:06},8x10" for n in range(ROWS)]
    for n in chance.sample(range(ROWS), 1900):
        lines[n] += ",extra"
    return "\r\n".join(["country,product_type,mpn,size", *lines, ""]).encode()


def mirror(name):
    """Register a processor in the test's process, where nothing is executed, with the columns of the cluster's."""
    columns = [Column("country"), Column("mpn")] if name == "shop.bulk" else [Column("mpn")]
    processors.many_rows(name, title=name, required=columns)(list)


class Watch(threading.Thread):
    """Compares counters and rows in one snapshot, again and again."""

    def __init__(self, url, batch):
        super().__init__(daemon=True)
        self.url, self.batch = url, batch
        self.seen, self.wrong = 0, []
        self.over = threading.Event()

    def run(self):
        with psycopg.connect(self.url, autocommit=True) as own:
            while not self.over.is_set():
                counted, kept = own.execute(BOTH, {"batch": self.batch}).fetchone()
                self.seen += 1
                if counted != kept:
                    self.wrong.append((counted, kept))
                time.sleep(0.02)


def done(batch):
    return counts_of([batch.pk])[batch.pk].processed


def test_a_hundred_thousand_rows_survive_two_killings(shop):
    mirror("shop.bulk")
    batch = started(content(), "shop.bulk", batch_size=500)
    watch = Watch(shop.url, batch.pk)
    watch.start()
    with running(shop) as cluster:
        for goal in (20_000, 60_000):
            wait_until(lambda goal=goal: done(batch) > goal, 90, f"{goal} rows")
            for worker in cluster.workers():
                kill(worker)
        wait_until(lambda: not CsvBatch.objects.get(pk=batch.pk).is_live, 120, "the import ended")
    watch.over.set()
    watch.join()
    assert watch.seen > 20
    assert watch.wrong == []
    batch.refresh_from_db()
    counts = counts_of([batch.pk])[batch.pk]
    good = batch.checked["good"]
    refused = sum(
        1 for data in batch.rows.filter(status="FAILED").values_list("data", flat=True) if data["mpn"][-3:] == "777"
    )
    assert (batch.status, counts.completed + counts.failed, counts.failed) == ("COMPLETED", good, refused)
    assert (counts.total, counts.skipped) == (ROWS, ROWS - good)
    marks = shop.rows("SELECT count(*), count(DISTINCT number), count(DISTINCT pid) FROM shop_effect")
    assert marks[0][:2] == (good, good)
    assert marks[0][2] >= 2
    assert batch.error == f"{counts.failed:,} rows failed processing."
    lines = b"".join(results(batch)).count(b"\r\n")
    assert lines > ROWS


def test_rows_that_are_paid_for_are_paid_once_but_for_those_in_flight_at_the_kill(shop):
    mirror("shop.asked")
    text = "mpn,size\n" + "".join(f"M-{n},S\n" for n in range(600))
    batch = started(text, "shop.asked", batch_size=20)
    with running(shop) as cluster:
        for goal in (100, 300):
            wait_until(lambda goal=goal: done(batch) > goal, 60, f"{goal} rows")
            for worker in cluster.workers():
                kill(worker)
        wait_until(lambda: not CsvBatch.objects.get(pk=batch.pk).is_live, 120, "the import ended")
    asked = Counter(number for (number,) in shop.rows("SELECT number FROM shop_effect WHERE what = 'ask'"))
    applied = Counter(number for (number,) in shop.rows("SELECT number FROM shop_effect WHERE what = 'apply'"))
    assert set(applied.values()) == {1}
    assert len(applied) == len(asked) == 600
    # Of each killing at most the batch under way was asked for again, and no row whose answer had come.
    assert sum(asked.values()) - 600 <= 2 * 20
    counts = counts_of([batch.pk])[batch.pk]
    assert (counts.completed, counts.total) == (600, 600)
