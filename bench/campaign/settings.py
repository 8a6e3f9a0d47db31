"""The site's settings for a host of the campaign: the functions of its load, and times short enough for a campaign."""

import os
import select
import socket
import time

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, JOBS, LOGGING

INSTALLED_APPS = [*INSTALLED_APPS, "bench.campaign.load.Load"]
JOBS = JOBS | {
    "THREADS": 64,
    "PUMP_SECONDS": 5.0,
    "HEARTBEAT_SECONDS": 1.0,
    "SILENT_SECONDS": 4.0,
    "WATCHDOG_SECONDS": 12.0,
    "GRACE_SECONDS": 5.0,
    "BACKOFF": (0.3, 0.6, 1, 2, 3),
    "JITTER_SECONDS": 0.0,
    "RETRIES": 20,
    # The campaign kills workers by the dozen, whatever they execute.
    "MAX_CRASHES": 200,
    "RUN_DIR": os.environ.get("CAMPAIGN_RUN_DIR", JOBS["RUN_DIR"]),
}

# The campaign's own output is its verdict.
LOGGING["handlers"]["console"]["stream"] = "ext://sys.stderr"

if _host := os.environ.get("CAMPAIGN_HOST"):
    # Another machine, as far as the engine can tell.
    socket.gethostname = lambda: _host

if os.environ.get("FAKETIME_TIMESTAMP_FILE"):
    # faketime refuses the sleeps that Python counts by the clock that it leaves alone.
    time.sleep = lambda seconds: select.select([], [], [], seconds) and None
