"""Inngest's own SDKs, unmodified, as programs would use them to send events to this site."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import inngest
from inngest._internal.errors import SendEventsError  # the SDK has no public name for it

Payload: TypeAlias = dict[str, Any]
"""One event as both SDKs take it: `name`, and if it likes `data`, `id` and `ts`."""

NODE_SECONDS = 60


class JavaScriptError(Exception):
    """What the SDK for JavaScript threw."""


class Sender(Protocol):
    """An SDK that knows where to send, and the error it raises when that failed."""

    error: type[Exception]

    def send(self, events: list[Payload]) -> list[str]:
        """Send all of them in one request and return their ids."""
        ...


Connect: TypeAlias = Callable[[str, str], Sender]
"""Makes a sender for an address and a key."""


class PythonSender:
    """The SDK for Python from synchronous code."""

    error = SendEventsError

    def __init__(self, address: str, key: str) -> None:
        self.address = address
        self.key = key

    def client(self) -> inngest.Inngest:
        """Make a client; one that sent asynchronously belongs to the event loop it did that in."""
        return inngest.Inngest(
            app_id="interop", event_api_base_url=self.address, event_key=self.key, is_production=True
        )

    def send(self, events: list[Payload]) -> list[str]:
        """Send with `send_sync`."""
        return self.client().send_sync([inngest.Event(**event) for event in events])


class AsyncPythonSender(PythonSender):
    """The SDK for Python from asynchronous code."""

    def send(self, events: list[Payload]) -> list[str]:
        """Send with `send`, in an event loop of its own."""
        return asyncio.run(self.client().send([inngest.Event(**event) for event in events]))


class JavaScriptSender:
    """The SDK for JavaScript in a process of node; it learns the address and the key from its environment."""

    error = JavaScriptError

    def __init__(self, folder: Path, address: str, key: str) -> None:
        self.folder = folder
        settings = {"INNGEST_EVENT_API_BASE_URL": address, "INNGEST_EVENT_KEY": key, "INNGEST_DEV": "0"}
        self.environment = os.environ | settings

    def send(self, events: list[Payload]) -> list[str]:
        """Send with `send`, and raise what it threw."""
        done = subprocess.run(
            ["node", "send.mjs"],
            cwd=self.folder,
            env=self.environment,
            input=json.dumps(events).encode(),
            capture_output=True,
            timeout=NODE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        answer = json.loads(done.stdout.splitlines()[-1])
        if "error" in answer:
            raise JavaScriptError(answer["error"])
        return answer["ids"]
