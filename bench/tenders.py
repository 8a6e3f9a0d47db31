"""What tenders cost at size: importing 100,000 releases, and the list with 200,000 in it: `python -m bench.tenders`."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.place import ROOT, database
from tests.standins.tender_portals import PACKAGE, za_release

COUNT, ROUNDS = 100_000, 3
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


def write(path: Path, first: int) -> Path:
    """Write a package of releases that differ as real ones do."""
    chance = random.Random(first)
    with path.open("w") as out:
        head = json.dumps({**PACKAGE, "releases": []})
        out.write(head[:-2])
        for number in range(first, first + COUNT):
            out.write(("," if number > first else "") + json.dumps(_release(number, chance)))
        out.write("]}")
    return path


def _release(number: int, chance: random.Random) -> object:
    day = f"2026-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
    amount = chance.choice([0, 0, chance.randint(1000, 9_000_000)])
    files = [f"https://example.org/{number}-{n}.pdf" for n in range(3)]
    return za_release(
        number,
        day,
        description=" ".join([*chance.choices(WORDS, k=20), chance.choice(RARE)]),
        province=chance.choice(PROVINCES),
        category=chance.choice(KINDS),
        value={"amount": amount, "currency": "ZAR"},
        specialConditions=" ".join(chance.choices(WORDS, k=40)),
        documents=[{"id": url, "title": "Bid.pdf", "url": url, "format": "pdf"} for url in files],
    )


def imported(path: Path) -> tuple[float, float]:
    """Import a package in a process of its own; returns releases per second and megabytes at the most."""
    command = [sys.executable, "-c", IMPORT, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    added, seconds, megabytes = done.stdout.split()
    if int(added) != COUNT:
        raise RuntimeError(f"{added} of {COUNT} releases were added")
    return COUNT / float(seconds), float(megabytes)


def answered() -> dict[str, float]:
    """Return the milliseconds of the list for each question: the better of three answers, with warm tables."""
    from django.db import connection
    from django.test import Client

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE tenders_tender")
    client, found = Client(SERVER_NAME="localhost"), {}
    for query in QUERIES:
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            if client.get(f"/tenders/?{query}").status_code != 200:
                raise RuntimeError(f"/tenders/?{query} was not answered")
            times.append(time.perf_counter() - began)
        found[query] = min(times) * 1000
    return found


def measure(folder: Path) -> None:
    """Import, ask, and print each figure beside its bar."""
    from django.db import connection

    first, second = write(folder / "1.json", 100_000), write(folder / "2.json", 200_000)
    rates = []
    for _ in range(ROUNDS):
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE tenders_tender, tenders_release CASCADE")
        rate, megabytes = imported(first)
        rates.append(rate)
    sys.stdout.write(
        f"import of {COUNT:,} releases    {max(rates):.0f}/s  {[round(rate) for rate in rates]}  >= 5,000/s\n"
    )
    sys.stdout.write(f"  memory                       {megabytes:.0f} MB  <= 250 MB\n")
    imported(second)
    for query, took in sorted(answered().items(), key=lambda one: -one[1]):
        sys.stdout.write(f"list of 200,000, {query or 'all':<42} {took:6.0f} ms  <= 150 ms\n")


def main() -> None:
    """Make a database, fill it, measure and drop it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["STATIC_FROM_SOURCE"] = "1"
    with database():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder))
        from django.db import connection

        connection.close()
        connection.close_pool()


if __name__ == "__main__":
    main()
