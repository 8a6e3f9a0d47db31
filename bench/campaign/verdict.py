"""The verdict: what the ledger says was acknowledged and done, against what the database says at the end."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from bench.campaign import poison
from bench.campaign.ledger import Line
from bench.campaign.load import LIMIT
from bench.campaign.seen import Event, Run, Seen

FACTORS = {
    **{"steps": 3, "sleeper": 2, "waiter": 2, "signalled": 1, "parent": 3, "asynchronous": 3, "echo": 1, "child": 2},
    **{"transacted": 2, "limited": 1, "throttled": 1, "single": 1, "rated": 1, "idempotent": 1, "poison": 1},
}
"""Results are the event's number, so many times."""
TOGETHER = ("debounced", "batched")
NOTHING = ("answer",)
CLOCKS_MS = 20
"""What two readings of one machine's clocks may differ by."""
MOST_EXAMPLES = 5
ALONE = ("stop-worker", "link-", "poison-endless")
"""Faults that cut one worker off while others go on: they may rightly take it for dead."""
CATCH_UP_SECONDS = 3.0
CATEGORIES = (
    *("lost_events", "doubled_runs", "stuck_runs", "double_transactions", "steps_run_again", "slots_leaked"),
    "changed_results",
)


class Verdict:
    """Violations by category, each with words."""

    def __init__(self, lines: list[Line], seen: Seen) -> None:
        self.violations: dict[str, list[str]] = {category: [] for category in CATEGORIES}
        self._lines, self._seen = lines, seen
        self._calls = self._calls_by_step()
        self._alone = self._times_of_faults(ALONE)
        self._late = 0
        self._judge_events()
        self._judge_results()
        self._judge_steps()
        self._judge_transactions()
        self._judge_slots()

    @property
    def holds(self) -> bool:
        """Whether nothing was violated."""
        return not any(self.violations.values())

    def report(self) -> dict[str, Any]:
        """Return how many violations there are of each category, and some of them in words."""
        counts = {category: len(found) for category, found in self.violations.items()}
        examples = {category: found[:MOST_EXAMPLES] for category, found in self.violations.items() if found}
        return {"holds": self.holds, "violations": counts, "examples": examples, "figures": self._figures()}

    def _say(self, category: str, words: str) -> None:
        self.violations[category].append(words)

    def _lines_of(self, word: str) -> Iterator[Line]:
        return (line for line in self._lines if line.word == word)

    def _judge_events(self) -> None:
        """Every acknowledged event is stored and has started what it had to; what was rolled back is not there."""
        first = {event.external_id: event for event in self._seen.events if event.external_id and not event.duplicate}
        for line in self._lines_of("acknowledged"):
            event = first.get(line.facts["id"])
            if event is None:
                self._say("lost_events", f"{line.facts['kind']} {line.facts['id']} was acknowledged and is not stored")
            else:
                self._judge_starts(event)
        for line in self._lines_of("rolled-back"):
            if line.facts["id"] in first or line.facts["data"]["n"] in self._seen.rows:
                self._say("doubled_runs", f"{line.facts['id']} was rolled back and is stored")
        self._judge_one_of_each("emitter", "echo")
        self._judge_one_of_each("parent", "child")
        self._judge_keys()

    def _judge_starts(self, event: Event) -> None:
        started = len(self._seen.runs_of.get(event.id, []))
        if event.kind in NOTHING or (event.kind in ("rated", "idempotent", "single") and event.note):
            return
        if started == 0 and event.kind != "idempotent":
            self._say("lost_events", f"{event.kind} {event.external_id} started nothing")
        if started > 1:
            self._say("doubled_runs", f"{event.kind} {event.external_id} started {started} runs")

    def _judge_one_of_each(self, kind: str, of: str) -> None:
        """Each run of one kind has made exactly one run of another."""
        ended = [run for run in self._seen.runs.values() if run.kind == kind and run.status == "COMPLETED"]
        wanted = {self._number(run) for run in ended}
        made = Counter(self._number(run) for run in self._seen.runs.values() if run.kind == of)
        for n in wanted - set(made):
            self._say("lost_events", f"{kind} {n} has no {of}")
        for n, times in made.items():
            if times > 1:
                self._say("doubled_runs", f"{kind} {n} has {times} runs of {of}")

    def _judge_keys(self) -> None:
        keys = Counter(self._number(run) for run in self._seen.runs.values() if run.kind == "idempotent")
        asked = {event.data["n"] for event in self._seen.events if event.kind == "idempotent"}
        for n in asked - set(keys):
            self._say("lost_events", f"idempotent {n} started nothing")
        for n, times in keys.items():
            if times > 1:
                self._say("doubled_runs", f"idempotent {n} has {times} runs")

    def _number(self, run: Run) -> int:
        return self._numbers(run)[0] if self._numbers(run) else -1

    def _numbers(self, run: Run) -> list[int]:
        by_id = self.__dict__.setdefault("_by_id", {event.id: event for event in self._seen.events})
        linked = [by_id[pk] for pk in self._seen.events_of.get(run.id, []) if pk in by_id]
        # An invoked run has an event of the engine's, and says its number itself.
        return sorted(event.data["n"] for event in linked) or ([run.output // 2] if run.kind == "child" else [])

    def _judge_results(self) -> None:
        """Every run has ended as its event says it must."""
        for run in self._seen.runs.values():
            if run.status in ("QUEUED", "RUNNING", "SLEEPING", "WAITING"):
                self._say("stuck_runs", f"{run.kind} {run.id} is {run.status}")
            elif words := self._wrong(run):
                self._say("changed_results", f"{run.kind} {run.id}: {words}")

    def _wrong(self, run: Run) -> str:
        if run.kind == "single" and run.status == "SKIPPED":
            return ""
        how = self._how(run) if run.kind == "poison" else ""
        if how in poison.FAILS:
            fits = run.status == "FAILED" and poison.FAILS[how] in run.error
            return "" if fits else f"{how} ended {run.status}, {run.error[:200]}"
        if run.status != "COMPLETED":
            return f"{run.status}, {run.error[:300]}"
        wanted = self._expected(run)
        return "" if run.output == wanted else f"{run.output!r} instead of {wanted!r}"

    def _expected(self, run: Run) -> Any:
        if run.kind in ("ticking", "emitter"):
            return 1
        if run.kind in TOGETHER:
            return self._numbers(run)
        if run.kind == "grouped":
            return [self._number(run)] * 3
        return FACTORS[run.kind] * self._number(run)

    def _how(self, run: Run) -> str:
        return next(e.data["how"] for e in self._seen.events if e.id in self._seen.events_of[run.id])

    def _calls_by_step(self) -> dict[tuple[str, str], list[Line]]:
        calls: dict[tuple[str, str], list[Line]] = defaultdict(list)
        for line in self._lines_of("begin"):
            calls[line.facts["run"], line.facts["step"]].append(line)
        return calls

    def _judge_steps(self) -> None:
        """No handler is called once its step is journaled: by the body that went on, or by the time of the commit."""
        known: dict[tuple[str, str], float] = {}
        for line in self._lines_of("journaled"):
            known.setdefault((line.facts["run"], line.facts["step"]), line.at)
        offset = time.time() - time.monotonic() - CLOCKS_MS / 1000
        for step, at in self._seen.committed.items():
            known[step] = min(known.get(step, float("inf")), at - offset)
        for step, calls in self._calls.items():
            for line in calls:
                if line.at > known.get(step, float("inf")) and not self._is_excused(line, calls, known[step]):
                    late = line.at - known[step]
                    self._say("steps_run_again", f"{step[1]} of {step[0]} was called {late:.2f} s after its journaling")

    def _is_excused(self, line: Line, calls: list[Line], journaled: float) -> bool:
        """Whether a worker called that had been cut off itself, under a lease that it could not know to be lost.

        Nothing excuses a call under the lease of the journaling or a later one, nor a fault that hits all alike.
        """
        newest = max((call.facts.get("lease", 0) for call in calls if call.at <= journaled), default=0)
        if line.facts.get("lease", 0) >= newest:
            return False
        excused = any(begun <= line.at <= healed + CATCH_UP_SECONDS for begun, healed in self._alone)
        self._late += excused
        return excused

    def _times_of_faults(self, kinds: tuple[str, ...]) -> list[tuple[float, float]]:
        begun: dict[str, float] = {}
        times = []
        for line in self._lines:
            name = line.facts.get("name", "")
            if line.word == "fault" and name.startswith(kinds):
                begun[name] = line.at
            elif line.word == "healed" and name in begun:
                times.append((begun.pop(name), line.at))
        return times

    def _judge_transactions(self) -> None:
        """The rows of a transaction's step are there exactly as often as its entry in the journal."""
        kinds = {pk for pk, run in self._seen.runs.items() if run.kind == "transacted"}
        journaled = {(run, step) for run, step in self._seen.committed if run in kinds}
        for step in journaled | set(self._seen.effects):
            rows = self._seen.effects.get(step, 0)
            if rows != (step in journaled):
                self._say("double_transactions", f"{step[1]} of {step[0]} has {rows} rows")

    def _judge_slots(self) -> None:
        """Nothing holds a slot or waits for one, and a probe of each key found all of them."""
        if self._seen.slots:
            self._say("slots_leaked", f"{self._seen.slots} runs hold a slot or wait for one")
        for key, most in self.probed().items():
            if most != LIMIT:
                self._say("slots_leaked", f"{most} probes of key {key} ran at once instead of {LIMIT}")

    def probed(self) -> dict[str, int]:
        """Return how many of the probes of each key ran at once at most."""
        keys = {}
        for event in self._seen.events:
            for run in self._seen.runs_of.get(event.id, []) if "rest" in event.data else ():
                keys[run] = str(event.data["n"] % 2)
        now, most = Counter[str](), Counter[str]()
        for line in self._lines:
            key = keys.get(line.facts.get("run", ""))
            if key is not None and line.word in ("begin", "end"):
                now[key] += 1 if line.word == "begin" else -1
                most[key] = max(most[key], now[key])
        return dict(most)

    def _figures(self) -> dict[str, int]:
        return {
            "acknowledged": sum(1 for _ in self._lines_of("acknowledged")),
            "rolled_back": sum(1 for _ in self._lines_of("rolled-back")),
            "resent": sum(1 for _ in self._lines_of("unsure")),
            "runs": len(self._seen.runs),
            "calls": sum(map(len, self._calls.values())),
            "calls_before_their_journaling": sum(len(calls) - 1 for calls in self._calls.values()),
            "calls_under_a_lease_lost_unawares": self._late,
            "ticks": sum(1 for run in self._seen.runs.values() if run.kind == "ticking"),
        }
