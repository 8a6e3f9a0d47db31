"""The site's settings for a cluster under test: with the functions of its workloads, and JOBS as the test wants it."""

import json
import os
import socket

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, JOBS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.jobs.workloads.Workloads", *os.environ.get("CLUSTER_APPS", "").split()]
JOBS = JOBS | json.loads(os.environ.get("CLUSTER_JOBS", "{}"))

if _host := os.environ.get("CLUSTER_HOST"):
    # Another machine, as far as the engine can tell.
    socket.gethostname = lambda: _host

if _media := os.environ.get("CLUSTER_MEDIA"):
    # Where the test that uploads keeps its files.
    MEDIA_ROOT = _media
