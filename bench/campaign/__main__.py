"""`python -m bench.campaign --minutes 20 --seed N`: print the verdict as JSON; 1 is returned if it does not hold."""

import argparse
import json
import os
import signal
import sys
from contextlib import closing
from typing import Any

from bench.campaign.link import Link
from bench.campaign.place import place


def main() -> int:
    """Run one campaign."""
    parser = argparse.ArgumentParser(prog="bench.campaign", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long the load and the faults last")
    parser.add_argument("--seed", type=int, default=1, help="decides the order and length of the faults")
    parser.add_argument("--rate", type=float, default=30.0, help="events a second")
    parser.add_argument("--faults", default="all", help="names with commas between them, all or none")
    parser.add_argument("--keep", default="", help="a folder to keep the ledger and the hosts' logs in")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    os.nice(5)
    names = {"all": None, "none": []}.get(asked.faults, asked.faults.split(","))

    with place() as made, closing(Link(made.socket)) as link:
        # Before the settings are read.
        os.environ.update(made.environment(link.port))
        import django

        django.setup()
        from bench.campaign.running import Campaign

        report = Campaign(made, link, asked.minutes, asked.seed, asked.rate, names, asked.keep).run()
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 0 if report["holds"] else 1


def _end(number: int, frame: Any) -> None:
    # What was started is ended on the way out.
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
