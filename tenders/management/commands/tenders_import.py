"""`tenders_import FILE...`: store the releases of OCDS packages, each file all or not at all."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

import jobs
from tenders import events, importing
from tenders.ocds.scanner import BadPackage


class Command(BaseCommand):
    """Import release and record packages of any size and publisher."""

    help = "Import OCDS packages, each stored whole or not at all; importing one again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the files."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--no-alerts", action="store_true", help="mail nobody about what is new")

    def handle(self, *args: Any, files: list[Path], no_alerts: bool, **options: Any) -> None:
        """Import each file and tell what became of it; exit with 1 if one could not be read."""
        failed = 0
        for path in files:
            failed += not self._import(path)
        if not no_alerts and failed < len(files):
            jobs.send_sync(jobs.Event(name=events.SYNCED, data={"source": "file"}))
        if failed:
            raise CommandError(f"{failed} of {len(files)} files could not be imported.")

    def _import(self, path: Path) -> bool:
        try:
            taken = importing.import_path(path)
        except BadPackage as error:
            self.stderr.write(f"{path.name}: {error} Nothing of it was stored.")
            return False
        except OSError as error:
            self.stderr.write(f"{path.name}: {error.strerror or error}.")
            return False
        self.stdout.write(
            f"{path.name}: {taken.processed} releases, {taken.added} added, {taken.updated} updated, "
            f"{taken.unchanged} unchanged, {taken.skipped} left out"
        )
        for words in taken.problems:
            self.stdout.write(f"  {words}")
        return True
