"""Measure everything, print it beside its bar, and write it as JSON where BENCH_JSON says."""

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from bench.place import cluster, database


def main() -> None:
    """Run every measure once, on one machine, in one go."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    with database():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        figures = measure()
        from django.db import connection

        connection.close()
        connection.close_pool()
    report(figures)
    if target := os.environ.get("BENCH_JSON"):
        Path(target).write_text(json.dumps(figures, indent=2) + "\n")


def measure() -> dict[str, Any]:
    """Return all figures by name."""
    from bench import limits, measures, waits

    with cluster() as running:
        measures.drain_per_s(rounds=3)  # connections, prepared statements and caches are warm from here on
        idle = running.pss_mb()
        step, floor = measures.step_and_floor()
        rates = measures.drain_per_s(rounds=5)
        latency = measures.latency_ms()
        io500 = measures.io500(running)
        per_step, wide = waits.per_step_us(), waits.wide_s()
    return {
        "floor_us": round(floor, 1),
        "step_us": round(step, 1),
        "drain_per_s": round(sorted(rates)[len(rates) // 2]),
        "drain_rounds": [round(rate) for rate in rates],
        "latency_ms": {name: round(value, 2) for name, value in latency.items()},
        "io500": {name: round(value, 2) for name, value in io500.items()},
        "claim_ms": {name: round(value, 3) for name, value in measures.claims().items()},
        "beside_limits": {name: round(value, 3) for name, value in limits.beside_limits().items()},
        "fan_out_ms": round(limits.fan_out_ms(), 2),
        "steps_us": {steps: round(value, 1) for steps, value in per_step.items()},
        "wide300_s": round(wide, 2),
        "waits_ms": {name: round(value, 2) for name, value in waits.matched_ms().items()},
        "kill9_resume_s": round(measures.kill9_resume_s(), 2),
        "idle_pss_mb": round(idle, 1),
    }


def report(figures: dict[str, Any]) -> None:
    """Print each figure beside the bar it is held to."""
    latency, io500, claim = figures["latency_ms"], figures["io500"], figures["claim_ms"]
    ratio = figures["step_us"] / figures["floor_us"]
    steps, waits = figures["steps_us"], figures["waits_ms"]
    growth = steps["1000"] / steps["100"]
    rows = [
        ("bare committed INSERT", f"{figures['floor_us']:.0f} µs", ""),
        ("journaled no-op step", f"{figures['step_us']:.0f} µs = {ratio:.2f} x the INSERT", "<= 1.6 x"),
        ("drain of 2,000 one-step runs", f"{figures['drain_per_s']}/s  {figures['drain_rounds']}", ">= 3,000/s"),
        ("send to start p50", f"{latency['p50']:.1f} ms", "<= 4 ms"),
        ("send to start p95", f"{latency['p95']:.1f} ms", ""),
        ("send to start p99", f"{latency['p99']:.1f} ms", "<= 20 ms"),
        ("500 runs of 1 s I/O", f"{io500['wall_s']:.2f} s", "<= 1.5 s"),
        ("  connections meanwhile", f"{io500['connections']:.0f}", "<= 12"),
        ("  memory of the cluster", f"{io500['pss_mb']:.0f} MB", ""),
        ("memory of the idle cluster", f"{figures['idle_pss_mb']:.0f} MB", ""),
        ("claim, empty table", f"{claim['empty']:.2f} ms", ""),
        ("claim, 1,000,000 runs", f"{claim['million']:.2f} ms = {claim['million'] / claim['empty']:.2f} x", "<= 1.5 x"),
        ("claim beside 200,000 limited", _ratio(figures["beside_limits"], "claim"), "<= 1.2 x"),
        ("agenda beside 200,000 limited", _ratio(figures["beside_limits"], "agenda"), "<= 1.2 x"),
        ("one event to 100 functions", f"{figures['fan_out_ms']:.1f} ms", "<= 20 ms"),
        ("a step in a run of 1,000", f"{steps['1000']:.0f} µs = {growth:.2f} x in one of 100", "<= 1.2 x"),
        ("one group of 300 steps of 1 s", f"{figures['wide300_s']:.2f} s", "<= 3 s"),
        ("an event that 10,000 wait for", f"{waits['one']:.1f} ms", "<= 50 ms"),
        ("  and that nobody waits for", f"{waits['nobody']:.1f} ms", ""),
        ("  and no index can answer", f"{waits['evaluated']:.1f} ms", ""),
        ("resumed after kill -9", f"{figures['kill9_resume_s']:.2f} s", "<= 5 s"),
    ]
    sys.stdout.write(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n\n")
    for name, value, bar in rows:
        sys.stdout.write(f"{name:<30} {value:<46} {bar}\n")


def _ratio(found: dict[str, float], what: str) -> str:
    return f"{found[f'{what}_ms']:.2f} ms = {found[f'{what}_ratio']:.2f} x that of an empty table"


if __name__ == "__main__":
    main()
