"""The parser that asks Gemini, through google-generativeai or, when GEMINI_SDK says so, google-genai.

The engine retries, so a call is made once: an unusable answer raises `GeminiUnavailable` and the next attempt
asks again; a blocked answer stays blocked, so it is permanent and its reason is told.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import ValidationError

from jobs.errors import NonRetriableError
from transcripts.formats.base import clean
from transcripts.insights import ClassifiedRole, Insights, Person
from transcripts.parsers import prompt
from transcripts.parsers.base import Parsed
from transcripts.parsers.service import Backend, GeminiUnavailable, Reply, ServiceError, judged

DEFAULT_MODEL = "gemini-3.8-flash"
DEFAULT_TIMEOUT = 120
DEFAULT_SDK = "google-generativeai"
_REFUSALS = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "IMAGE_SAFETY"})


@dataclass(frozen=True, slots=True)
class GeminiParser:
    """Parses calls with one model. It holds no connection, so it may be made before a fork."""

    backend: Backend
    model: str
    secret: str = ""

    @classmethod
    def from_settings(cls) -> Self:
        """The parser that the GEMINI_* settings describe."""
        from django.conf import settings

        key = settings.GEMINI_API_KEY
        model = getattr(settings, "GEMINI_MODEL", None) or DEFAULT_MODEL
        sdk = getattr(settings, "GEMINI_SDK", None) or DEFAULT_SDK
        endpoint = getattr(settings, "GEMINI_API_ENDPOINT", None) or None
        timeout = float(getattr(settings, "GEMINI_TIMEOUT", None) or DEFAULT_TIMEOUT)
        return cls(_backend(sdk, key, model, endpoint, timeout), model, key)

    def parse(self, text: str) -> Parsed:
        """The insights of the call as the model sees them."""
        raw = self._ask(prompt.insights_prompt(text), prompt.INSIGHTS)
        answer = _object(raw)
        if not Insights.model_fields.keys() & answer.keys():
            raise GeminiUnavailable("Gemini's answer has none of the areas that were asked for.")
        try:
            insights = Insights.model_validate(answer)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise GeminiUnavailable(f"Gemini's answer does not fit the areas that were asked for ({where}).") from None
        return Parsed(insights, clean(raw), "gemini", self.model)

    def classify(self, people: Sequence[Person], text: str) -> list[ClassifiedRole]:
        """The part of each person; `unknown` for those whom the answer leaves out."""
        if not people:
            return []
        answer = _object(self._ask(prompt.roles_prompt(people, text), prompt.ROLES))
        found = answer.get("roles")
        entries = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
        # `Person` knows how models word the parts.
        answered = Insights.model_validate({"people": entries}).people
        roles = {person.name: person.classified_role for person in answered}
        return [roles.get(person.name, ClassifiedRole.UNKNOWN) for person in people]

    def _ask(self, question: str, schema: dict[str, Any]) -> str:
        try:
            reply = self.backend.generate(question, schema)
        except ServiceError as error:
            raise judged(error, model=self.model, secret=self.secret) from None
        return _usable(reply)


def _backend(sdk: str, key: str, model: str, endpoint: str | None, timeout: float) -> Backend:
    match sdk:
        case "google-generativeai":
            from transcripts.parsers.sdk_generativeai import GenerativeAI

            return GenerativeAI(key, model, endpoint, timeout)
        case "google-genai":
            from transcripts.parsers.sdk_genai import GenAI

            return GenAI(key, model, endpoint, timeout)
    raise NonRetriableError(f"GEMINI_SDK is {sdk!r}; it can be 'google-generativeai' or 'google-genai'.")


def _usable(reply: Reply) -> str:
    """The text of the answer; a block or refusal is for good, an empty answer is not."""
    reason = reply.blocked or (reply.finish if reply.finish in _REFUSALS else "")
    if reason and not reply.text.strip():
        raise NonRetriableError(f"Gemini declined to analyze this call ({reason.lower().replace('_', ' ')}).")
    if not reply.text.strip():
        raise GeminiUnavailable(f"Gemini gave an empty answer ({reply.finish or 'no reason given'}).")
    if reply.finish == "MAX_TOKENS":
        raise GeminiUnavailable("Gemini's answer was cut off before its end.")
    return reply.text


def _object(raw: str) -> dict[str, Any]:
    """The JSON object of an answer, without the code fence that models like to put around it."""
    text = raw.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text.strip("`").removeprefix("json")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise GeminiUnavailable("Gemini's answer is not valid JSON.") from None
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        raise GeminiUnavailable("Gemini's answer is not a JSON object.")
    return answer
