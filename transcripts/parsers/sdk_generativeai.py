"""The only module that knows google-generativeai, whose makers ended its support; it is imported at the first call."""

import os
import threading
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

from transcripts.parsers.service import Reply, ServiceError


@dataclass(frozen=True, slots=True)
class GenerativeAI:
    """Asks over REST. The SDK's configuration is global, so it is set once per process and set of options."""

    api_key: str
    model: str
    endpoint: str | None
    timeout: float

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _configured: ClassVar[list[object]] = []

    def generate(self, prompt: str, schema: dict[str, Any]) -> Reply:
        """One answer, in JSON of this schema."""
        genai = self._sdk()
        from google.api_core.exceptions import GoogleAPICallError
        from google.auth.exceptions import TransportError
        from google.protobuf.json_format import ParseError
        from requests.exceptions import RequestException

        config = {"response_mime_type": "application/json", "response_schema": schema, "temperature": 0.1}
        model = genai.GenerativeModel(self.model, generation_config=config)
        # Without retry=None the SDK itself repeats a 503 for up to ten minutes.
        options = {"timeout": self.timeout, "retry": None}
        try:
            return _reply(model.generate_content(prompt, request_options=options))
        except GoogleAPICallError as error:
            raise _described(error) from None
        except (RequestException, TransportError, ParseError) as error:
            raise ServiceError(0, _connection_words(error, self.timeout)) from None

    def _sdk(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            import google.generativeai as genai

        wanted = (os.getpid(), self.api_key, self.endpoint)
        with self._lock:
            if self._configured != [wanted]:
                options = {"api_endpoint": self.endpoint} if self.endpoint else None
                genai.configure(api_key=self.api_key, transport="rest", client_options=options)
                self._configured[:] = [wanted]
        return genai


def _reply(response: Any) -> Reply:
    """`response.text` raises when an answer was blocked, so the parts are read one by one."""
    blocked = response.prompt_feedback.block_reason
    candidate = next(iter(response.candidates), None)
    if candidate is None:
        return Reply("", blocked=blocked.name if blocked else "")
    text = "".join(part.text for part in candidate.content.parts)
    return Reply(text, blocked.name if blocked else "", getattr(candidate.finish_reason, "name", ""))


def _described(error: Any) -> ServiceError:
    headers = getattr(error.response, "headers", None) or {}
    details = [detail for detail in error.details or () if isinstance(detail, dict)]
    # The message of a REST error begins with the method and the whole address; only the service's words are kept.
    words = str(error.message).partition(": ")[2] if str(error.message).startswith("POST ") else str(error.message)
    return ServiceError(int(error.code or 0), words, headers.get("Retry-After", ""), details)


def _connection_words(error: Exception, timeout: float) -> str:
    from requests.exceptions import Timeout

    return f"no answer within {timeout:g} seconds" if isinstance(error, Timeout) else type(error).__name__
