"""What an import of 100,000 rows costs, from the first look to the last row: `python -m bench.imports`."""

import gzip
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.place import ROOT, cluster, database

COUNT, ROUNDS = 100_000, 3
REAL = ROOT.parent / "shared" / "data" / "csv" / "generated_products_100k_dev.csv.gz"
STORE = """
import resource, sys, time
import django
django.setup()
from pathlib import Path
from django.db import connection
from imports import records, uploads, verbs
connection.ensure_connection()
began = time.monotonic()
with open(sys.argv[1], "rb") as stream:
    from django.core.files.uploadedfile import UploadedFile
    batch = uploads.receive(
        UploadedFile(stream, "products.csv", size=Path(sys.argv[1]).stat().st_size), again=True, processor="shop.bulk"
    )
previewed = time.monotonic()
verbs.start(batch.pk, by="bench")
batch.refresh_from_db()
began_storing = time.monotonic()
records.initialize({"batchId": batch.pk}, str(batch.run))
stored = time.monotonic()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
verbs.cancel(batch.pk, by="bench")
print(batch.pk, previewed - began, stored - began_storing, memory)
"""


def file_at(folder: Path) -> Path:
    """Return the file of the shared folder, unpacked, or one of the same shape where there is none."""
    path = folder / "products.csv"
    if REAL.is_file():
        path.write_bytes(gzip.decompress(REAL.read_bytes()))
        return path
    chance = random.Random(1)
    kinds = ['"phone\ncase"', "mug", '"poster, framed"', "photo book"]
    lines = [f"UK,{chance.choice(kinds)},MPN-1-{number:06},8x10" for number in range(COUNT)]
    for number in chance.sample(range(COUNT), COUNT // 50):
        lines[number] += ",extra"
    path.write_text("\r\n".join(["country,product_type,mpn,size", *lines, ""]), newline="")
    return path


def stored(path: Path) -> tuple[int, float, float, float]:
    """Take a file in and store its rows in a process of its own: its id, seconds of both, megabytes at the most."""
    command = [sys.executable, "-c", STORE, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr)
    pk, previewed, took, megabytes = done.stdout.split()
    return int(pk), float(previewed), float(took), float(megabytes)


def processed(path: Path, size: int) -> tuple[float, list[float]]:
    """Import a file on a cluster; returns rows per second, and the milliseconds of each poll of its page meanwhile."""
    from django.core.files.uploadedfile import UploadedFile

    from imports import uploads, verbs
    from imports.models import CsvBatch, counts_of

    with path.open("rb") as stream:
        file = UploadedFile(stream, "products.csv", size=path.stat().st_size)
        batch = uploads.receive(file, again=True, processor="shop.bulk")
    CsvBatch.objects.filter(pk=batch.pk).update(batch_size=size)
    verbs.start(batch.pk, by="bench")
    polls = []
    client = _signed_in()
    while (batch := CsvBatch.objects.get(pk=batch.pk)).is_live:
        began = time.perf_counter()
        client.get(f"/imports/{batch.pk}/state/")
        polls.append(1000 * (time.perf_counter() - began))
        time.sleep(0.5)
    counts = counts_of([batch.pk])[batch.pk]
    if counts.open or batch.status != "COMPLETED":
        raise RuntimeError(f"The import is {batch.status}: {batch.error} {counts}")
    seconds = (batch.finished_at - batch.round_at).total_seconds()
    return counts.processed / seconds, polls


def _signed_in() -> Any:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.filter(username="bench").first() or User.objects.create_superuser("bench"))
    return client


def downloaded() -> tuple[float, int]:
    """Download the results of the newest import; returns seconds and lines."""
    from imports import exports
    from imports.models import CsvBatch

    batch, began, lines = CsvBatch.objects.order_by("-pk").first(), time.perf_counter(), 0
    for chunk in exports.results(batch):
        lines += chunk.count(b"\r\n")
    return time.perf_counter() - began, lines


def say(what: str, figure: str, bar: str = "") -> None:
    """Print a line."""
    sys.stdout.write(f"{what:<44} {figure:<34} {bar}\n")
    sys.stdout.flush()


def measure(folder: Path) -> None:
    """Store, process, poll and download, and print each figure beside its bar."""
    path = file_at(folder)
    firsts, stores, memory = [], [], 0.0
    for _ in range(ROUNDS):
        _, first, took, megabytes = stored(path)
        firsts.append(first)
        stores.append(took)
        memory = max(memory, megabytes)
    say("upload, look and preview", f"{min(firsts):.2f} s  {[round(n, 2) for n in firsts]}", "<= 2 s")
    say(f"{COUNT:,} rows stored", f"{min(stores):.2f} s  {[round(n, 2) for n in stores]}", "<= 10 s")
    say("memory of that process", f"{memory:.0f} MB", "<= 200 MB")
    with cluster():
        for size in (250, 1000):
            found = [processed(path, size) for _ in range(ROUNDS)]
            rates, polls = [rate for rate, _ in found], sorted(poll for _, each in found for poll in each)
            say(f"processed, {size} a batch", f"{max(rates):.0f}/s  {[round(n) for n in rates]}", ">= 1,000/s")
            say("  a poll of its page meanwhile", f"{polls[len(polls) // 2]:.1f} ms, worst {polls[-1]:.1f} ms")
    seconds, lines = downloaded()
    say(f"results, {lines:,} lines, downloaded", f"{seconds:.2f} s")


def main() -> None:
    """Make a database, fill it, measure and drop it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["STATIC_FROM_SOURCE"] = "1"
    # Brings the processor along, here and in the cluster.
    os.environ["BENCH_IMPORTS"] = "1"
    with database(), tempfile.TemporaryDirectory() as folder:
        os.environ["BENCH_MEDIA"] = folder
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from django.db import connection

        from tests.imports import rows

        with connection.cursor() as cursor:
            cursor.execute(rows.TABLE)
        measure(Path(folder))
        connection.close()
        connection.close_pool()


if __name__ == "__main__":
    main()
