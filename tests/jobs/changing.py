"""Bodies whose code changes between two deploys."""

from collections.abc import Callable
from datetime import timedelta

import jobs
from tests.jobs.conftest import Body

HOUR = timedelta(hours=1)


def steps(*names: str, pause_after: int, calls: dict[str, int]) -> Body:
    """A body of steps of these names, with a sleep after so many of them."""

    def handler(name: str) -> Callable[[], str]:
        def handle() -> str:
            calls[name] = calls.get(name, 0) + 1
            return f"{name} {calls[name]}"

        return handle

    def body(ctx: jobs.ContextSync) -> list[str]:
        results = []
        for number, name in enumerate(names):
            if number == pause_after:
                ctx.step.sleep("pause", HOUR)
            results.append(ctx.step.run(name, handler(name)))
        return results

    return body
