"""`make audit`: ask a database of vulnerabilities about every locked version.

It ends with 0 where none is known, with 1 where some are, and with 3 where the database could not be asked.
"""

import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

from config import env

LOCKED = (env.ROOT / "requirements" / "runtime.txt", env.ROOT / "requirements" / "dev.txt")
PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]{0,100})(?:\[[^\]]{1,80}\])?==([A-Za-z0-9.!+_-]{1,60})", re.MULTILINE)
FOUND, NOT_ASKED = 1, 3
TIMEOUT = 30.0


def main() -> int:
    """Print what is known, and return the exit code."""
    url = env.text("AUDIT_URL", "https://api.osv.dev/v1/querybatch")
    versions = locked(*LOCKED)
    try:
        known = ask(url, versions)
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        print(f"Not audited: {url} could not be asked ({reason}); set AUDIT_URL to a database that answers like OSV.")
        return NOT_ASKED
    for name, version in versions:
        if ids := known.get((name, version)):
            print(f"{name} {version}: {', '.join(ids)} – https://osv.dev/{ids[0]}")
    print(f"{len(versions)} locked versions were looked up; {len(known)} have known vulnerabilities.")
    return FOUND if known else 0


def locked(*paths: Path) -> list[tuple[str, str]]:
    """Return the names and versions that lock files pin, each once."""
    return sorted({(name, version) for path in paths for name, version in PINNED.findall(path.read_text())})


def ask(url: str, versions: list[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
    """Return the ids of what is known about these versions; ValueError for an answer that is none."""
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in versions]
    body = json.dumps({"queries": queries}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 (the operator's own setting)
        results = json.load(answer).get("results")
    if not isinstance(results, list) or len(results) != len(versions):
        raise ValueError("its answer is not about these versions")
    found = ([each["id"] for each in (result or {}).get("vulns", [])] for result in results)
    return {pair: ids for pair, ids in zip(versions, found, strict=True) if ids}


if __name__ == "__main__":
    sys.exit(main())
