"""The OpenAI client as the settings describe it, for every product that asks a language model."""

import re
from typing import Any

from django.conf import settings

# Models that think before they answer refuse a temperature of their own.
_REASONING = re.compile(r"^(?:o\d|gpt-[5-9](?!\S*chat))")


def connect(at_most: float | None = None) -> Any:
    """Return a client that asks once, within OPENAI_TIMEOUT: the engine retries, so the client must not.

    at_most: seconds to use instead, where the caller has less time.
    """
    import openai  # takes half a second, and most processes never need it

    return openai.OpenAI(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL or None,
        timeout=at_most or settings.OPENAI_TIMEOUT,
        max_retries=0,
    )


def temperature(value: float) -> dict[str, float]:
    """Return the argument that sets it, nothing for a model that would refuse it."""
    name = settings.OPENAI_MODEL.rpartition("/")[2]
    return {} if _REASONING.match(name) else {"temperature": value}
