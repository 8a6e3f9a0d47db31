"""`manage.py qcluster`: run workers until stopped; the exit code tells why it ended."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from jobs.cluster.command import Main


class Command(BaseCommand):
    """Runs the workers of this host."""

    help = "Run worker processes until SIGTERM or Ctrl-C. Exit codes: 0 stopped, 1 killed, 3 sentinel died, 4 frozen."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run one cluster."""
        sys.exit(Main().run())
