"""The only module that knows google-genai, the successor of google-generativeai; imported at the first call."""

import os
import threading
from dataclasses import dataclass
from typing import Any, ClassVar

from transcripts.parsers.service import Reply, ServiceError


@dataclass(frozen=True, slots=True)
class GenAI:
    """Asks over HTTP with one client per process and set of options, shared by its threads."""

    api_key: str
    model: str
    endpoint: str | None
    timeout: float

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _clients: ClassVar[dict[object, Any]] = {}

    def generate(self, prompt: str, schema: dict[str, Any]) -> Reply:
        """One answer, in JSON of this schema."""
        import httpx
        from google.genai.errors import APIError

        config = {"response_mime_type": "application/json", "response_schema": schema, "temperature": 0.1}
        try:
            response = self._client().models.generate_content(model=self.model, contents=prompt, config=config)
        except APIError as error:
            raise _described(error) from None
        except httpx.TimeoutException:
            raise ServiceError(0, f"no answer within {self.timeout:g} seconds") from None
        except (httpx.TransportError, ValueError) as error:
            raise ServiceError(0, type(error).__name__) from None
        return _reply(response)

    def _client(self) -> Any:
        key = (os.getpid(), self)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._new_client()
            return self._clients[key]

    def _new_client(self) -> Any:
        import httpx
        from google import genai

        options: dict[str, Any] = {
            "timeout": int(self.timeout * 1000),
            "retry_options": {"attempts": 1},
            "api_version": "v1beta",
            # Every thread of a worker may be waiting for an answer at once. A bound on idle connections would have
            # httpcore close one that another thread was just given: its answer would be lost, and paid for again.
            "client_args": {"limits": httpx.Limits(max_connections=None, max_keepalive_connections=None)},
        }
        if self.endpoint:
            options["base_url"] = self.endpoint
        return genai.Client(api_key=self.api_key, vertexai=False, http_options=options)


def _reply(response: Any) -> Reply:
    feedback = response.prompt_feedback
    blocked = _name(feedback.block_reason) if feedback is not None else ""
    candidate = next(iter(response.candidates or ()), None)
    if candidate is None:
        return Reply("", blocked=blocked)
    parts = (candidate.content.parts if candidate.content is not None else None) or ()
    text = "".join(part.text for part in parts if part.text and not part.thought)
    return Reply(text, blocked, _name(candidate.finish_reason))


def _name(value: Any) -> str:
    return str(getattr(value, "name", value) or "")


def _described(error: Any) -> ServiceError:
    headers = getattr(error.response, "headers", None) or {}
    body = error.details if isinstance(error.details, dict) else {}
    inner = body.get("error")
    details = inner.get("details") if isinstance(inner, dict) else None
    words = str(error.message or error.status or "")
    return ServiceError(int(error.code or 0), words, headers.get("Retry-After", ""), details or ())
