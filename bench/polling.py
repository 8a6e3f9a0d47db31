"""What fifty open pages of running runs cost: `python -m bench.polling`; processor time of our process alone."""

import os
import re
import sys
import time
from collections import Counter
from typing import Any

from bench.place import database

PAGES, EVERY, ROUNDS = 50, 2.0, 30


def measure() -> None:
    """Let each page ask as often as its script does, and print the share of one core that takes."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("olga"))
    asking = {page: _address(client.get(page)) for page in _running()}
    statuses: Counter[int] = Counter()
    busy = 0.0
    for _ in range(ROUNDS):
        time.sleep(EVERY)
        used = time.process_time()
        for page, address in asking.items():
            answer = client.get(address, headers={"HX-Request": "true"})
            statuses[answer.status_code] += 1
            if answer.status_code == 200:
                asking[page] = _address(answer)
        busy += time.process_time() - used
    polls = statuses.total()
    share = busy / ROUNDS / EVERY
    sys.stdout.write(f"{polls} polls {dict(statuses)}: {busy / polls * 1000:.2f} ms each, {share:.1%} of one core\n")


def _running() -> list[str]:
    """Make runs that are in their eleventh step, and return their pages."""
    from jobs import clock
    from jobs.ids import new_id
    from jobs.models import Run, Step
    from jobs.types import Status

    now, runs = clock.now(), []
    for _ in range(PAGES):
        values = {"function": "stepwell-hello-world", "status": Status.RUNNING, "queued_at": now, "started_at": now}
        run = Run.objects.create(id=new_id(), **values)
        for n in range(10):
            Step.objects.create(run=run, key=str(n), name=f"step-{n}", index=n, op="run", started_at=now, ended_at=now)
        runs.append(f"/admin/jobs/run/{run.pk}/")
    return runs


def _address(answer: Any) -> str:
    found = re.search(r'id="run" hx-get="([^"]+)"', answer.content.decode())
    if found is None:
        raise RuntimeError("The page of a running run does not refresh")
    return found[1].replace("&amp;", "&")


def main() -> None:
    """Make a database, measure and drop it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["STATIC_FROM_SOURCE"] = "1"
    with database():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        measure()
        from django.db import connection

        connection.close()
        connection.close_pool()


if __name__ == "__main__":
    main()
