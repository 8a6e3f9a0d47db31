"""A loopback server that answers like Gemini's REST API, one scripted answer per call, and remembers its questions."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.standins.serving import Handler, Server

TYPE = "type.googleapis.com/google.rpc."


@dataclass(frozen=True, slots=True)
class Answer:
    """One scripted answer; `delay` is how many seconds the server keeps silent first."""

    body: dict[str, Any] | str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        """The text of the question."""
        return "".join(part["text"] for content in self.body["contents"] for part in content["parts"])

    @property
    def config(self) -> dict[str, Any]:
        """The generation config of the question."""
        return self.body.get("generationConfig") or self.body.get("generation_config") or {}


class GeminiStandIn:
    """Answers from a script; when the script is at its end, with the last answer again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._script: deque[Answer] = deque()
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(_Handler)
        self._server.standin = self

    @property
    def url(self) -> str:
        """Where the server listens, with the scheme."""
        return self._server.url

    def script(self, *answers: Answer) -> None:
        """Answer the next calls with these, in this order."""
        self._script = deque(answers)

    def take(self, asked: Asked) -> Answer:
        """Remember the request and give the answer whose turn it is."""
        with self._lock:
            self.asked.append(asked)
            if not self._script:
                return failed(500, "INTERNAL", "The stand-in has no script.")
            return self._script.popleft() if len(self._script) > 1 else self._script[0]

    def wait(self, seconds: float) -> None:
        """Keep a caller waiting; the end of the test ends it."""
        self._released.wait(seconds)

    @contextmanager
    def running(self) -> Iterator["GeminiStandIn"]:
        """Serve until the block ends."""
        with self._server.running():
            try:
                yield self
            finally:
                self._released.set()


class _Server(Server):
    standin: GeminiStandIn


class _Handler(Handler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def post(self) -> None:
        raw = self.body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not (self.path.startswith("/v1beta/models/") and ":generateContent" in self.path):
            self._send(failed(404, "NOT_FOUND", f"{self.path} is not served here."))
            return
        answer = self.server.standin.take(Asked(self.path, headers, json.loads(raw)))
        if answer.delay:
            self.server.standin.wait(answer.delay)
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        self.send(answer.status, answer.headers, body.encode())


def said(text: str, *, finish: str = "STOP") -> Answer:
    """An answer whose one candidate says this text."""
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": finish, "index": 0}
    usage = {"promptTokenCount": 900, "candidatesTokenCount": 200, "totalTokenCount": 1100}
    return Answer({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3.8-flash"})


def found(insights: dict[str, Any]) -> Answer:
    """A good answer with these insights."""
    return said(json.dumps(insights))


def blocked(reason: str = "SAFETY") -> Answer:
    """The prompt was blocked: feedback, and no candidates at all."""
    return Answer({"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 900}})


def stopped(reason: str = "SAFETY") -> Answer:
    """The answer was stopped: a candidate with a finish reason and no parts."""
    return Answer({"candidates": [{"finishReason": reason, "index": 0}]})


def failed(status: int, name: str, message: str, *, details: list[dict[str, Any]] | None = None) -> Answer:
    """An error in the shape of Google's APIs."""
    return Answer({"error": {"code": status, "message": message, "status": name, "details": details or []}}, status)


def limited(*, retry_after: str = "", retry_delay: str = "", quota: str = "") -> Answer:
    """429, with the wait in the header, in the details, or nowhere."""
    details: list[dict[str, Any]] = []
    if quota:
        details.append({"@type": f"{TYPE}QuotaFailure", "violations": [{"quotaId": quota}]})
    if retry_delay:
        details.append({"@type": f"{TYPE}RetryInfo", "retryDelay": retry_delay})
    error = failed(429, "RESOURCE_EXHAUSTED", "Quota exceeded for this model.", details=details)
    return Answer(error.body, 429, {"Retry-After": retry_after} if retry_after else {})


def overloaded() -> Answer:
    """503, as in busy hours."""
    return failed(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")


def silent(seconds: float = 30) -> Answer:
    """Nothing for so long that the caller gives up."""
    return Answer({}, delay=seconds)
