"""`GET /metrics`: the state of workers and queue for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from jobs import clock
from jobs.api.answers import methods
from jobs.api.health import alive, oldest_due
from jobs.keys import key_required
from jobs.models import Delivery, FunctionState, Run
from jobs.models.key import Scope

MOST = 100_000
"""Runs that are counted at most, so that asking costs the same however many wait."""


@methods("GET")
@key_required(Scope.READ)
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the figures in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    """What is measured at the moment of asking."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every figure."""
        now = clock.now()
        workers = list(alive().values_list("slots", "busy"))
        yield _gauge("jobs_workers", "Worker processes that reported lately.", len(workers))
        yield _gauge("jobs_slots", "Runs they can execute at once.", sum(slots for slots, _ in workers))
        yield _gauge("jobs_busy", "Runs they execute now.", sum(busy for _, busy in workers))
        yield _gauge("jobs_due", f"Runs that are due and wait for a worker; {MOST} stands for more.", _due(now))
        blocked = Run.objects.filter(blocked_by__isnull=False)
        yield _gauge("jobs_blocked", "Due runs that wait for a slot, their turn or a paused function.", _count(blocked))
        waited = 0.0 if (oldest := oldest_due()) is None else max(0.0, (now - oldest).total_seconds())
        yield _gauge("jobs_oldest_due_seconds", "How long the oldest due run has waited.", waited)
        yield _gauge("jobs_deliveries", "Events and results that wait to be handed over.", Delivery.objects.count())
        paused = FunctionState.objects.filter(paused=True).count()
        yield _gauge("jobs_paused_functions", "Functions that people have paused.", paused)


def _due(now: datetime) -> int:
    plain = Run.objects.filter(run_at__lte=now, run_at__isnull=False, rank__isnull=True)
    ranked = Run.objects.filter(rank__isnull=False, blocked_by__isnull=True, run_at__lte=now)
    return min(
        MOST, sum(_count(runs.filter(gated=False)) for runs in (plain, ranked)) + _count(ranked.filter(gated=True))
    )


def _count(runs: Any) -> int:
    counted: int = runs.order_by()[:MOST].count()
    return counted


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)
