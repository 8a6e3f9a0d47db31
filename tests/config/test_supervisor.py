"""The supervisor with real programs: order, restarts, and that nothing is ever left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
# Each part tells its own id and that of a child it starts, which ignores the polite signal.
PART = """
import os, signal, subprocess, sys, time
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(99)"
child = subprocess.Popen([sys.executable, "-c", deaf])
def end(number, frame):
    print("asked by", signal.Signals(number).name, flush=True)
    child.kill()
    sys.exit(0)
signal.signal(signal.SIGINT, end)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in sys.argv else end)
print("pids", os.getpid(), child.pid, flush=True)
if "crash" in sys.argv:
    time.sleep(0.3)
    sys.exit(7)
time.sleep(99)
"""


class Site:
    """A running supervisor and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self.log = process, log

    def text(self) -> str:
        return self.log.read_text()

    def pids(self) -> set[int]:
        return {int(word) for line in self.text().splitlines() if "pids" in line for word in line.split()[-2:]}

    def left(self) -> list[int]:
        """Processes of the parts that still run; a zombie only waits to be counted."""
        return [pid for pid in self.pids() if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Start a supervisor with a part for each word list."""
    sites: list[Site] = []

    def start_site(grace: int = 1, **parts: str) -> Site:
        (tmp_path / "part.py").write_text(PART)
        lines = [f"{name}: python {tmp_path}/part.py {words}" for name, words in parts.items()]
        (tmp_path / "Procfile").write_text("# the parts\n" + "\n".join(lines) + "\n")
        given = {
            "PROCFILE": f"{tmp_path}/Procfile",
            "STOP_SECONDS": str(grace),
            "DATABASE_URL": "postgresql:///unused",
            "PORT": "1",
        }
        with (tmp_path / "log").open("wb") as log:
            command = [sys.executable, "-m", "config.supervisor"]
            options = {"cwd": ROOT, "stdout": log, "stderr": log, "start_new_session": True}
            process = subprocess.Popen(command, env=os.environ | given, **options)
        sites.append(Site(process, tmp_path / "log"))
        wait_until(lambda: len(sites[-1].pids()) >= 2 * len(parts))
        return sites[-1]

    yield start_site
    for site in sites:
        site.process.kill()
        site.process.wait()
        for pid in site.left():
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_parts_in_their_order_and_leaves_nothing(start: Callable[..., Site], number: int) -> None:
    site = start(web="", worker="")
    # To the whole group, as a terminal does: the parts must hear of it once, from the supervisor.
    os.killpg(site.process.pid, number)
    assert site.process.wait(10) == 0
    assert site.left() == []
    assert site.text().count("asked by SIGTERM") == 2
    assert "asked by SIGINT" not in site.text()
    assert site.text().index("Stopping web") < site.text().index("Stopping worker") < site.text().index("Stopped.")


def test_a_part_that_dies_is_started_again_later_and_later(start: Callable[..., Site]) -> None:
    site = start(web="", worker="crash")
    wait_until(lambda: "worker exited with code 7; starting it again in 1 s." in site.text())
    assert "worker exited with code 7; starting it again in 0.5 s." in site.text()
    assert "web exited" not in site.text()


def test_what_a_dead_part_leaves_behind_is_ended_before_it_starts_again(start: Callable[..., Site]) -> None:
    site = start(worker="")
    parent, child = (int(word) for word in site.text().splitlines()[0].split()[-2:])
    os.kill(parent, signal.SIGKILL)
    wait_until(lambda: "worker was ended by SIGKILL" in site.text())
    wait_until(lambda: not _runs(child))
    wait_until(lambda: len(site.pids()) == 4)


def test_a_part_that_will_not_end_is_ended_after_the_grace_time(start: Callable[..., Site]) -> None:
    site = start(web="stubborn", worker="")
    site.process.terminate()
    assert site.process.wait(30) == 0
    assert "web did not end in time" in site.text()
    wait_until(lambda: site.left() == [], 2)


def test_a_second_signal_does_not_wait(start: Callable[..., Site]) -> None:
    site = start(grace=600, web="stubborn")
    site.process.send_signal(signal.SIGINT)
    wait_until(lambda: "Stopping web" in site.text())
    site.process.send_signal(signal.SIGINT)
    assert site.process.wait(30) == 0


def test_a_killed_supervisor_leaves_no_process_running(start: Callable[..., Site]) -> None:
    site = start(web="", worker="stubborn")
    site.process.kill()
    site.process.wait()
    wait_until(lambda: site.left() == [], 3)


def test_a_procfile_without_a_command_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web\n")
    environment = os.environ | {"PROCFILE": f"{tmp_path}/Procfile", "DATABASE_URL": "postgresql:///unused"}
    command = [sys.executable, "-m", "config.supervisor"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert done.stderr == "Stepwell cannot start: Procfile must have lines of the form `name: command`.\n"
