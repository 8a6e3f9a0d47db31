"""What the product is held to at size: importing 100,000 releases, and the list with 200,000 tenders in it."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from django.db import connection
from django.test import Client

from tenders.models import Tender
from tests.standins.tender_portals import PACKAGE, za_release

ROOT = Path(__file__).resolve().parents[2]
PER_SECOND, MEGABYTES, MILLISECONDS = 5000, 250, 150
QUIET = 15
WORDS = [
    *("supply", "delivery", "installation", "maintenance", "road", "school", "clinic", "water", "pump", "security"),
    *("cleaning", "services", "office", "computer", "software", "licence", "fuel", "vehicle", "bridge", "repair"),
    *("electrical", "cable", "housing", "waste", "collection", "training", "audit", "legal", "medical", "equipment"),
    *("stationery", "uniform", "catering", "transport", "fence", "paving", "survey", "design", "engineering", "rural"),
    *("network"),
]
PROVINCES = ["Gauteng", "Western Cape", "KwaZulu-Natal", "Eastern Cape", "Free State", "Limpopo", "Mpumalanga"]
KINDS = ["Construction", "Services: General", "Supplies: General", "Sewerage", "Education"]
RARE = [f"place{number}" for number in range(4000)]
IMPORT = """
import resource, sys, time
import django
django.setup()
from pathlib import Path
from django.db import connection
from tenders import importing
connection.ensure_connection()
began = time.monotonic()
taken = importing.import_path(Path(sys.argv[1]))
seconds = time.monotonic() - began
print(taken.added, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

pytestmark = [pytest.mark.slow]


def write(path, first, count):
    chance = random.Random(first)
    with path.open("w") as out:
        head = json.dumps({**PACKAGE, "releases": []})
        out.write(head[:-2])
        for number in range(first, first + count):
            day = f"2026-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
            words = " ".join([*chance.choices(WORDS, k=20), chance.choice(RARE)])
            amount = chance.choice([0, 0, chance.randint(1000, 9_000_000)])
            release = za_release(
                number,
                day,
                description=words,
                province=chance.choice(PROVINCES),
                category=chance.choice(KINDS),
                value={"amount": amount, "currency": "ZAR"},
                specialConditions=" ".join(chance.choices(WORDS, k=40)),
                documents=[
                    {"id": str(n), "title": "Bid.pdf", "url": f"https://example.org/{number}-{n}.pdf", "format": "pdf"}
                    for n in range(3)
                ],
            )
            out.write(("," if number > first else "") + json.dumps(release))
        out.write("]}")
    return path


def import_in_a_process(path, environment):
    command = [sys.executable, "-c", IMPORT, str(path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    added, seconds, megabytes = done.stdout.split()
    return int(added), float(seconds), float(megabytes)


def test_100_000_releases_come_in_at_5000_a_second_in_250_mb_and_the_list_stays_quick(
    tmp_path, process_environment, capsys
):
    first, second = write(tmp_path / "1.json", 100_000, 100_000), write(tmp_path / "2.json", 200_000, 100_000)
    rates, busy = [], others_take()
    # Other work on this machine slows all of it down; the best of three is what the code takes.
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE tenders_tender, tenders_release CASCADE")
        added, seconds, megabytes = import_in_a_process(first, process_environment)
        rates.append(round(added / seconds))
        assert added == 100_000
        assert megabytes <= MEGABYTES
        if rates[-1] >= PER_SECOND:
            break
    import_in_a_process(second, process_environment)
    slowest = list_in_milliseconds()
    with capsys.disabled():
        print(
            f"\nimport: {rates}/s (bar {PER_SECOND}), {megabytes:.0f} MB (bar {MEGABYTES}); "
            f"list at 200,000: slowest {max(slowest.values()):.0f} ms {max(slowest, key=slowest.get)} "
            f"(bar {MILLISECONDS}); load {os.getloadavg()[0]:.1f}"
        )
    assert max(slowest.values()) <= MILLISECONDS, slowest
    if max(rates) < PER_SECOND and busy > QUIET:
        pytest.skip(f"others took {busy:.0f} % of this machine, so {rates}/s says nothing about the import")
    assert max(rates) >= PER_SECOND, f"{rates}/s with a load of {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def others_take():
    """Wait a minute at most until others leave the processors alone; returns what percentage they took at last."""
    for _ in range(30):
        busy = psutil.cpu_percent(2)
        if busy <= QUIET:
            break
    return busy


QUERIES = [
    "",
    "q=bridge",
    "q=services",
    "q=road+school+clinic",
    "q=zzzz",
    "q=place17",
    "province=Gauteng",
    "province=Gauteng&q=water",
    "category=Construction&province=Limpopo",
    "closing=30",
    "closing=30&q=water",
    "buyer=testville",
    "buyer=nosuch",
    "value_from=1000000&value_to=2000000",
    "q=BID+123456/2026",
    "sort=closing",
    "page=40",
    "q=bridge+water+audit&province=Limpopo",
    "type_class=RFQ",
    "source=uk-find-a-tender",
    "value_from=8999000",
    "q=water&sort=closing",
    "province=Nowhere",
    "q=place17+water&value_from=1000",
]


def list_in_milliseconds():
    """The better of three answers to each question, once the tables are warm."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE tenders_tender")
    assert Tender.objects.count() == 200_000
    client, found = Client(), {}
    for query in QUERIES:
        times = []
        for _ in range(3):
            began = time.perf_counter()
            assert client.get(f"/tenders/?{query}").status_code == 200
            times.append(time.perf_counter() - began)
        found[query] = min(times) * 1000
    return found
