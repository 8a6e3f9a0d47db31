"""How fast rows of files become clients, and how fast many are listed: `python -m bench.clients`."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.place import database

ROWS, SET, ROUNDS, WANTED, LISTED = 20_000, 1000, 3, 1000, 100_000


def rows(first: int, **more: str) -> list[Any]:
    """Return a set of rows as an import hands them over."""
    from imports import processors
    from imports.processors import Row

    names = [column.name for column in processors.get("clients.import").columns]
    made = []
    for number in range(first, first + SET):
        said = {"name": f"Client {number}", "domain": f"https://www.c{number}.example/", "keywords": "pallets, crates"}
        said |= {"industry_primary": "Manufacturing", "brand_voice": "Plain; Short", **more}
        made.append(Row(pk=number, batch=1, number=number, data={name: said.get(name, "") for name in names}))
    return made


def rate(outcome: str, **more: str) -> float:
    """Process all rows, each set in a transaction of its own; returns rows per second."""
    from django.db import transaction

    from clients.rows import import_clients

    sets = [rows(first, **more) for first in range(0, ROWS, SET)]
    began = time.perf_counter()
    for each in sets:
        with transaction.atomic():
            results = import_clients(each)
        if {result["outcome"] for result in results} != {outcome}:
            raise RuntimeError(f"Not every row was {outcome}.")
    return ROWS / (time.perf_counter() - began)


def measure() -> None:
    """Create, update and leave clients as they are, and print each figure beside its bar."""
    from django.db import connection

    found: dict[str, list[float]] = {}
    kinds: list[tuple[str, Callable[[], dict[str, str]]]] = [
        ("created", dict),
        ("updated", lambda: {"sub_industry": "Pallets"}),
        ("unchanged", lambda: {"sub_industry": "Pallets"}),
    ]
    for _ in range(ROUNDS):
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE clients_client CASCADE")
        for outcome, more in kinds:
            found.setdefault(outcome, []).append(rate(outcome, **more()))
    for outcome, rates in found.items():
        shown = [round(one) for one in rates]
        sys.stdout.write(f"{ROWS:,} rows {outcome:<10} {max(rates):7.0f}/s  {shown}  >= {WANTED:,}/s\n")


def answered() -> None:
    """Ask for the list of all clients in different ways, and print the better of some answers each."""
    from django.contrib.auth.models import User
    from django.db import connection, transaction
    from django.test import Client

    from clients.rows import import_clients

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE clients_client CASCADE")
    for first in range(0, LISTED, SET):
        with transaction.atomic():
            import_clients(rows(first))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE clients_client")
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(User.objects.create_superuser("opal"))
    for query in ("", "q=client+777", "q=zzzz", "status=PENDING", "sort=stale", "page=400"):
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            if browser.get(f"/clients/?{query}").status_code != 200:
                raise RuntimeError(f"/clients/?{query} was not answered")
            times.append((time.perf_counter() - began) * 1000)
        sys.stdout.write(f"list of {LISTED:,}, {query or 'all':<16} {min(times):6.0f} ms\n")


def main() -> None:
    """Make a database, measure in it and drop it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["STATIC_FROM_SOURCE"] = "1"
    with database():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        measure()
        answered()
        from django.db import connection

        connection.close()
        connection.close_pool()


if __name__ == "__main__":
    main()
