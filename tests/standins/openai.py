"""A loopback server that answers like OpenAI's chat completions, and counts its questions and how many are open."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.standins.serving import Handler, Server

KEY = "sk-of-the-test"
MODEL = "gpt-5.5"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `delay` is how many seconds the server keeps silent first."""

    body: dict[str, Any] | str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def question(self) -> str:
        """What the user's message says."""
        return str(self.body["messages"][-1]["content"])

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema that the answer must fit."""
        return dict(self.body["response_format"]["json_schema"])


class OpenAIStandIn:
    """Answers from a script, whose last answer repeats; an answer may be a function of the request."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.open, self.most_open = 0, 0
        self._script: deque[Answer | Callable[[Asked], Answer]] = deque()
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(_Handler)
        self._server.standin = self

    @property
    def url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return f"{self._server.url}/v1"

    def script(self, *answers: Answer | Callable[[Asked], Answer]) -> None:
        """Answer the next calls with these, in this order."""
        self._script = deque(answers)

    @contextmanager
    def answering(self, asked: Asked) -> Iterator[Answer]:
        """Remember the request, and count it as open until its answer is sent."""
        with self._lock:
            self.asked.append(asked)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            now = self._script.popleft() if len(self._script) > 1 else self._script[0] if self._script else None
        try:
            answer = now(asked) if callable(now) else now or failed(500, "The stand-in has no script.")
            self._released.wait(answer.delay) if answer.delay else None
            yield answer
        finally:
            with self._lock:
                self.open -= 1

    @contextmanager
    def running(self) -> Iterator["OpenAIStandIn"]:
        """Serve until the block ends."""
        with self._server.running():
            try:
                yield self
            finally:
                self._released.set()


class _Server(Server):
    standin: OpenAIStandIn


class _Handler(Handler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def post(self) -> None:
        raw = self.body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path != "/v1/chat/completions":
            self._send(failed(404, f"Invalid URL (POST {self.path})"))
        elif headers.get("authorization") != f"Bearer {KEY}":
            self._send(failed(401, f"Incorrect API key provided: {headers.get('authorization')}", "invalid_api_key"))
        else:
            with self.server.standin.answering(Asked(headers, json.loads(raw))) as answer:
                self._send(answer)

    def _send(self, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        self.send(answer.status, answer.headers, body.encode())


def said(answer: Any, *, finish: str = "stop", refusal: str | None = None, delay: float = 0) -> Answer:
    """An answer whose one choice says this: JSON of a value, or a text as it is."""
    content = answer if isinstance(answer, str) or answer is None else json.dumps(answer)
    message = {"role": "assistant", "content": content, "refusal": refusal}
    details = {"reasoning_tokens": 64}
    usage = {"prompt_tokens": 300, "completion_tokens": 200, "total_tokens": 500, "completion_tokens_details": details}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1764000000,
        "model": f"{MODEL}-2026-04-23",
        "choices": [choice],
        "usage": usage,
    }
    return Answer(body, delay=delay)


def failed(status: int, message: str, code: str | None = None, *, kind: str = "", param: str | None = None) -> Answer:
    """An error in the shape of OpenAI's."""
    error = {"message": message, "type": kind or "invalid_request_error", "param": param, "code": code}
    return Answer({"error": error}, status)


def limited(retry_after: str = "", **headers: str) -> Answer:
    """429 for too many requests."""
    error = failed(429, "Rate limit reached for requests", "rate_limit_exceeded", kind="requests")
    return Answer(error.body, 429, {**({"Retry-After": retry_after} if retry_after else {}), **headers})


def out_of_credit() -> Answer:
    """429 as well, but for good; OpenAI sends a Retry-After with it all the same."""
    error = failed(429, "You exceeded your current quota.", "insufficient_quota", kind="insufficient_quota")
    return Answer(error.body, 429, {"Retry-After": "20"})


def enrichment(**changes: Any) -> dict[str, Any]:
    """A good answer about a company."""
    return {
        "industry_primary": "Manufacturing",
        "industry_secondary": "Logistics",
        "sub_industry": "Pallets",
        "business_model": "B2B",
        "geographic_focus": "regional",
        "target_audience": ["Warehouses", "Carriers"],
        "key_products": ["Euro pallets", "Crates"],
        "unique_selling_props": ["Delivered in 24 hours"],
        "geographic_regions": ["Benelux"],
        "brand_voice": ["Plain"],
        "customer_problems": ["Broken pallets"],
        "use_cases": ["Export"],
        "industry_terminology": ["ISPM 15"],
        "regulatory_considerations": ["Heat treatment"],
        "competitors": [
            {"name": "Pallet Kings", "domain": "https://www.palletkings.example/"},
            {"name": "Crate & Co", "domain": "crate.example"},
        ],
        **changes,
    }
