"""A minute of the campaign, with gentle faults that are always the same; it leaves nothing behind."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
FAULTS = ("kill-worker", "kill-attendant", "link-cut", "link-slow", "restart-fast", "poison-exit", "poison-recursion")
NOTHING = {
    "lost_events": 0,
    "doubled_runs": 0,
    "stuck_runs": 0,
    "double_transactions": 0,
    "steps_run_again": 0,
    "slots_leaked": 0,
    "changed_results": 0,
}


def campaign(folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run a campaign below that folder; return its code, its verdict and what it said beside."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    ended = subprocess.run(
        [sys.executable, "-m", "bench.campaign", *arguments],
        cwd=ROOT,
        env=environment | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.stdout, ended.stderr[-2000:]
    return ended.returncode, json.loads(ended.stdout), ended.stderr


def test_a_minute_of_faults_loses_nothing_and_does_nothing_twice(short_folder: Path) -> None:
    code, verdict, said = campaign(
        short_folder, "--minutes=0.8", "--seed=11", "--rate=20", f"--faults={','.join(FAULTS)}"
    )
    assert verdict["violations"] == NOTHING, verdict
    assert verdict["came_to_rest"], said[-2000:]
    assert code == 0
    assert verdict["figures"]["acknowledged"] > 300
    # Each of them came about, with an effect that was seen.
    assert set(verdict["faults"]) == set(FAULTS), verdict
    assert list(short_folder.iterdir()) == []
    assert not [known.pid for known in psutil.process_iter(["environ"]) if _is_from(known, short_folder)]


def _is_from(process: psutil.Process, folder: Path) -> bool:
    return str(folder) in ((process.info["environ"] or {}).get("CAMPAIGN_LEDGER") or "")
